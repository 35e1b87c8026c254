use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// The whole project comes up.
pub struct ComesUp;

impl Experiment for ComesUp {
    type Params = NoParams;
    const ID: &'static str = "levanta";
    const WHAT: &'static str = "Levanta el proyecto entero, como `docker compose up -d`.";
    const CONTROL: &'static str =
        "Cada servicio tiene que llegar a arrancar, y la app a responder, no solo a crearse.";
    const WHY: &'static str =
        "Un solo `docker compose up` tiene que bastar para que todo arranque, en el orden debido.";

    fn tried(_: &NoParams) -> String {
        "levantar el proyecto entero, como `docker compose up -d`".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.read().await;
        if let Err(finding) = bench.front(risen).await? {
            return Ok(finding);
        }
        let names: Vec<_> = risen
            .stack
            .project()
            .services
            .keys()
            .map(String::as_str)
            .collect();
        Ok(Finding::passed(format!(
            "se levantaron: {}",
            names.join(", ")
        )))
    }
}
