use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::{KEY_VARIABLE, fingerprint, wait_for_answer};
use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::lab::stack::no_health;
use crate::lab::token;
use crate::verdict::Finding;

/// The app has the key that it is given when it starts, and none when it is given none.
pub struct KeyAtStart;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Si se le da una clave al azar con `-e API_KEY`, que tiene que usar, o ninguna, y entonces no debe tener otra.
    con_clave: bool,
}

impl Experiment for KeyAtStart {
    type Params = Params;
    const ID: &'static str = "clave-al-arrancar";
    const WHAT: &'static str = "Arranca la imagen con una clave al azar en `API_KEY`, o sin ninguna, y pregunta a la app cuál tiene.";
    const CONTROL: &'static str = "La app demuestra qué clave tiene con la huella de una palabra que solo el verificador conoce.";
    const WHY: &'static str = "La misma imagen sirve para todos si la clave llega al arrancar: cambiarla no obliga a construir otra vez.";

    fn tried(params: &Params) -> String {
        if params.con_clave {
            "arrancar con `docker run -e API_KEY=…`, una clave al azar, y preguntar a la app qué clave tiene".into()
        } else {
            "arrancar sin `API_KEY` y preguntar a la app si tiene alguna clave".into()
        }
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let start = image
            .dockerfile
            .last("CMD")
            .or_else(|| image.dockerfile.last("ENTRYPOINT"));
        let failed = |saw: String| Ok(Finding::failed(saw).at(start.clone()));
        if !params.con_clave {
            let alone = bench.alone(image).await?;
            let (Some(container), None) = (&alone.container, &alone.trouble) else {
                return failed(alone.trouble.clone().unwrap_or_default());
            };
            let config = container
                .ask(bench.port(), &Request::get("/config"))
                .await?;
            return if config.json()["api_key"].is_null() {
                Ok(Finding::passed(
                    "sin `API_KEY`, la app arranca y no tiene ninguna clave",
                ))
            } else {
                failed("nadie le dio una clave y la app tiene una: está dentro de la imagen".into())
            };
        }
        let key = token(24);
        let environment = vec![
            format!("AULA_CLAVE={}", bench.switch_key),
            format!("{KEY_VARIABLE}={key}"),
        ];
        let health = Some(no_health());
        let ports = [bench.port()];
        let started = bench.start("con-clave", image, environment, health, &ports);
        let container = match started.await? {
            Ok(container) => container,
            Err(trouble) => return failed(trouble),
        };
        if let Some(trouble) = wait_for_answer(&container, bench.port()).await? {
            return failed(trouble);
        }
        let config = container
            .ask(bench.port(), &Request::get("/config"))
            .await?;
        let config = config.json();
        if config["api_key_huella"] == fingerprint(&key).as_str() {
            Ok(Finding::passed(
                "la app usa la clave que le di: coincide su huella",
            ))
        } else if config["api_key"].is_null() {
            failed("le di una clave en `API_KEY` y la app dice que no tiene ninguna".into())
        } else {
            failed("le di una clave en `API_KEY` y la app tiene otra".into())
        }
    }
}
