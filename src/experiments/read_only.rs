use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::look_inside;
use super::{Bench, Experiment};
use crate::verdict::Finding;

/// Not even root can write in some folders of the app's container.
pub struct ReadOnly;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Las carpetas del contenedor en las que nadie debe poder escribir.
    rutas: Vec<String>,
}

impl Experiment for ReadOnly {
    type Params = Params;
    const ID: &'static str = "solo-lectura";
    const WHAT: &'static str =
        "Levanta el proyecto e intenta escribir, como root, en carpetas del contenedor de la app.";
    const CONTROL: &'static str = "El intento lo hace un testigo con la imagen del curso, dentro del sistema de archivos del contenedor y con los derechos de root: los permisos no bastan para pararlo.";
    const WHY: &'static str = "Donde nadie puede escribir, un intruso no deja nada y un fallo no estropea nada. Los permisos no paran a root; un montaje de solo lectura, sí.";

    fn tried(params: &Params) -> String {
        format!(
            "escribir, como root, en {}",
            params
                .rutas
                .iter()
                .map(|path| format!("`{path}`"))
                .collect::<Vec<_>>()
                .join(", ")
        )
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
        let paths: Vec<&str> = params.rutas.iter().map(String::as_str).collect();
        let seen = look_inside(&front.container, bench.base_image()?, &paths).await?;
        let service = front.service;
        let mounted = |path: &str| {
            let mount = service.volumes.iter().find(|mount| mount.target == path);
            mount
                .map_or(&service.location, |mount| &mount.location)
                .clone()
        };
        for path in paths {
            let root = seen.iter().find(|inside| inside.root);
            let Some(place) = root.and_then(|root| root.paths.get(path)) else {
                return Ok(Finding::failed(format!(
                    "en el contenedor no hay una carpeta `{path}`"
                ))
                .at(Some(service.location.clone())));
            };
            if place.refused.is_none() {
                return Ok(
                    Finding::failed(format!("como root pude escribir en `{path}`"))
                        .at(Some(mounted(path))),
                );
            }
        }
        Ok(Finding::passed("ni siquiera root puede escribir ahí"))
    }
}
