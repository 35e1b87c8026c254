use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// The image carries the dependency that the list asks for, and the app finds it.
pub struct DependencyIsThere;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Carpeta del paquete una vez instalado.
    paquete: String,
    /// La versión de `iris-utiles` que pide la lista.
    version: String,
}

impl Experiment for DependencyIsThere {
    type Params = Params;
    const ID: &'static str = "dependencia-instalada";
    const WHAT: &'static str = "Le pregunta a la app qué versión de la dependencia ha importado, y mira en el contenedor si se instaló al arrancar.";
    const CONTROL: &'static str = "Lo que el contenedor ha escrito desde que arrancó lo dice el motor: así se distingue lo que traía la imagen de lo que se instaló después.";
    const WHY: &'static str = "Lo que se instala al arrancar se instala cada vez, en cada réplica, y falla el día que el índice de paquetes no responde.";

    fn tried(params: &Params) -> String {
        format!(
            "preguntarle a la app qué versión de `{}` tiene, y mirar si ya venía en la imagen",
            params.paquete
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let (image, container) = match bench.answering().await? {
            Ok(answering) => answering,
            Err(finding) => return Ok(finding),
        };
        let config = container
            .ask(bench.port(), &Request::get("/config"))
            .await?;
        match &config.json()["utiles"] {
            Value::String(version) if *version == params.version => {}
            Value::String(version) => {
                return Ok(Finding::failed(format!(
                    "la app tiene la versión {version}, y la lista pide la {}",
                    params.version
                ))
                .at(image.dockerfile.last("RUN")));
            }
            _ => {
                return Ok(Finding::failed(format!(
                    "la app no encuentra el paquete `{}` al importarlo",
                    params.paquete
                ))
                .at(image.dockerfile.last("RUN")));
            }
        }
        let file = format!("/{}/__init__.py", params.paquete);
        let changes = container.changes().await?;
        Ok(match changes.iter().find(|path| path.ends_with(&file)) {
            Some(path) => Finding::failed(format!(
                "la imagen no trae el paquete: `{path}` lo escribió el contenedor al arrancar"
            ))
            .at(image.starts_at()),
            None => Finding::passed(format!(
                "la imagen trae la versión {} y la app la encuentra",
                params.version
            )),
        })
    }
}
