use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::API_ROLE;
use super::{Bench, Experiment};
use crate::verdict::Finding;

/// The app's service has a memory limit of a sensible size, and the engine applies it.
pub struct MemoryLimit;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El límite más bajo que se admite, en MB (de 1024 × 1024 bytes).
    min_mb: u64,
    /// El más alto.
    max_mb: u64,
}

impl Experiment for MemoryLimit {
    type Params = Params;
    const ID: &'static str = "limite-de-memoria";
    const WHAT: &'static str = "Levanta el proyecto y pregunta al motor qué límite de memoria tiene el contenedor de la app.";
    const CONTROL: &'static str = "El laboratorio pone sus propios límites a todo: solo cuenta el que está escrito en la entrega y que el motor aplica.";
    const WHY: &'static str = "Sin techo, un solo contenedor puede dejar sin memoria a la máquina entera. `reservations` reserva, pero no limita.";

    fn tried(params: &Params) -> String {
        format!(
            "levantar el proyecto y mirar el límite de memoria de la API, que tiene que estar entre {} y {} MB",
            params.min_mb, params.max_mb
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
        let Some(limit) = service.memory_limit() else {
            return Ok(Finding::failed(format!(
                "`{name}` no tiene límite de memoria: puede ocupar toda la de la máquina"
            ))
            .at(Some(service.location.clone())));
        };
        let megabytes = limit.value as f64 / f64::from(1 << 20);
        if megabytes < params.min_mb as f64 || megabytes > params.max_mb as f64 {
            let size = if megabytes > params.max_mb as f64 {
                "demasiado para que proteja a los demás"
            } else {
                "demasiado justo para la API"
            };
            return Ok(Finding::failed(format!(
                "el límite de memoria de `{name}` es de {megabytes:.0} MB: {size}"
            ))
            .at(Some(limit.location.clone())));
        }
        for container in risen.stack.containers(name).await {
            let host = container.inspect().await?.host_config.unwrap_or_default();
            if host.memory.and_then(|bytes| u64::try_from(bytes).ok()) != Some(limit.value) {
                return Ok(Finding::unverified(
                    "este motor no aplica límites de memoria, así que aquí no se puede probar",
                ));
            }
        }
        Ok(Finding::passed(format!(
            "el motor deja a `{name}` {megabytes:.0} MB como mucho"
        )))
    }
}
