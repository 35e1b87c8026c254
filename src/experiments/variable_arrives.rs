use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::fingerprint;
use super::requires_variable::{key, setting};
use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// A key that is given from outside in a variable is the one that the app has.
pub struct VariableArrives;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// La variable en la que se da la clave.
    variable: String,
}

impl Experiment for VariableArrives {
    type Params = Params;
    const ID: &'static str = "clave-de-fuera-llega";
    const WHAT: &'static str = "Levanta el proyecto con una clave al azar, en el shell y en `.env`, y pregunta a la app cuál tiene.";
    const CONTROL: &'static str =
        "La app no enseña la clave: demuestra con su huella que tiene esa y no otra.";
    const WHY: &'static str =
        "Exigir una variable no sirve de nada si luego no llega a quien la usa.";

    fn tried(params: &Params) -> String {
        format!(
            "`docker compose up` con una clave al azar en `{}`, y preguntar a la app cuál tiene",
            params.variable
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let key = key(bench);
        let scene = match bench.scene(&setting(&params.variable, Some(&key))).await {
            Ok(scene) => scene,
            Err(finding) => return Ok(finding),
        };
        let front = match bench.front_of(&scene.stack).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        let at = match front.service.environment.get(&params.variable) {
            Some(value) => value.location.clone(),
            None => front.service.location.clone(),
        };
        let config = front.ask(&Request::get("/config")).await?.json();
        Ok(match config["api_key_huella"].as_str() {
            Some(print) if print == fingerprint(&key) => {
                Finding::passed("la app tiene la clave que puse fuera: coincide su huella")
            }
            Some(_) => Finding::failed(format!(
                "la app tiene una clave, pero no la que puse fuera en `{}`",
                params.variable
            ))
            .at(Some(at)),
            None => Finding::failed(format!(
                "puse una clave en `{}` y a la app no le llega ninguna",
                params.variable
            ))
            .at(Some(at)),
        })
    }
}
