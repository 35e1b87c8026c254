use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// Compose has nothing to say about the file.
pub struct NoWarnings;

impl Experiment for NoWarnings {
    type Params = NoParams;
    const ID: &'static str = "sin-avisos";
    const WHAT: &'static str =
        "Lee el proyecto como `docker compose config`, sin variables en el shell.";
    const CONTROL: &'static str =
        "En las pruebas de muelle, los avisos de su lector se comparan con los de Docker Compose.";
    const WHY: &'static str = "Un aviso de Compose señala algo que hoy ignora o rellena por ti, y que mañana puede romperse.";

    fn tried(_: &NoParams) -> String {
        "leer el proyecto como `docker compose config`, sin variables en el shell".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let loaded = match &bench.compose {
            Ok(Some(loaded)) => loaded,
            Ok(None) => return Ok(Finding::failed("no hay archivo de Compose")),
            Err(error) => {
                return Ok(Finding::failed(error.to_string()).at(error.location().cloned()));
            }
        };
        Ok(match loaded.warnings.first() {
            None => Finding::passed("ningún aviso"),
            Some(warning) => {
                let more = match loaded.warnings.len() {
                    1 => String::new(),
                    count => format!(" (y {} más)", count - 1),
                };
                Finding::failed(format!("{}{more}", warning.message))
                    .at(Some(warning.location.clone()))
            }
        })
    }
}
