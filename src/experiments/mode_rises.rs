use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::modes::Mode;
use super::{Bench, Experiment};
use crate::verdict::Finding;

/// The project comes up in one of its two lives.
pub struct ModeRises;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// En cuál de las dos vidas: `desarrollo` o `produccion`.
    modo: Mode,
}

impl Experiment for ModeRises {
    type Params = Params;
    const ID: &'static str = "levanta-modo";
    const WHAT: &'static str =
        "Levanta el proyecto en desarrollo o en producción y espera a que la app responda.";
    const CONTROL: &'static str = "La app tiene que responder, no solo crearse su contenedor.";
    const WHY: &'static str =
        "Las dos vidas parten de la misma base: ninguna puede romper a la otra.";

    fn tried(params: &Params) -> String {
        format!("levantar el proyecto {}", params.modo.told())
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let scene = match bench.mode(params.modo).await {
            Ok(scene) => scene,
            Err(finding) => return Ok(finding),
        };
        Ok(match bench.front_of(&scene.stack).await? {
            Ok(_) => Finding::passed("la app responde"),
            Err(finding) => finding,
        })
    }
}
