use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bench, Experiment};
use crate::verdict::Finding;

/// The image adds little to its base.
pub struct ImageSize;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Megabytes (millones de bytes) que la imagen puede añadir a su base, sumando todas sus capas.
    max_mb: u64,
}

impl Experiment for ImageSize {
    type Params = Params;
    const ID: &'static str = "pesa-poco";
    const WHAT: &'static str = "Suma lo que pesan las capas que la entrega añade a su base.";
    const CONTROL: &'static str =
        "Cuenta el contenido de cada capa, también lo que otra capa borra después.";
    const WHY: &'static str = "Cada megabyte se descarga en cada máquina y en cada despliegue.";

    fn tried(params: &Params) -> String {
        format!(
            "sumar lo que pesan las capas que añades a la imagen base (máximo {} MB)",
            params.max_mb
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let layers = bench.layers(image).await?;
        let mb = |bytes: u64| format!("{:.1}", bytes as f64 / 1e6).replace('.', ",");
        let total = mb(layers.size());
        if layers.size() <= params.max_mb * 1_000_000 {
            return Ok(Finding::passed(format!("tus capas suman {total} MB")));
        }
        let heaviest = layers.own.iter().max_by_key(|layer| layer.size());
        let (name, weight) = heaviest.map_or_else(Default::default, |layer| {
            (layer.instruction(), mb(layer.size()))
        });
        Ok(Finding::failed(format!(
            "tus capas suman {total} MB; la más pesada, de {weight} MB, la hizo `{name}`"
        ))
        .at(image.dockerfile.step(&name)))
    }
}
