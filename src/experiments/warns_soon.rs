use super::bench::WARNING_LIMIT;
use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// At the student's own pace, the engine calls an ill app unhealthy soon.
pub struct WarnsSoon;

impl Experiment for WarnsSoon {
    type Params = NoParams;
    const ID: &'static str = super::bench::WARNS_SOON;
    const WHAT: &'static str = "Con los plazos de la entrega, avería la app que estaba sana y cuenta cuánto tarda el motor en darla por `unhealthy`: menos de 9 s.";
    const CONTROL: &'static str = "Antes tiene que haber estado `healthy`. Si tarda demasiado, se repite con la máquina tranquila.";
    const WHY: &'static str = "Lo que se gana al arrancar subiendo los reintentos se pierde en cada avería: el aviso llega cuando los usuarios ya se fueron.";

    fn tried(_: &NoParams) -> String {
        format!(
            "averiar la app, con tus plazos, y contar cuánto tarda en pasar a `unhealthy` (como mucho {} s)",
            WARNING_LIMIT.as_secs()
        )
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        bench.say("averío la app y cuento cuánto tarda el aviso");
        Ok(bench.warning().await.clone())
    }
}
