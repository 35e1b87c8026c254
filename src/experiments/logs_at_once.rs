use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::program::{SAY_LIMIT, listen};
use super::{Bench, Experiment};
use crate::lab::token;
use crate::verdict::Finding;

/// What the program prints is in the log while it runs, not when it ends.
pub struct LogsAtOnce;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// La variable de entorno cuyo valor imprime el programa en cada línea.
    variable: String,
}

impl Experiment for LogsAtOnce {
    type Params = Params;
    const ID: &'static str = "log-al-momento";
    const WHAT: &'static str = "Arranca un programa que escribe poco y tarda mucho, y espera a ver su primera línea en `docker logs`.";
    const CONTROL: &'static str = "La línea tiene que llevar una palabra al azar que solo conoce el verificador, y se le da muchas veces el tiempo que necesita.";
    const WHY: &'static str = "Cuando algo va mal, el log es lo único que se ve desde fuera: si espera en un búfer, no está cuando hace falta, y si el proceso muere se pierde.";

    fn tried(params: &Params) -> String {
        format!(
            "arrancar con `-e {}=` y una palabra al azar, y esperar hasta {} s a verla en `docker logs`",
            params.variable,
            SAY_LIMIT.as_secs()
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        bench.say("arranco el programa y miro su log");
        let word = token(10);
        let started = bench.start_run(&image.built, "log", |body| {
            body.env = Some(vec![format!("{}={word}", params.variable)]);
        });
        let container = match started.await? {
            Ok(container) => container,
            Err(trouble) => return Ok(Finding::failed(trouble).at(image.starts_at())),
        };
        let said = listen(&container, SAY_LIMIT, |log| log.contains(&word)).await?;
        Ok(match (said.log.contains(&word), said.code) {
            (true, _) => Finding::passed("la primera línea apareció enseguida en el log"),
            (false, Some(_)) => Finding::failed(said.told()).at(image.starts_at()),
            (false, None) => Finding::failed(format!(
                "tras {} s, el programa {}",
                SAY_LIMIT.as_secs(),
                said.told()
            ))
            .at(image.starts_at()),
        })
    }
}
