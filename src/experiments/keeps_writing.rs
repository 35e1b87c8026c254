use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::program::{SAY_LIMIT, counted, listen};
use super::{Bench, Experiment};
use crate::lab::token;
use crate::verdict::Finding;

/// The program goes on with its work, and its log with it.
pub struct KeepsWriting;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// La variable de entorno cuyo valor imprime el programa en cada línea.
    variable: String,
    /// La línea que imprime en cada paso: `{n}` es el número del paso y `{palabra}` el valor de la variable.
    linea: String,
    /// Cuántas de esas líneas se esperan ver.
    lineas: usize,
    /// Segundos entre dos de ellas.
    pausa: u64,
}

impl Experiment for KeepsWriting {
    type Params = Params;
    const ID: &'static str = "sigue-escribiendo";
    const WHAT: &'static str = "Espera a que el programa dé varios pasos, cada uno con su línea en el log, y mira si sigue en marcha.";
    const CONTROL: &'static str = "Solo valen las líneas con la palabra al azar que se le dio, y los pasos tienen que ser distintos.";
    const WHY: &'static str = "Acortar el trabajo para que el log salga antes no arregla nada: lo que hace falta es verlo mientras ocurre.";

    fn tried(params: &Params) -> String {
        format!(
            "esperar a que el programa dé {} pasos, con su línea cada uno, y mirar si sigue en marcha",
            params.lineas
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let word = token(10);
        let started = bench.start_run(&image.built, "pasos", |body| {
            body.env = Some(vec![format!("{}={word}", params.variable)]);
        });
        let container = match started.await? {
            Ok(container) => container,
            Err(trouble) => return Ok(Finding::failed(trouble).at(image.starts_at())),
        };
        let steps = |log: &str| {
            let mut steps = counted(&params.linea, &word, log);
            steps.dedup();
            steps.len()
        };
        let limit = SAY_LIMIT + Duration::from_secs(params.pausa) * params.lineas as u32;
        let said = listen(&container, limit, |log| steps(log) >= params.lineas).await?;
        let seen = steps(&said.log);
        Ok(match said.code {
            None if seen >= params.lineas => Finding::passed(format!(
                "dio {seen} pasos, los vi llegar al log y sigue en marcha"
            )),
            None => Finding::failed(format!(
                "en {} s vi {seen} de los {} pasos: el programa {}",
                limit.as_secs(),
                params.lineas,
                said.told()
            ))
            .at(image.starts_at()),
            Some(_) => Finding::failed(format!(
                "el programa no siguió con su trabajo: dio {seen} pasos y {}",
                said.told()
            ))
            .at(image.starts_at()),
        })
    }
}
