use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// Letters outside ASCII are in the log as people read them.
pub struct LogLegible;

impl Experiment for LogLegible {
    type Params = NoParams;
    const ID: &'static str = "log-legible";
    const WHAT: &'static str =
        "Provoca un error cuyo mensaje lleva «ñandú» y lo busca en el log tal cual.";
    const CONTROL: &'static str =
        "Junto a «ñandú» va una palabra al azar, y se buscan los bytes como salieron, en UTF-8.";
    const WHY: &'static str = "`\\u00f1` es JSON correcto, pero quien busca «señal» en el log con `grep` no lo encuentra.";

    fn tried(_: &NoParams) -> String {
        "provocar un error cuyo mensaje lleva «ñandú» y buscarlo en el log, letra a letra".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let spoken = match bench.spoken().await {
            Ok(spoken) => spoken,
            Err(finding) => return Ok(finding),
        };
        if spoken.log.contains(&spoken.flaw) {
            return Ok(Finding::passed("«ñandú» se lee tal cual"));
        }
        let entries = spoken.entries();
        Ok(
            match entries.iter().find(|entry| entry.says(&spoken.flaw)) {
                Some(entry) => Finding::failed(format!(
                    "el mensaje llevaba «{}» y en la línea {} no se lee así: «{}»",
                    spoken.flaw, entry.number, entry.raw
                )),
                None => Finding::failed(format!(
                    "provoqué un error con «{}» en su mensaje y no está en el log",
                    spoken.flaw
                )),
            },
        )
    }
}
