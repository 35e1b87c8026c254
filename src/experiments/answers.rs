use super::{Bench, Experiment, NoParams, predicts};
use crate::verdict::Finding;

/// The image started alone serves the app and predicts.
pub struct Answers;

impl Experiment for Answers {
    type Params = NoParams;
    const ID: &'static str = "responde-y-predice";
    const WHAT: &'static str = "Arranca la imagen sola, sin variables ni volúmenes, y le pide `/health` y tres predicciones desde fuera.";
    const CONTROL: &'static str =
        "Las tres flores son de tres clases: una respuesta fija no acierta las tres.";
    const WHY: &'static str = "Una imagen que solo arranca con ayuda, o que no se oye desde fuera, no se puede desplegar.";

    fn tried(_: &NoParams) -> String {
        "arrancar la imagen sola, pedir `/health` desde fuera y clasificar tres flores".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        bench.say("arranco la imagen sola y le pido predicciones");
        let (_, container) = match bench.answering().await? {
            Ok(answering) => answering,
            Err(finding) => return Ok(finding),
        };
        Ok(match predicts::wrong(container, bench.port()).await? {
            Some(saw) => Finding::failed(saw),
            None => Finding::passed("`/health` respondió 200 y las tres flores salieron bien"),
        })
    }
}
