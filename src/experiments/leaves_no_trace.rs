use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bench, Experiment};
use crate::course::glob;
use crate::verdict::Finding;

/// Nothing that belongs to the workshop is in any layer, under whatever name.
pub struct LeavesNoTrace;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Palabras que empiezan por `MUELLE-` y delatan por su contenido lo que no debe quedar.
    #[serde(default)]
    marcas: Vec<String>,
    /// Rutas (con `*` y `**`) que no deben quedar.
    #[serde(default)]
    rutas: Vec<String>,
}

impl Experiment for LeavesNoTrace {
    type Params = Params;
    const ID: &'static str = "sin-rastro-en-capas";
    const WHAT: &'static str = "Busca herramientas y fuentes en los bytes de todas las capas propias, también en las que tapa otra.";
    const CONTROL: &'static str =
        "Se reconocen por una marca en su contenido: cambiarles el nombre no las esconde.";
    const WHY: &'static str = "Lo que entra en una capa se queda: borrarlo en otra posterior no quita ni un byte, ni las herramientas que serían útiles a un intruso.";

    fn tried(_: &Params) -> String {
        "buscar las herramientas y las fuentes en todas las capas de la imagen, no solo en la última".into()
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let layers = bench.layers(image).await?;
        let found = layers.files().find(|(_, file)| {
            file.marks.iter().any(|mark| params.marcas.contains(mark))
                || params
                    .rutas
                    .iter()
                    .any(|path| glob::matches(path, &file.path))
        });
        Ok(match found {
            None => Finding::passed(format!("ni rastro en {} capas propias", layers.own.len())),
            Some((layer, file)) => Finding::failed(format!(
                "`/{}` está en la capa que hizo `{}`",
                file.path,
                layer.instruction()
            ))
            .at(image.dockerfile.step(&layer.instruction())),
        })
    }
}
