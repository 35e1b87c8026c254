use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// `LOG_LEVEL` decides what the log tells.
pub struct LogLevel;

impl Experiment for LogLevel {
    type Params = NoParams;
    const ID: &'static str = "log-obedece-nivel";
    const WHAT: &'static str = "Arranca la imagen con `LOG_LEVEL=ERROR`, pide una página y provoca una excepción: solo la segunda debe verse en el log.";
    const CONTROL: &'static str =
        "Las dos se reconocen por palabras al azar: un log callado del todo no vale.";
    const WHY: &'static str = "En producción se sube el nivel para no ahogarse en accesos, y se baja para investigar: sin tocar el código.";

    fn tried(_: &NoParams) -> String {
        "arrancar con `LOG_LEVEL=ERROR`, pedir una página y provocar una excepción, y ver cuál de las dos sale en el log".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let heard = bench.hear("habla-poco", "ERROR");
        let spoken = match bench
            .lab
            .timed("oír a la app con otro nivel", heard)
            .await?
        {
            Ok(spoken) => spoken,
            Err(finding) => return Ok(finding),
        };
        let word = spoken.flaw.rsplit('-').next().unwrap_or(&spoken.flaw);
        Ok(
            if let Some((_, line)) = spoken.lines().find(|(_, line)| line.contains(&spoken.page)) {
                Finding::failed(format!(
                    "con `LOG_LEVEL=ERROR` el log sigue contando los accesos, que son INFO: «{line}»"
                ))
            } else if spoken.log.contains(word) {
                Finding::passed("con `LOG_LEVEL=ERROR` sale el error y no salen los accesos")
            } else {
                Finding::failed("con `LOG_LEVEL=ERROR` no sale ni el error que provoqué")
            },
        )
    }
}
