use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::modes::Mode;
use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// An edit of the code outside shows in the running app without a build, or does not.
pub struct LiveCode;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// En cuál de las dos vidas: `desarrollo` o `produccion`.
    modo: Mode,
    /// Si el cambio tiene que verse (`true`) o no (`false`).
    vivo: bool,
}

impl Experiment for LiveCode {
    type Params = Params;
    const ID: &'static str = "codigo-vivo";
    const WHAT: &'static str = "Construye la imagen, cambia el código en la carpeta, arranca sin reconstruir y pregunta a la app qué código tiene.";
    const CONTROL: &'static str =
        "El cambio pone una palabra al azar: solo la dice quien ejecuta el código cambiado.";
    const WHY: &'static str = "En desarrollo, reconstruir por cada cambio cansa; en producción, lo que corre tiene que ser exactamente lo que se construyó y se probó.";

    fn tried(params: &Params) -> String {
        format!(
            "cambiar el código después de construir, levantar el proyecto {} y preguntar a la app qué código ejecuta",
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
        let lives = config["app_version"].as_str() == Some(bench.word());
        let first = front.service.volumes.first().map(|mount| &mount.location);
        let at = Some(first.unwrap_or(&front.service.location).clone());
        Ok(match (params.vivo, lives) {
            (true, true) => Finding::passed("la app ejecuta el código cambiado, sin reconstruir"),
            (false, false) => Finding::passed("la app ejecuta el código con que se construyó"),
            (true, false) => Finding::failed(
                "cambié `app/__init__.py` y la app sigue con el código con que se construyó la imagen",
            )
            .at(at),
            (false, true) => Finding::failed(
                "cambié `app/__init__.py` en la carpeta y la app ejecuta el cambio: lo que corre no es lo que se construyó",
            )
            .at(at),
        })
    }
}
