use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// Requests show in the log, in JSON.
pub struct LogAccesses;

impl Experiment for LogAccesses {
    type Params = NoParams;
    const ID: &'static str = "log-de-accesos";
    const WHAT: &'static str = "Pide una página y otra que no existe, y busca las dos peticiones en las líneas JSON del log.";
    const CONTROL: &'static str = "Cada dirección lleva una palabra al azar: solo quien apunta las peticiones de verdad puede escribirla.";
    const WHY: &'static str = "El acceso que falta en el log es el que te preguntan: sin él no se sabe quién pidió qué, ni qué se le respondió.";

    fn tried(_: &NoParams) -> String {
        "pedir una página y otra que no existe, y buscar las dos peticiones en el log".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let spoken = match bench.spoken().await {
            Ok(spoken) => spoken,
            Err(finding) => return Ok(finding),
        };
        let entries = spoken.entries();
        for (word, what) in [
            (&spoken.page, "una página que existe"),
            (
                &spoken.missing,
                "una página que no existe, con comillas en su dirección",
            ),
        ] {
            if !entries.iter().any(|entry| entry.says(word)) {
                return Ok(Finding::failed(format!(
                    "pedí {what}, y ninguna de las {} líneas JSON del log lo cuenta",
                    entries.len()
                )));
            }
        }
        Ok(Finding::passed(
            "las dos peticiones están en el log, en JSON",
        ))
    }
}
