use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::program::listen;
use super::{Bench, Experiment};
use crate::verdict::Finding;

/// A container of the image does its work and ends by itself with code 0.
pub struct EndsByItself;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Segundos que puede tardar como mucho.
    segundos: u64,
}

impl Experiment for EndsByItself {
    type Params = Params;
    const ID: &'static str = "termina-solo";
    const WHAT: &'static str =
        "Arranca un contenedor de la imagen y espera a que termine; mira su código de salida.";
    const CONTROL: &'static str = "El código es el que guarda el motor, y el plazo es muchas veces lo que el programa necesita.";
    const WHY: &'static str = "Un contenedor vive lo que vive su proceso principal, y el código con que acaba es lo que Docker, Compose y la integración continua saben de cómo le fue.";

    fn tried(params: &Params) -> String {
        format!(
            "arrancar un contenedor, esperar hasta {} s a que termine y mirar su código de salida",
            params.segundos
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let started = bench.start_run(&image.built, "termina", |_| {}).await?;
        let container = match started {
            Ok(container) => container,
            Err(trouble) => return Ok(Finding::failed(trouble).at(image.starts_at())),
        };
        let limit = Duration::from_secs(params.segundos);
        let said = listen(&container, limit, |_| false).await?;
        Ok(match said.code {
            Some(0) => Finding::passed("terminó solo, con código 0"),
            Some(_) => Finding::failed(said.told()).at(image.starts_at()),
            None => Finding::failed(format!("tras {} s {}", params.segundos, said.told()))
                .at(image.starts_at()),
        })
    }
}
