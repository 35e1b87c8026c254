use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use time::OffsetDateTime;

use super::bench::instant::{NotAnInstant, instant};
use super::{Bench, Experiment};
use crate::verdict::Finding;

/// Every line of the log says when it was written, zone included.
pub struct LogTime;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El campo que lleva la hora.
    campo: String,
}

/// How far the engine's clock may be from ours; the container's own zone is further away.
const SLACK: Duration = Duration::from_secs(30 * 60);

impl Experiment for LogTime {
    type Params = Params;
    const ID: &'static str = "hora-con-zona";
    const WHAT: &'static str =
        "Lee la hora de cada línea del log y mira que diga su zona y que sea la hora de verdad.";
    const CONTROL: &'static str = "El contenedor corre en una zona a cinco horas de UTC: una hora local a la que se le pega una `Z` no cuadra.";
    const WHY: &'static str = "Sin zona, dos máquinas que cuentan lo mismo parecen estar a horas distintas, y una vez al año una hora se repite.";

    fn tried(params: &Params) -> String {
        format!(
            "leer `{}` en cada línea, con el contenedor en una zona a cinco horas de UTC",
            params.campo
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let spoken = match bench.spoken().await {
            Ok(spoken) => spoken,
            Err(finding) => return Ok(finding),
        };
        let entries = spoken.entries();
        let earliest = OffsetDateTime::from(spoken.span.0) - SLACK;
        let latest = OffsetDateTime::from(spoken.span.1) + SLACK;
        for entry in &entries {
            let field = &params.campo;
            let Some(text) = entry.text(field) else {
                return Ok(Finding::failed(format!(
                    "la línea {} no lleva un texto en `{field}`: «{}»",
                    entry.number, entry.raw
                )));
            };
            let saw = match instant(text) {
                Ok(at) if (earliest..=latest).contains(&at) => continue,
                Ok(_) => format!(
                    "`{field}` es «{text}» en la línea {}, y no es la hora en que se escribió: el contenedor estaba en una zona a cinco horas de UTC",
                    entry.number
                ),
                Err(NotAnInstant::NoZone) => format!(
                    "`{field}` es «{text}» en la línea {}: no dice de qué zona es esa hora",
                    entry.number
                ),
                Err(NotAnInstant::Unreadable) => format!(
                    "`{field}` es «{text}» en la línea {}: no es una hora ISO 8601, como `2024-05-06T12:30:00+00:00`",
                    entry.number
                ),
            };
            return Ok(Finding::failed(saw));
        }
        Ok(if entries.is_empty() {
            Finding::failed("el log no tiene ninguna línea JSON con su hora")
        } else {
            Finding::passed(format!(
                "las {} líneas dicen su hora y su zona",
                entries.len()
            ))
        })
    }
}
