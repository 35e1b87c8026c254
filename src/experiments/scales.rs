use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// The service runs as several replicas at once, each reachable from the host.
pub struct Scales;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El servicio que se escala.
    servicio: String,
    /// Cuántas réplicas.
    replicas: u64,
}

impl Experiment for Scales {
    type Params = Params;
    const ID: &'static str = "escala";
    const WHAT: &'static str = "Escala el servicio y pregunta a cada réplica quién es.";
    const CONTROL: &'static str =
        "Cada proceso tiene un nombre al azar: una réplica que responde por dos no vale.";
    const WHY: &'static str = "Un nombre o un puerto fijos solo los puede tener un contenedor: con ellos no hay segunda réplica.";

    fn tried(params: &Params) -> String {
        format!(
            "`docker compose up -d --scale {}={}` y preguntar a cada réplica quién es",
            params.servicio, params.replicas
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.write().await;
        bench.say(format!(
            "escalo `{}` a {}",
            params.servicio, params.replicas
        ));
        let scaled = risen.stack.scale(&params.servicio, params.replicas);
        if let Err(error) = bench.lab.timed("escalar", scaled).await {
            return error.finding();
        }
        let Some(service) = risen.stack.project().services.get(&params.servicio) else {
            return Ok(Finding::failed(format!(
                "no hay servicio `{}`",
                params.servicio
            )));
        };
        let port = Bench::port_of(service);
        let mut instances = BTreeSet::new();
        for container in risen.stack.containers(&params.servicio).await {
            if let Some(trouble) = super::bench::wait_for_answer(&container, port).await? {
                return Ok(Finding::failed(format!(
                    "una réplica no responde: {trouble}"
                )));
            }
            if container.published(port).await?.is_none() {
                return Ok(Finding::failed(format!(
                    "las réplicas viven, pero su puerto {port} no está publicado en el anfitrión"
                ))
                .at(Some(service.location.clone())));
            }
            let config = container.ask(port, &Request::get("/config")).await?.json();
            instances.extend(config["instancia"].as_str().map(str::to_owned));
        }
        let alive = instances.len() as u64;
        Ok(if alive >= params.replicas {
            Finding::passed(format!(
                "{alive} réplicas distintas responden, cada una con su puerto"
            ))
        } else {
            Finding::failed(format!(
                "pedí {} réplicas y responden {alive}",
                params.replicas
            ))
        })
    }
}
