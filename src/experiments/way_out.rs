use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::views::{absent, networks_of};
use super::internal_network::{key, networks};
use super::{Bench, Experiment};
use crate::verdict::Finding;

/// A service has a way out of its networks, or has none.
pub struct WayOut;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El servicio que se mira.
    servicio: String,
    /// Si tiene que tener salida (`true`) o no (`false`).
    salida: bool,
}

impl Experiment for WayOut {
    type Params = Params;
    const ID: &'static str = "con-salida";
    const WHAT: &'static str =
        "Mira a qué redes conectó el motor un servicio y si alguna tiene salida a internet.";
    const CONTROL: &'static str = "Se mira lo que el motor hizo, no lo que dice el archivo; y no depende de que esta máquina tenga internet.";
    const WHY: &'static str =
        "Lo que no necesita internet no debe tenerla: así un intruso no puede sacar datos por ahí.";

    fn tried(params: &Params) -> String {
        format!(
            "mirar en el motor si alguna red de `{}` tiene salida a internet",
            params.servicio
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.read().await;
        let name = &params.servicio;
        let project = risen.stack.project();
        let Some(service) = project.services.get(name) else {
            return Ok(absent(name));
        };
        let at = networks_of(risen, name);
        let failed = |saw: String| Ok(Finding::failed(saw).at(at.clone()));
        let Some(container) = risen.stack.containers(name).await.into_iter().next() else {
            return failed(format!("`{name}` no tiene ningún contenedor"));
        };
        let wires = networks(&container).await?;
        let open = wires.values().find(|wire| !wire.internal);
        match (open, params.salida) {
            (Some(open), true) => Ok(Finding::passed(format!(
                "`{name}` tiene salida por la red `{}`",
                key(project, &open.name)
            ))),
            (None, false) => Ok(Finding::passed(format!(
                "`{name}` no tiene salida: ninguna de sus redes la tiene"
            ))),
            (None, true) => failed(format!(
                "`{name}` no tiene salida a internet: todas sus redes son internas"
            )),
            (Some(open), false) => {
                let open = key(project, &open.name);
                let mut own = service.networks.iter();
                let own = own.find(|attachment| attachment.network == open);
                let at = own.map(|own| own.location.clone()).or(at);
                Ok(Finding::failed(format!(
                    "`{name}` tiene salida a internet por la red `{open}`, que no es interna"
                ))
                .at(at))
            }
        }
    }
}
