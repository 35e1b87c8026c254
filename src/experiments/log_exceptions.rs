use super::bench::spoken::RAISER;
use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// An exception is in the log whole, in one line.
pub struct LogExceptions;

/// The exception that the course's app raises.
const KIND: &str = "ValueError";

impl Experiment for LogExceptions {
    type Params = NoParams;
    const ID: &'static str = "log-de-excepciones";
    const WHAT: &'static str =
        "Provoca una excepción y busca una sola línea JSON con su tipo, su mensaje y su traza.";
    const CONTROL: &'static str = "El mensaje lleva una palabra al azar. La traza puede ser un texto o una lista: se reconoce por la función que falló.";
    const WHY: &'static str = "Una traza repartida en doce líneas son doce mensajes sueltos para el recolector, mezclados con los de otras peticiones.";

    fn tried(_: &NoParams) -> String {
        "provocar una excepción y buscarla entera en una sola línea del log".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let spoken = match bench.spoken().await {
            Ok(spoken) => spoken,
            Err(finding) => return Ok(finding),
        };
        let entries = spoken.entries();
        let about: Vec<_> = entries
            .iter()
            .filter(|entry| entry.says(&spoken.flaw))
            .collect();
        if about
            .iter()
            .any(|entry| entry.says(KIND) && entry.says(RAISER))
        {
            return Ok(Finding::passed(
                "la excepción está entera en una línea: tipo, mensaje y traza",
            ));
        }
        Ok(match about.first() {
            Some(entry) => Finding::failed(format!(
                "la línea {} cuenta el error, pero le falta {}: «{}»",
                entry.number,
                if entry.says(KIND) {
                    "la traza"
                } else {
                    "la excepción, con su tipo y su traza"
                },
                entry.raw
            )),
            None => {
                Finding::failed("provoqué una excepción y ninguna línea JSON del log la cuenta")
            }
        })
    }
}
