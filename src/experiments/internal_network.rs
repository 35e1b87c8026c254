use std::collections::BTreeMap;

use bollard::query_parameters::InspectNetworkOptions;

use super::bench::API_ROLE;
use super::{Bench, Experiment, NoParams};
use crate::lab::container::Container;
use crate::verdict::Finding;

/// Everything but the app's service lives on internal networks only; the app is on one of them and on another with a way out.
pub struct InternalNetwork;

impl Experiment for InternalNetwork {
    type Params = NoParams;
    const ID: &'static str = "red-interna";
    const WHAT: &'static str =
        "Mira a qué redes conectó el motor cada servicio y cuáles tienen salida.";
    const CONTROL: &'static str = "Se mira lo que el motor hizo, no lo que dice el archivo.";
    const WHY: &'static str =
        "Lo que no necesita internet no debe tenerla: así un intruso no puede sacar datos por ahí.";

    fn tried(_: &NoParams) -> String {
        "mirar en el motor a qué redes quedó conectado cada servicio y cuáles tienen salida".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.read().await;
        let api = bench.service_name(API_ROLE);
        let project = risen.stack.project();
        let Some(front) = risen.stack.containers(api).await.into_iter().next() else {
            return Ok(Finding::failed(format!(
                "`{api}` no tiene ningún contenedor"
            )));
        };
        let front = networks(&front).await?;
        let mut shared = false;
        for name in bench.exercise.services.values().filter(|name| *name != api) {
            let Some(container) = risen.stack.containers(name).await.into_iter().next() else {
                continue;
            };
            let own = networks(&container).await?;
            shared |= own.keys().any(|id| front.contains_key(id));
            let at = project
                .services
                .get(name)
                .map(|service| service.location.clone());
            if own.is_empty() {
                return Ok(Finding::failed(format!("`{name}` no está en ninguna red")).at(at));
            }
            if let Some(open) = own.values().find(|network| !network.internal) {
                let key = key(project, &open.name);
                let at = project
                    .networks
                    .get(&key)
                    .map(|network| network.location.clone())
                    .or(at);
                return Ok(Finding::failed(format!(
                    "`{name}` tiene salida: su red `{key}` no es interna (el motor le da la puerta de enlace {})",
                    open.gateway
                ))
                .at(at));
            }
        }
        let at = project
            .services
            .get(api)
            .map(|service| service.location.clone());
        if !shared {
            return Ok(Finding::failed(format!(
                "`{api}` no comparte ninguna red interna con los demás"
            ))
            .at(at));
        }
        if front.values().all(|network| network.internal) {
            return Ok(Finding::failed(format!(
                "`{api}` solo está en redes internas: sus puertos no se publican y nadie llega desde fuera"
            ))
            .at(at));
        }
        Ok(Finding::passed(format!(
            "los demás servicios solo están en redes internas, y `{api}` además en una con salida"
        )))
    }
}

/// A network as the engine has it.
pub struct Wire {
    /// Its name.
    pub name: String,
    /// Whether it has no way out.
    pub internal: bool,
    gateway: String,
}

/// The networks of a container by id.
pub async fn networks(container: &Container<'_>) -> anyhow::Result<BTreeMap<String, Wire>> {
    let settings = container.inspect().await?.network_settings;
    let attached = settings
        .and_then(|settings| settings.networks)
        .unwrap_or_default();
    let mut wires = BTreeMap::new();
    for (name, endpoint) in attached {
        let docker = container.lab().docker();
        let network = docker
            .inspect_network(&name, None::<InspectNetworkOptions>)
            .await?;
        wires.insert(
            network.id.unwrap_or_default(),
            Wire {
                name: network.name.unwrap_or(name),
                internal: network.internal.unwrap_or(false),
                gateway: endpoint.gateway.unwrap_or_default(),
            },
        );
    }
    Ok(wires)
}

/// The key of the project's network whose name on the engine ends with it, as Compose joins them.
pub fn key(project: &crate::submission::compose::Project, name: &str) -> String {
    let mut keys = project.networks.keys();
    keys.find(|key| name.ends_with(&format!("_{key}")))
        .cloned()
        .unwrap_or_else(|| name.to_owned())
}
