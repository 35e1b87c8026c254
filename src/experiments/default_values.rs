use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::bench::wait_for_answer;
use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::lab::stack::no_health;
use crate::verdict::Finding;

/// Without any variable the app starts with the values that were agreed on.
pub struct DefaultValues;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Lo que `/config` tiene que decir sin ninguna variable: campo y valor.
    config: BTreeMap<String, String>,
}

impl Experiment for DefaultValues {
    type Params = Params;
    const ID: &'static str = "valores-por-defecto";
    const WHAT: &'static str =
        "Arranca la imagen sin ninguna variable y pregunta a la app qué configuración tiene.";
    const CONTROL: &'static str = "Se pregunta a la app en marcha, no a la imagen: valen los valores de la imagen y los de la propia app.";
    const WHY: &'static str = "Una imagen que no arranca sin media docena de variables es difícil de probar y fácil de desplegar a medias.";

    fn tried(params: &Params) -> String {
        let values = params.config.iter();
        let values: Vec<_> = values
            .map(|(field, value)| format!("`{field}` = {value}"))
            .collect();
        format!(
            "arrancar sin variables y preguntar a `/config`: {}",
            values.join(", ")
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let failed = |saw: String| {
            let at = image.dockerfile.last("CMD");
            Ok(Finding::failed(saw).at(at.or_else(|| image.dockerfile.last("ENV"))))
        };
        let environment = vec![format!("AULA_CLAVE={}", bench.switch_key)];
        let health = Some(no_health());
        let ports = [bench.port()];
        let started = bench.start("por-defecto", image, environment, health, &ports);
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
        for (field, wanted) in &params.config {
            let seen = told(&config[field]);
            if seen != *wanted {
                return failed(format!(
                    "sin variables, la app dice `{field}` = «{seen}», y tenía que ser «{wanted}»"
                ));
            }
        }
        Ok(Finding::passed(
            "sin variables, la app tiene los valores por defecto",
        ))
    }
}

/// A value as people write it.
fn told(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => "nada".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_without_quotes() {
        assert_eq!(told(&serde_json::json!("INFO")), "INFO");
        assert_eq!(told(&serde_json::json!(8000)), "8000");
        assert_eq!(told(&Value::Null), "nada");
    }
}
