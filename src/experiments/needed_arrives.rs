use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bench, Experiment};
use crate::submission::Location;
use crate::submission::dockerignore::Dockerignore;
use crate::verdict::Finding;

/// Files that the image needs are in it, with their content.
pub struct NeededArrives;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Archivos de texto del curso que tienen que llegar a la imagen; en cada uno se añade una palabra al azar.
    archivos: Vec<String>,
}

impl Experiment for NeededArrives {
    type Params = Params;
    const ID: &'static str = "llega-lo-necesario";
    const WHAT: &'static str =
        "Añade una palabra al azar a archivos que la imagen necesita y los busca en ella.";
    const CONTROL: &'static str = "Se busca la palabra, no el nombre: el archivo puede estar en cualquier carpeta de la imagen, pero uno vacío o borrado en otra capa no cuenta.";
    const WHY: &'static str = "Un `.dockerignore` que ignora de más falla en silencio: la imagen se construye y le falta algo.";

    fn tried(params: &Params) -> String {
        format!(
            "añadir una palabra al azar a `{}` y buscarla en la imagen",
            params.archivos.join("`, `")
        )
    }

    fn canaries(params: &Params) -> Vec<String> {
        params.archivos.clone()
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let layers = bench.layers(image).await?;
        for path in &params.archivos {
            let Some(mark) = bench.canary(path) else {
                return Ok(Finding::error(format!(
                    "no quedó ninguna palabra en `{path}`"
                )));
            };
            let mut files = layers.visible();
            if files.any(|file| file.marks.iter().any(|seen| seen == mark)) {
                continue;
            }
            return Ok(match ignored(bench, path) {
                Some(at) => Finding::failed(format!(
                    "`{path}` no está en la imagen: esta línea lo deja fuera"
                ))
                .at(Some(at)),
                None => Finding::failed(format!("`{path}` no está en la imagen"))
                    .at(image.dockerfile.last("COPY")),
            });
        }
        Ok(Finding::passed(format!(
            "`{}` está en la imagen",
            params.archivos.join("`, `")
        )))
    }
}

/// The line that keeps `path` out of the context at the submission's root, if one does.
fn ignored(bench: &Bench<'_>, path: &str) -> Option<Location> {
    let ignore = Dockerignore::for_build(bench.files(), "", "Dockerfile").ok()?;
    let decision = ignore.decide(path);
    let line = decision.line.filter(|_| decision.ignored)?;
    Some(Location::line(ignore.file()?, line))
}
