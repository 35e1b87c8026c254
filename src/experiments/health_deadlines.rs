use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bench, Experiment};
use crate::verdict::Finding;

/// The health check's own times make sense: neither blind for minutes nor probing all the time.
pub struct HealthDeadlines;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Segundos que puede tardar como mucho en notarse una app colgada: reintentos × (intervalo + plazo).
    max_segundos: u64,
    /// Segundos que tienen que pasar al menos entre dos chequeos.
    min_intervalo: u64,
}

/// A probe that starts an interpreter needs a good part of a second on a busy machine.
const SHORTEST_TIMEOUT: Duration = Duration::from_secs(1);

impl Experiment for HealthDeadlines {
    type Params = Params;
    const ID: &'static str = "plazos-de-salud";
    const WHAT: &'static str = "Lee en la imagen construida el intervalo, el plazo y los reintentos del chequeo, y calcula cuánto tardaría el motor en notar un cuelgue.";
    const CONTROL: &'static str = "Lo que no se escribió vale lo que el motor pone por omisión (30 s, 30 s y 3). El período de gracia no cuenta: acaba con el primer acierto.";
    const WHY: &'static str = "Un chequeo que tarda minutos en avisar deja a los usuarios ante una app muerta; uno que sondea sin parar le quita procesador a la app.";

    fn tried(params: &Params) -> String {
        format!(
            "calcular con tus plazos cuánto tarda el motor en notar un cuelgue (como mucho {} s) y cada cuánto sondea",
            params.max_segundos
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let at = image.healthcheck();
        let Some(check) = bench.health_check(image).await? else {
            return Ok(Finding::failed("la imagen no lleva ningún chequeo de salud").at(at));
        };
        let slowest = check.slowest_notice();
        let sum = format!(
            "{} × ({} + {})",
            check.retries,
            seconds(check.interval),
            seconds(check.timeout)
        );
        Ok(
            if check.interval < Duration::from_secs(params.min_intervalo) {
                Finding::failed(format!(
                    "sondea cada {}, y entre dos chequeos tienen que pasar al menos {} s",
                    seconds(check.interval),
                    params.min_intervalo
                ))
                .at(at)
            } else if check.timeout < SHORTEST_TIMEOUT {
                Finding::failed(format!(
                "da a cada chequeo un plazo de {}, y con la máquina ocupada fallaría con la app sana: dale al menos {}",
                seconds(check.timeout),
                seconds(SHORTEST_TIMEOUT)
            ))
            .at(at)
            } else if slowest > Duration::from_secs(params.max_segundos) {
                Finding::failed(format!(
                    "con tus plazos, una app colgada tarda hasta {} en pasar a `unhealthy`: {sum}",
                    seconds(slowest)
                ))
                .at(at)
            } else {
                Finding::passed(format!(
                    "una app colgada se nota en {} como mucho: {sum}",
                    seconds(slowest)
                ))
            },
        )
    }
}

/// «2,5 s»
fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64()).replace('.', ",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_as_people_write_them() {
        assert_eq!(seconds(Duration::from_millis(2500)), "2,5 s");
        assert_eq!(seconds(Duration::from_secs(120)), "120 s");
    }
}
