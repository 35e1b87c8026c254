use std::time::{Duration, Instant};

use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::{Image, KEY_HEADER};
use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::lab::token;
use crate::verdict::{Finding, Outcome};

/// `docker stop` reaches the app, which ends by itself with code 0.
pub struct StopsCleanly;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Segundos que tiene la app para cerrarse.
    segundos: u64,
}

/// The header with the word that the course's app says good-bye with when the signal reaches it: one that nobody
/// could print in its stead.
const GOODBYE_HEADER: &str = "X-Aula-Despedida";

impl Experiment for StopsCleanly {
    type Params = Params;
    const ID: &'static str = "para-limpio";
    const WHAT: &'static str = "Para el contenedor como `docker stop` y mira si la app oyó la señal y con qué código acabó.";
    const CONTROL: &'static str = "La app se despide con una palabra al azar que solo el verificador le dio: una línea de log copiada no cuenta. Si falla, se repite con la máquina tranquila.";
    const WHY: &'static str = "Una app que no oye la señal de parada muere a la fuerza: corta peticiones a medias y retrasa cada despliegue.";

    fn tried(params: &Params) -> String {
        format!("`docker stop`, con {} s antes de matarla", params.segundos)
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let first = stop(bench, image, params, "parada").await?;
        if first.outcome == Outcome::Passed {
            return Ok(first);
        }
        // Once more with nothing else going on: slow is not the same as deaf.
        let _quiet = bench.lab.quiet().await;
        stop(bench, image, params, "parada-tranquila").await
    }
}

async fn stop(
    bench: &Bench<'_>,
    image: &Image,
    params: &Params,
    name: &str,
) -> anyhow::Result<Finding> {
    let started = bench.start_alone(image, name);
    let alone = bench.lab.timed("arrancar y parar", started).await?;
    let (Some(container), None) = (&alone.container, &alone.trouble) else {
        return Ok(Finding::failed(alone.trouble.clone().unwrap_or_default()));
    };
    let first = container.processes().await?.swap_remove(0).args;
    let goodbye = token(16);
    let request = Request::post("/_averia/sana", "")
        .header(KEY_HEADER, &bench.switch_key)
        .header(GOODBYE_HEADER, &goodbye);
    if container.ask(bench.port(), &request).await?.status != 200 {
        return Ok(Finding::failed(
            "quien responde en el puerto de la app no es la app del curso",
        ));
    }
    let begun = Instant::now();
    container.stop(Duration::from_secs(params.segundos)).await?;
    let took = format!("{:.1}", begun.elapsed().as_secs_f64()).replace('.', ",");
    let code = container.state().await?.exit_code.unwrap_or(-1);
    let heard = container.logs().await?.contains(&goodbye);
    let at = image
        .dockerfile
        .last("CMD")
        .or_else(|| image.dockerfile.last("ENTRYPOINT"));
    let saw = match (code, heard) {
        (0, true) => {
            return Ok(Finding::passed(format!(
                "la app oyó la señal y se cerró sola en {took} s, con código 0"
            )));
        }
        (137, false) => format!(
            "la señal no llegó a la app: a los {} s hubo que matarla (código 137). El proceso 1 es `{first}`",
            params.segundos
        ),
        (137, true) => format!(
            "la app oyó la señal, pero a los {} s seguía en marcha y hubo que matarla (código 137)",
            params.segundos
        ),
        (code, false) => format!(
            "terminó con código {code} sin que la app oyera la señal. El proceso 1 es `{first}`"
        ),
        (code, true) => format!("la app oyó la señal, pero terminó con código {code}"),
    };
    Ok(Finding::failed(saw).at(at))
}
