use super::notices_failure::notice;
use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// The container turns unhealthy when the app accepts connections and never answers.
pub struct NoticesHang;

impl Experiment for NoticesHang {
    type Params = NoParams;
    const ID: &'static str = "detecta-cuelgue";
    const WHAT: &'static str = "Cuelga la app, que acepta conexiones y no contesta, y espera a que el motor la dé por `unhealthy`.";
    const CONTROL: &'static str = "Antes tiene que haber estado sana, y solo cuentan chequeos que empezaron después del cuelgue.";
    const WHY: &'static str = "Una app colgada acepta conexiones y no responde: solo la nota un chequeo que espera la respuesta, con un plazo.";

    fn tried(_: &NoParams) -> String {
        "colgar la app, que acepta la conexión y calla, y esperar a que el motor la dé por `unhealthy`".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let patient = match bench.patient().await {
            Ok(patient) => patient,
            Err(finding) => return Ok(finding),
        };
        bench.say("cuelgo la app y espero a que el chequeo lo note");
        notice(bench, patient, "colgado", "no responde").await
    }
}
