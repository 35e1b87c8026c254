use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::API_ROLE;
use super::{Bench, Experiment};
use crate::verdict::Finding;

/// The app's service has a limit of processor time, and the engine applies it.
pub struct CpuLimit;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El límite más alto que se admite, en núcleos; menos de 2.
    max: f64,
}

impl Experiment for CpuLimit {
    type Params = Params;
    const ID: &'static str = "limite-de-cpu";
    const WHAT: &'static str =
        "Levanta el proyecto y pregunta al motor cuánta CPU puede usar el contenedor de la app.";
    const CONTROL: &'static str = "El laboratorio pone sus propios límites a todo: solo cuenta el que está escrito en la entrega y que el motor aplica.";
    const WHY: &'static str = "Una predicción que se enreda puede ocupar todos los núcleos y parar a los demás servicios.";

    fn tried(params: &Params) -> String {
        format!(
            "levantar el proyecto y mirar el límite de CPU de la API, que tiene que ser de {} como mucho",
            params.max
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.read().await;
        let name = bench.service_name(API_ROLE);
        let Some(service) = risen.stack.project().services.get(name) else {
            anyhow::bail!("no hay servicio `{name}`");
        };
        let Some(limit) = service.cpu_limit() else {
            return Ok(Finding::failed(format!(
                "`{name}` no tiene límite de CPU: puede ocupar todos los núcleos"
            ))
            .at(Some(service.location.clone())));
        };
        if limit.value > params.max {
            return Ok(Finding::failed(format!(
                "`{name}` puede usar hasta {} núcleos, más de {}",
                limit.value, params.max
            ))
            .at(Some(limit.location.clone())));
        }
        for container in risen.stack.containers(name).await {
            let host = container.inspect().await?.host_config.unwrap_or_default();
            let quota = match (host.cpu_quota, host.cpu_period) {
                (Some(quota), Some(period)) if quota > 0 && period > 0 => {
                    quota as f64 / period as f64
                }
                _ => f64::INFINITY,
            };
            let cores = match host.nano_cpus {
                Some(nanos) if nanos > 0 => nanos as f64 / 1e9,
                _ => quota,
            };
            if cores > limit.value + 0.01 {
                return Ok(Finding::unverified(
                    "este motor no aplica límites de CPU, así que aquí no se puede probar",
                ));
            }
        }
        Ok(Finding::passed(format!(
            "el motor deja a `{name}` {} núcleos como mucho",
            limit.value
        )))
    }
}
