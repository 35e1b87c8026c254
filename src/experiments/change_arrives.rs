use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::bench::StepError;
use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::lab::token;
use crate::submission::Snapshot;
use crate::verdict::Finding;

/// What changes in the folder changes in the app once the image is built again.
pub struct ChangeArrives;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Qué se cambia: `modelo` (la versión que dice `models/modelo.json`), `codigo` (una línea más en `app/__init__.py`) o `dependencia` (la versión de `iris-utiles` que pide `requirements.txt`).
    que: Change,
}

/// What is changed.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Change {
    /// La versión del modelo.
    Modelo,
    /// El código.
    Codigo,
    /// La versión de la dependencia.
    Dependencia,
}

/// The model, in the course's app.
const MODEL: &str = "models/modelo.json";

/// A file of the code that every module of the app is loaded after.
const CODE: &str = "app/__init__.py";

/// The list of dependencies.
const LIST: &str = "requirements.txt";

/// The version of `iris-utiles` that no list of the course asks for, and that `vendor/` has.
const OTHER_VERSION: &str = "1.1.0";

impl Experiment for ChangeArrives {
    type Params = Params;
    const ID: &'static str = "el-cambio-llega";
    const WHAT: &'static str = "Cambia el modelo, el código o la versión de una dependencia en la carpeta, reconstruye, y le pregunta a la app cuál tiene.";
    const CONTROL: &'static str = "La marca del cambio nace en ese momento: una copia hecha antes, o una versión escrita en el Dockerfile, no la puede tener.";
    const WHY: &'static str = "La imagen se hace con lo que hay en tu carpeta: si lo que cambias ahí no llega, estarás desplegando otra cosa.";

    fn tried(params: &Params) -> String {
        format!(
            "cambiar {}, reconstruir y preguntarle a la app cuál tiene",
            params.que
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let change = params.que;
        bench.say(format!("cambio {change} y reconstruyo"));
        let word = match change {
            Change::Dependencia => OTHER_VERSION.to_owned(),
            Change::Modelo | Change::Codigo => token(12),
        };
        let name = format!("cambio-{}", change.key());
        let rebuilt = bench.rebuild(&name, image, |files| change.make(files, &word));
        let built = match bench
            .lab
            .timed("reconstruir con el cambio", rebuilt)
            .await?
        {
            Ok(built) => built,
            Err(StepError(failure)) => {
                return Ok(Finding::failed(format!(
                    "cambié {change} y la imagen dejó de construirse: {}",
                    failure.message
                )));
            }
        };
        let alone = bench
            .start_served(&built, &name, bench.port(), |_| {})
            .await?;
        let (Some(container), None) = (&alone.container, &alone.trouble) else {
            return Ok(Finding::failed(format!(
                "cambié {change}, y con el cambio {}",
                alone.trouble.unwrap_or_default()
            )));
        };
        let reply = container
            .ask(bench.port(), &Request::get("/config"))
            .await?;
        let told = &reply.json()[change.key()];
        Ok(if told.as_str() == Some(word.as_str()) {
            Finding::passed(format!("puse «{word}», y la app tiene «{word}»"))
        } else {
            let told = match told {
                Value::String(told) => format!("sigue con «{told}»"),
                _ => "no la tiene".to_owned(),
            };
            Finding::failed(format!(
                "cambié {change} a «{word}» y reconstruí, pero la app {told}"
            ))
        })
    }
}

impl Change {
    /// Where the app's `/config` shows it.
    fn key(self) -> &'static str {
        match self {
            Self::Modelo => "model_version",
            Self::Codigo => "app_version",
            Self::Dependencia => "utiles",
        }
    }

    fn make(self, files: &mut Snapshot, word: &str) {
        let (path, changed) = match self {
            Self::Modelo => (MODEL, with_version(&text(files, MODEL), word)),
            Self::Codigo => (CODE, with_line(&text(files, CODE), word)),
            Self::Dependencia => (LIST, with_pin(&text(files, LIST), word)),
        };
        files.insert(path, changed, false);
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Modelo => write!(f, "la versión que dice `{MODEL}`"),
            Self::Codigo => write!(f, "la versión de la app, en `{CODE}`,"),
            Self::Dependencia => write!(f, "la versión de `iris-utiles` que pide `{LIST}`"),
        }
    }
}

fn text(files: &Snapshot, path: &str) -> String {
    let bytes = files.file(path).map(|bytes| bytes.to_vec());
    String::from_utf8_lossy(&bytes.unwrap_or_default()).into_owned()
}

/// The model with `version` as its version.
fn with_version(model: &str, version: &str) -> String {
    let mut model: Value = serde_json::from_str(model).unwrap_or_default();
    model["version"] = version.into();
    model.to_string()
}

/// The code with a line that has the app tell `version` as its own.
fn with_line(code: &str, version: &str) -> String {
    format!("{code}\nimport os\nos.environ[\"APP_VERSION\"] = \"{version}\"\n")
}

/// The list with every version that is pinned replaced.
fn with_pin(list: &str, version: &str) -> String {
    let lines = list.lines().map(|line| match line.split_once("==") {
        Some((name, _)) => format!("{name}=={version}\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_meant_changes() {
        let model = with_version(r#"{"version":"1.0.0","clases":["a"]}"#, "x");
        let model: Value = serde_json::from_str(&model).unwrap();
        assert_eq!(model, serde_json::json!({"version": "x", "clases": ["a"]}));
        assert_eq!(
            with_pin("# lista\niris-utiles==1.0.0\n", "1.1.0"),
            "# lista\niris-utiles==1.1.0\n"
        );
        assert!(with_line("\"\"\"Iris.\"\"\"", "x").starts_with("\"\"\"Iris.\"\"\"\nimport os\n"));
    }
}
