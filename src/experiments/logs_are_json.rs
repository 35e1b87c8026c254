use super::bench::spoken::{first_not_json, lines};
use super::{Bench, Experiment, NoParams};
use crate::lab::http::Request;
use crate::submission::Location;
use crate::verdict::Finding;

/// Every line of the app's log is a JSON object, accesses and exceptions included.
pub struct LogsAreJson;

impl Experiment for LogsAreJson {
    type Params = NoParams;
    const ID: &'static str = "logs-json";
    const WHAT: &'static str = "Provoca una página, un 404 con comillas y una excepción, y lee el log línea a línea: el del servicio de Compose o, si el ejercicio no lo usa, el de la imagen sola.";
    const CONTROL: &'static str = "Un log vacío no vale, y las peticiones las hace el verificador.";
    const WHY: &'static str = "Los recolectores de logs leen una línea cada vez: una sola que no sea JSON se pierde, y suele ser la del error.";

    fn tried(_: &NoParams) -> String {
        "provocar una página, un 404 con comillas y una excepción, y leer el log línea a línea"
            .into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        if bench.exercise.services.is_empty() {
            return Ok(match bench.spoken().await {
                Ok(spoken) => judge(&spoken.log, None),
                Err(finding) => finding,
            });
        }
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.read().await;
        let front = match bench.front(risen).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        for path in ["/", "/no-existe?q=%22", "/falla"] {
            front.ask(&Request::get(path)).await?;
        }
        let log = front.container.logs().await?;
        Ok(judge(&log, Some(front.service.location.clone())))
    }
}

fn judge(log: &str, at: Option<Location>) -> Finding {
    if let Some((number, line)) = first_not_json(log) {
        return Finding::failed(format!("la línea {number} del log no es JSON: «{line}»")).at(at);
    }
    match lines(log).count() {
        0 => Finding::failed("el log está vacío").at(at),
        count => Finding::passed(format!("las {count} líneas del log son JSON")),
    }
}
