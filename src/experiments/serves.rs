use super::bench::APP_PORT;
use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// The image started alone serves the app to whoever asks from outside of it.
pub struct Serves;

impl Experiment for Serves {
    type Params = NoParams;
    const ID: &'static str = "responde";
    const WHAT: &'static str =
        "Arranca la imagen sola, sin variables ni volúmenes, y le pide `/health` desde fuera.";
    const CONTROL: &'static str = "La petición va a la dirección del contenedor, no a su `localhost`, y se espera a que el modelo esté cargado.";
    const WHY: &'static str =
        "Una app que no arranca sin ayuda, o que solo se oye a sí misma, no le sirve a nadie más.";

    fn tried(_: &NoParams) -> String {
        format!(
            "arrancar la imagen sola, con `docker run`, y pedir `/health` en el puerto {APP_PORT} desde fuera"
        )
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        bench.say("arranco la imagen sola");
        Ok(match bench.answering().await? {
            Ok(_) => Finding::passed("`/health` respondió 200"),
            Err(finding) => finding,
        })
    }
}
