use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::program::{SAY_LIMIT, counted, listen};
use super::{Bench, Experiment};
use crate::lab::token;
use crate::verdict::Finding;

/// A container that is started again finds what it wrote before.
pub struct CountsOn;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// La variable de entorno que el programa imprime en su línea.
    variable: String,
    /// La línea que imprime: `{n}` es la cuenta y `{palabra}` el valor de la variable.
    linea: String,
}

impl Experiment for CountsOn {
    type Params = Params;
    const ID: &'static str = "sigue-contando-al-reiniciar";
    const WHAT: &'static str = "Arranca un contenedor, lo reinicia, y mira si la cuenta que guarda en su propia capa sigue donde estaba.";
    const CONTROL: &'static str = "Se compara con lo que contó ese mismo contenedor la primera vez, y solo valen las líneas con la palabra que se le dio.";
    const WHY: &'static str = "Cada contenedor tiene su capa de escritura: se conserva al pararlo y arrancarlo, y desaparece cuando se borra.";

    fn tried(_: &Params) -> String {
        "arrancar un contenedor, reiniciarlo con `docker restart` y comparar las dos cuentas".into()
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let word = token(10);
        let started = bench.start_run(&image.built, "reiniciado", |body| {
            body.env = Some(vec![format!("{}={word}", params.variable)]);
        });
        let container = match started.await? {
            Ok(container) => container,
            Err(trouble) => return Ok(Finding::failed(trouble).at(image.starts_at())),
        };
        let counts = |log: &str| counted(&params.linea, &word, log);
        let said = listen(&container, SAY_LIMIT, |log| !counts(log).is_empty()).await?;
        let Some(&before) = counts(&said.log).first() else {
            return Ok(Finding::failed(format!(
                "esperaba una línea como «{}», pero el contenedor {}",
                params.linea,
                said.told()
            ))
            .at(image.starts_at()));
        };
        container.restart(Duration::from_secs(3)).await?;
        let said = listen(&container, SAY_LIMIT, |log| counts(log).len() > 1).await?;
        Ok(match counts(&said.log).get(1) {
            Some(&after) if after == before + 1 => Finding::passed(format!(
                "la primera vez contó {before} y, tras reiniciar, {after}"
            )),
            Some(&after) => Finding::failed(format!(
                "la primera vez contó {before} y, tras reiniciar el mismo contenedor, {after}; esperaba {}",
                before + 1
            ))
            .at(image.starts_at()),
            None => Finding::failed(format!(
                "la primera vez contó {before}, pero tras reiniciar el contenedor no volvió a contar: {}",
                said.told()
            ))
            .at(image.starts_at()),
        })
    }
}
