use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::{Setting, plain};
use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::verdict::{Finding, Outcome};

/// Without a variable from outside, Compose does not bring the project up.
pub struct RequiresVariable;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// La variable que tiene que ser obligatoria.
    variable: String,
    /// Si se prueba con la variable definida y vacía, en vez de sin definir.
    #[serde(default)]
    vacia: bool,
}

/// Surroundings in which `variable` is `value`, in the shell and in `.env`, or is nowhere.
pub fn setting(variable: &str, value: Option<&str>) -> Setting {
    let variables: BTreeMap<String, String> = value
        .into_iter()
        .map(|value| (variable.to_owned(), value.to_owned()))
        .collect();
    Setting {
        shell: variables.clone(),
        // A missing `.env` is a fault of its own for whoever names it.
        defined: BTreeMap::from([(".env".to_owned(), variables)]),
        undefined: vec![variable.to_owned()],
        ..Setting::default()
    }
}

/// The key that the checker gives from outside.
pub fn key(bench: &Bench<'_>) -> String {
    format!("clave-{}", bench.word())
}

impl Experiment for RequiresVariable {
    type Params = Params;
    const ID: &'static str = "exige-variable";
    const WHAT: &'static str = "Pide a Compose que levante el proyecto sin la variable, o con ella vacía, en el shell y en `.env`.";
    const CONTROL: &'static str = "Con la variable puesta, el mismo proyecto tiene que cargarse y levantarse: así se sabe que se negó por ella y no por otra cosa. El `.env` de la entrega no cuenta: el verificador pone el suyo.";
    const WHY: &'static str = "Un error claro al arrancar se arregla en un minuto; una clave vacía se descubre en producción.";

    fn tried(params: &Params) -> String {
        let variable = &params.variable;
        if params.vacia {
            format!("`docker compose up` con `{variable}` vacía")
        } else {
            format!("`docker compose up` sin `{variable}`")
        }
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let variable = &params.variable;
        let given = setting(variable, Some(&key(bench)));
        let lacking = setting(variable, params.vacia.then_some(""));
        let read = bench.load_in(&given);
        let loaded = match bench.valid(&read) {
            Ok(loaded) => loaded,
            Err(finding) => return Ok(finding),
        };
        if let Err(error) = bench.load_in(&lacking) {
            return Ok(Finding::passed(format!(
                "Compose se negó: {}",
                plain(&error)
            )));
        }
        if let Err(finding) = bench.scene(&given).await {
            return Ok(finding);
        }
        let scene = match bench.scene(&lacking).await {
            Err(finding) if finding.outcome == Outcome::Failed => {
                return Ok(Finding::passed(format!(
                    "Compose no lo levantó: {}",
                    finding.saw
                )));
            }
            Err(finding) => return Ok(finding),
            Ok(scene) => scene,
        };
        let api = loaded.project.services.get(bench.service_name("api"));
        let at = api.map(|api| match api.environment.get(variable) {
            Some(value) => value.location.clone(),
            None => api.location.clone(),
        });
        let config = match bench.front_of(&scene.stack).await? {
            Ok(front) => front.ask(&Request::get("/config")).await?.json(),
            Err(_) => serde_json::Value::Null,
        };
        let app = if config["api_key"].is_string() {
            "la app arranca con otra clave, que no viene de fuera"
        } else {
            "la app arranca sin clave"
        };
        let how = if params.vacia {
            format!("con `{variable}` vacía")
        } else {
            format!("sin `{variable}`")
        };
        Ok(Finding::failed(format!("{how}, Compose levanta el proyecto igual y {app}")).at(at))
    }
}
