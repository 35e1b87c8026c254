use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::look_inside;
use super::{Bench, Experiment};
use crate::verdict::Finding;

/// A folder of the app's container lies in memory.
pub struct InMemory;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// La carpeta del contenedor.
    ruta: String,
}

impl Experiment for InMemory {
    type Params = Params;
    const ID: &'static str = "en-memoria";
    const WHAT: &'static str = "Levanta el proyecto y pregunta al núcleo en qué sistema de archivos está una carpeta del contenedor.";
    const CONTROL: &'static str =
        "Lo dice el núcleo desde fuera del contenedor, no un programa de la imagen.";
    const WHY: &'static str = "Lo temporal que está en memoria es rápido, desaparece con el contenedor y nunca llena el disco.";

    fn tried(params: &Params) -> String {
        format!("mirar si `{}` está en memoria (`tmpfs`)", params.ruta)
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.read().await;
        let front = match bench.front(risen).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        let path = params.ruta.as_str();
        let seen = look_inside(&front.container, bench.base_image()?, &[path]).await?;
        let place = seen.iter().find_map(|inside| inside.paths.get(path));
        let service = front.service;
        let mount = service.volumes.iter().find(|mount| mount.target == path);
        let at = Some(
            mount
                .map_or(&service.location, |mount| &mount.location)
                .clone(),
        );
        Ok(match place.map(|place| place.kind.as_str()) {
            None => {
                Finding::failed(format!("en el contenedor no hay una carpeta `{path}`")).at(at)
            }
            Some("tmpfs" | "ramfs") => Finding::passed(format!("`{path}` está en memoria")),
            Some(_) => Finding::failed(format!(
                "`{path}` está en disco: lo que ahí se escribe sigue ocupándolo después de reiniciar"
            ))
            .at(at),
        })
    }
}
