use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bench, Experiment};
use crate::verdict::Finding;

/// Every line of the log has the fields that were agreed on, and they say the truth.
pub struct LogFields;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Los campos que cada línea tiene que llevar, con un texto.
    campos: Vec<String>,
}

/// The field with the level.
const LEVEL: &str = "level";

impl Experiment for LogFields {
    type Params = Params;
    const ID: &'static str = "campos-del-log";
    const WHAT: &'static str = "Mira que cada línea JSON del log lleve los campos pedidos, y que el nivel de un acceso y el de un error sean los suyos.";
    const CONTROL: &'static str = "El acceso y el error se reconocen por palabras al azar que puso el verificador: un nivel escrito siempre igual no vale.";
    const WHY: &'static str = "Las búsquedas y las alertas se hacen por campos: una línea sin nivel o sin hora no aparece cuando más falta hace.";

    fn tried(params: &Params) -> String {
        format!(
            "buscar en cada línea del log los campos `{}`",
            params.campos.join("`, `")
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let spoken = match bench.spoken().await {
            Ok(spoken) => spoken,
            Err(finding) => return Ok(finding),
        };
        let entries = spoken.entries();
        for entry in &entries {
            let missing = params
                .campos
                .iter()
                .find(|field| entry.text(field).is_none());
            if let Some(field) = missing {
                return Ok(Finding::failed(format!(
                    "la línea {} del log no lleva un texto en `{field}`: «{}»",
                    entry.number, entry.raw
                )));
            }
        }
        if !params.campos.iter().any(|field| field == LEVEL) {
            return Ok(Finding::passed("cada línea lleva los campos"));
        }
        for (word, wanted, what) in [
            (&spoken.page, "INFO", "un acceso"),
            (&spoken.flaw, "ERROR", "un error"),
        ] {
            let wrong = entries.iter().find(|entry| {
                let level = entry.text(LEVEL).unwrap_or_default();
                entry.says(word) && !level.eq_ignore_ascii_case(wanted)
            });
            if let Some(entry) = wrong {
                return Ok(Finding::failed(format!(
                    "la línea {} es de {what} y su nivel no es {wanted}: «{}»",
                    entry.number, entry.raw
                )));
            }
        }
        Ok(Finding::passed(format!(
            "las {} líneas llevan `{}`",
            entries.len(),
            params.campos.join("`, `")
        )))
    }
}
