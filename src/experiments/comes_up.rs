use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::views::absent;
use super::{Bench, Experiment};
use crate::verdict::Finding;

/// The whole project comes up.
pub struct ComesUp;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Otros servicios que también tienen que quedarse sirviendo la app.
    #[serde(default)]
    servicios: Vec<String>,
}

impl Experiment for ComesUp {
    type Params = Params;
    const ID: &'static str = "levanta";
    const WHAT: &'static str = "Levanta el proyecto entero, como `docker compose up -d`.";
    const CONTROL: &'static str =
        "Cada servicio tiene que llegar a arrancar, y la app a responder, no solo a crearse.";
    const WHY: &'static str =
        "Un solo `docker compose up` tiene que bastar para que todo arranque, en el orden debido.";

    fn tried(_: &Params) -> String {
        "levantar el proyecto entero, como `docker compose up -d`".into()
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.read().await;
        if let Err(finding) = bench.front(risen).await? {
            return Ok(finding);
        }
        for name in &params.servicios {
            let service = risen.stack.project().services.get(name);
            let (Some(service), Some(view)) = (service, bench.views(risen).await?.get(name)) else {
                return Ok(absent(name));
            };
            if view.own.is_none() {
                let silent = || format!("`{name}` no sirve la app en su puerto");
                let saw = view.blind.clone().unwrap_or_else(silent);
                return Ok(Finding::failed(saw).at(Some(service.location.clone())));
            }
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
