use serde_json::Value;

use super::{Bench, Experiment, NoParams};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// The running app has loaded the course's model.
pub struct ModelLoaded;

/// Where the course's app has its model.
const MODEL: &str = "models/modelo.json";

impl Experiment for ModelLoaded {
    type Params = NoParams;
    const ID: &'static str = "modelo-cargado";
    const WHAT: &'static str =
        "Arranca la imagen sola y pregunta a la app qué modelo tiene cargado.";
    const CONTROL: &'static str = "Tiene que ser la versión del modelo del curso, y lo dice la app en marcha, no sus variables.";
    const WHY: &'static str = "Una API que arranca sin modelo parece viva y no sirve para nada: responde 503 a todo lo que importa.";

    fn tried(_: &NoParams) -> String {
        "preguntar a la app en marcha qué modelo tiene cargado".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let wanted = bench.files().file(MODEL);
        let wanted = wanted.and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
        let wanted = wanted
            .map(|model| model["version"].clone())
            .unwrap_or_default();
        let alone = bench.alone(image).await?;
        let Some(container) = &alone.container else {
            return Ok(Finding::failed(alone.trouble.clone().unwrap_or_default()));
        };
        let Ok(reply) = container.ask(bench.port(), &Request::get("/config")).await else {
            return Ok(Finding::failed(alone.trouble.clone().unwrap_or_default()));
        };
        let config = reply.json();
        let path = config["model_path"].as_str().unwrap_or_default();
        Ok(if config["model_version"] == wanted && !wanted.is_null() {
            Finding::passed(format!("la app cargó el modelo de `{path}`"))
        } else if config["model_version"].is_null() {
            Finding::failed(format!(
                "la app no tiene ningún modelo; lo buscó en `{path}`. Sus últimas líneas:\n{}",
                container.last_lines(3).await
            ))
            .at(image.dockerfile.last("ENV"))
        } else {
            Finding::failed(format!(
                "la app cargó de `{path}` un modelo que no es el del curso"
            ))
        })
    }
}
