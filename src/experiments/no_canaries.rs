use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bench, Experiment};
use crate::verdict::Finding;

/// Secrets planted in the build context are in no layer of the image.
pub struct NoCanaries;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Archivos en los que se planta un canario: una palabra al azar que no debe llegar a la imagen.
    plantar: Vec<String>,
}

impl Experiment for NoCanaries {
    type Params = Params;
    const ID: &'static str = "sin-canarios";
    const WHAT: &'static str = "Planta palabras al azar en archivos que no deben entrar y las busca en los bytes de cada capa.";
    const CONTROL: &'static str = "Las palabras son nuevas en cada comprobación, y se buscan también en las capas que no se ven.";
    const WHY: &'static str = "Quien descarga tu imagen lee todas sus capas: un secreto que entró en una ya no es secreto.";

    fn tried(params: &Params) -> String {
        format!(
            "plantar {} canarios (en `{}`…) y buscarlos en los bytes de cada capa",
            params.plantar.len(),
            params
                .plantar
                .iter()
                .take(3)
                .cloned()
                .collect::<Vec<_>>()
                .join("`, `")
        )
    }

    fn canaries(params: &Params) -> Vec<String> {
        params.plantar.clone()
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let layers = bench.layers(image).await?;
        let mut leaks = Vec::new();
        let mut at = None;
        for (layer, file) in layers.files() {
            for mark in &file.marks {
                let planted = bench
                    .canaries
                    .get(mark)
                    .filter(|path| params.plantar.contains(path));
                if let Some(path) = planted {
                    leaks.push(format!(
                        "`{path}` quedó en `/{}`, en la capa de `{}`",
                        file.path,
                        layer.instruction()
                    ));
                    at = at.or_else(|| image.dockerfile.step(&layer.instruction()));
                }
            }
        }
        Ok(match leaks.len() {
            0 => Finding::passed(format!(
                "ninguno de los {} canarios está en la imagen",
                params.plantar.len()
            )),
            count => {
                leaks.truncate(4);
                Finding::failed(format!(
                    "{count} de los canarios llegaron a la imagen: {}",
                    leaks.join("; ")
                ))
                .at(at)
            }
        })
    }
}
