use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::modes::Mode;
use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// The app runs with `DEBUG`, or without it.
pub struct DebugMode;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// En cuál de las dos vidas: `desarrollo` o `produccion`.
    modo: Mode,
    /// Si `DEBUG` tiene que estar activo (`true`) o no (`false`).
    debug: bool,
}

impl Experiment for DebugMode {
    type Params = Params;
    const ID: &'static str = "debug-segun-modo";
    const WHAT: &'static str = "Levanta el proyecto y pregunta a la app si está en modo `DEBUG`.";
    const CONTROL: &'static str =
        "Lo dice la app en marcha (`/config`), no el archivo: da igual por dónde le llegue.";
    const WHY: &'static str = "Con `DEBUG`, una app cuenta sus interioridades a quien pregunte: en producción tiene que estar apagado.";

    fn tried(params: &Params) -> String {
        format!(
            "levantar el proyecto {} y preguntar a la app si está en modo `DEBUG`",
            params.modo.told()
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let scene = match bench.mode(params.modo).await {
            Ok(scene) => scene,
            Err(finding) => return Ok(finding),
        };
        let front = match bench.front_of(&scene.stack).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        let config = front.ask(&Request::get("/config")).await?.json();
        let debug = config["debug"].as_bool() == Some(true);
        let saw = format!("la app dice `debug: {debug}`");
        if debug == params.debug {
            return Ok(Finding::passed(saw));
        }
        let at = front.service.environment.get("DEBUG");
        let at = at.map_or(&front.service.location, |value| &value.location);
        Ok(Finding::failed(saw).at(Some(at.clone())))
    }
}
