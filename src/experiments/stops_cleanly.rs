use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::Stopped;
use super::{Bench, Experiment};
use crate::verdict::Finding;

/// `docker stop` reaches the app, which ends by itself with code 0.
pub struct StopsCleanly;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Segundos que tiene la app para cerrarse.
    segundos: u64,
    /// Qué parte se decide: `senal` (la app oye la señal), `plazo` (se cierra a tiempo) o `codigo` (acaba con código 0); sin decirlo, todo.
    #[serde(default)]
    mira: Part,
}

/// A part of a clean stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Part {
    /// Todo.
    #[default]
    Todo,
    /// La app oye la señal.
    Senal,
    /// Se cierra a tiempo.
    Plazo,
    /// Acaba con código 0.
    Codigo,
}

impl Experiment for StopsCleanly {
    type Params = Params;
    const ID: &'static str = "para-limpio";
    const WHAT: &'static str = "Para el contenedor como `docker stop` y mira si la app oyó la señal, si se cerró a tiempo y con qué código acabó.";
    const CONTROL: &'static str = "La app se despide con una palabra al azar que solo el verificador le dio: una línea de log copiada no cuenta. Si falla, se repite con la máquina tranquila.";
    const WHY: &'static str = "Una app que no oye la señal de parada muere a la fuerza: corta peticiones a medias y retrasa cada despliegue.";

    fn tried(params: &Params) -> String {
        let looked = match params.mira {
            Part::Todo => "",
            Part::Senal => ", y mirar si la app se despide al oír la señal",
            Part::Plazo => ", y mirar si hizo falta matarla",
            Part::Codigo => ", y mirar con qué código terminó",
        };
        format!(
            "`docker stop`, con {} s antes de matarla{looked}",
            params.segundos
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let stopped = match bench.stopped(image, params.segundos).await? {
            Ok(stopped) => stopped,
            Err(finding) => return Ok(finding.clone()),
        };
        let (holds, good) = match params.mira {
            Part::Todo => (
                stopped.clean(),
                format!(
                    "la app oyó la señal y se cerró sola en {} s, con código 0",
                    stopped.seconds()
                ),
            ),
            Part::Senal => (
                stopped.heard,
                "la app oyó la señal y se despidió".to_owned(),
            ),
            Part::Plazo => (
                !stopped.killed(),
                format!("se cerró sola en {} s", stopped.seconds()),
            ),
            Part::Codigo => (stopped.code == 0, "terminó con código 0".to_owned()),
        };
        Ok(if holds {
            Finding::passed(good)
        } else {
            Finding::failed(complaint(stopped)).at(image.starts_at())
        })
    }
}

/// What was wrong with it.
fn complaint(stopped: &Stopped) -> String {
    let Stopped {
        grace, first, code, ..
    } = stopped;
    match (stopped.killed(), stopped.heard) {
        (true, false) => format!(
            "la señal no llegó a la app: a los {grace} s hubo que matarla (código 137). El proceso 1 es `{first}`"
        ),
        (true, true) => format!(
            "la app oyó la señal, pero a los {grace} s el contenedor seguía en marcha y hubo que matarlo (código 137). El proceso 1 es `{first}`"
        ),
        (false, false) => format!(
            "terminó con código {code} sin que la app oyera la señal. El proceso 1 es `{first}`"
        ),
        (false, true) => format!(
            "la app oyó la señal, pero el contenedor terminó con código {code}. El proceso 1 es `{first}`"
        ),
    }
}
