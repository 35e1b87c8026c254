use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::program::{SAY_LIMIT, counted, listen};
use super::{Bench, Experiment};
use crate::lab::token;
use crate::verdict::Finding;

/// A new container finds nothing that anybody left before it.
pub struct StartsAfresh;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// La variable de entorno que el programa imprime en su línea.
    variable: String,
    /// La línea que imprime: `{n}` es la cuenta y `{palabra}` el valor de la variable.
    linea: String,
}

impl Experiment for StartsAfresh {
    type Params = Params;
    const ID: &'static str = "empieza-de-cero";
    const WHAT: &'static str = "Arranca un contenedor nuevo y mira si su cuenta empieza por 1.";
    const CONTROL: &'static str = "Solo vale la línea con la palabra que se le dio, y el contenedor es el primero que arranca con ella.";
    const WHY: &'static str = "La imagen es la misma para todos sus contenedores y nadie la cambia al usarla: lo que quedó escrito al construir lo heredan todos.";

    fn tried(_: &Params) -> String {
        "arrancar un contenedor nuevo de la imagen y mirar por dónde empieza a contar".into()
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let word = token(10);
        let started = bench.start_run(&image.built, "nuevo", |body| {
            body.env = Some(vec![format!("{}={word}", params.variable)]);
        });
        let container = match started.await? {
            Ok(container) => container,
            Err(trouble) => return Ok(Finding::failed(trouble).at(image.starts_at())),
        };
        let counts = |log: &str| counted(&params.linea, &word, log);
        let said = listen(&container, SAY_LIMIT, |log| !counts(log).is_empty()).await?;
        Ok(match counts(&said.log).first() {
            Some(1) => Finding::passed("un contenedor nuevo empieza a contar por 1"),
            Some(count) => Finding::failed(format!(
                "un contenedor nuevo empezó contando {count}: la imagen ya llevaba dentro lo de antes"
            ))
            .at(image.dockerfile.last("RUN")),
            None => Finding::failed(format!(
                "esperaba una línea como «{}», pero el contenedor {}",
                params.linea,
                said.told()
            ))
            .at(image.starts_at()),
        })
    }
}
