use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::look_inside;
use super::{Bench, Experiment};
use crate::verdict::Finding;

/// The app's own user can write in a folder of its container.
pub struct Writable;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// La carpeta del contenedor.
    ruta: String,
}

impl Experiment for Writable {
    type Params = Params;
    const ID: &'static str = "escribible";
    const WHAT: &'static str = "Levanta el proyecto e intenta escribir en una carpeta del contenedor con cada usuario que tiene un proceso de la app.";
    const CONTROL: &'static str = "El intento lo hace un testigo con la imagen del curso, dentro del sistema de archivos del contenedor y con la identidad del proceso.";
    const WHY: &'static str = "Muchas bibliotecas dejan archivos temporales: sin un sitio donde hacerlo fallan cuando menos se espera.";

    fn tried(params: &Params) -> String {
        format!("escribir en `{}` con el usuario de la app", params.ruta)
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
        let at = Some(front.service.location.clone());
        for inside in seen.iter().filter(|inside| !inside.root) {
            let Some(place) = inside.paths.get(path) else {
                let saw = format!("en el contenedor no hay una carpeta `{path}`");
                return Ok(Finding::failed(saw).at(at));
            };
            if let Some(why) = &place.refused {
                return Ok(Finding::failed(format!(
                    "el usuario {} de la app no puede escribir en `{path}`: {why}",
                    inside.uid
                ))
                .at(at));
            }
        }
        Ok(Finding::passed(format!(
            "el usuario de la app escribe en `{path}`"
        )))
    }
}
