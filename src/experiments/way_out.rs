use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::views::{absent, networks_of};
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
        "Mira, dentro de la red de un servicio, si sus paquetes tienen por dónde salir a internet.";
    const CONTROL: &'static str = "Se lee la tabla de rutas del núcleo en la red del contenedor, con la imagen del curso: no depende de que esta máquina tenga internet.";
    const WHY: &'static str =
        "Lo que no necesita internet no debe tenerla: así un intruso no puede sacar datos por ahí.";

    fn tried(params: &Params) -> String {
        format!(
            "mirar en la tabla de rutas de `{}` si tiene salida a internet",
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
        let views = bench.views(risen).await?;
        let (Some(service), Some(view)) = (project.services.get(name), views.get(name)) else {
            return Ok(absent(name));
        };
        let at = networks_of(risen, name);
        if let Some(why) = &view.blind {
            return Ok(Finding::failed(why.clone()).at(at));
        }
        Ok(match (params.salida, view.way_out) {
            (true, true) => Finding::passed(format!("`{name}` tiene una ruta de salida")),
            (false, false) => Finding::passed(format!("`{name}` no tiene ninguna ruta de salida")),
            (true, false) => Finding::failed(format!(
                "`{name}` no tiene ninguna ruta de salida: todas sus redes son internas"
            ))
            .at(at),
            (false, true) => {
                let open = service.networks.iter().find(|attachment| {
                    let network = project.networks.get(&attachment.network);
                    let internal = network.and_then(|network| network.internal.as_ref());
                    internal.is_none_or(|internal| !internal.value)
                });
                let through =
                    open.map(|open| format!(" por la red `{}`, que no es interna", open.network));
                let at = open.map(|open| open.location.clone()).or(at);
                Finding::failed(format!(
                    "`{name}` tiene salida a internet{}",
                    through.unwrap_or_default()
                ))
                .at(at)
            }
        })
    }
}
