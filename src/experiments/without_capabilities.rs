use super::{Bench, Experiment, NoParams, predicts};
use crate::verdict::Finding;

/// The app does its work without any of root's rights.
pub struct WithoutCapabilities;

impl Experiment for WithoutCapabilities {
    type Params = NoParams;
    const ID: &'static str = "sin-capacidades";
    const WHAT: &'static str = "Arranca la imagen con `--cap-drop=ALL --security-opt=no-new-privileges` y le pide predicciones.";
    const CONTROL: &'static str =
        "La misma imagen ya respondió y predijo con las capacidades de siempre.";
    const WHY: &'static str =
        "Quien no es root no necesita sus poderes: sin ellos, un intruso tampoco los encuentra.";

    fn tried(_: &NoParams) -> String {
        "arrancar con `--cap-drop=ALL --security-opt=no-new-privileges` y clasificar tres flores"
            .into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let started = bench.start_served(&image.built, "sin-capacidades", bench.port(), |body| {
            let host = body.host_config.get_or_insert_default();
            host.cap_drop = Some(vec!["ALL".to_owned()]);
        });
        let alone = bench.lab.timed("arrancar sin capacidades", started).await?;
        let (Some(container), None) = (&alone.container, &alone.trouble) else {
            return Ok(Finding::failed(format!(
                "sin capacidades, {}",
                alone.trouble.unwrap_or_default()
            ))
            .at(image.starts_at()));
        };
        Ok(match predicts::wrong(container, bench.port()).await? {
            Some(saw) => Finding::failed(format!("sin capacidades, {saw}")),
            None => Finding::passed("arranca y predice igual"),
        })
    }
}
