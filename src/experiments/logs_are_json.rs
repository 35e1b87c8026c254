use super::{Bench, Experiment, NoParams};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// Every line of the app's log is a JSON object, accesses and exceptions included.
pub struct LogsAreJson;

impl Experiment for LogsAreJson {
    type Params = NoParams;
    const ID: &'static str = "logs-json";
    const WHAT: &'static str =
        "Provoca una página, un 404 con comillas y una excepción, y lee el log línea a línea.";
    const CONTROL: &'static str = "Un log vacío no vale, y las peticiones las hace el verificador.";
    const WHY: &'static str = "Los recolectores de logs leen una línea cada vez: una sola que no sea JSON se pierde, y suele ser la del error.";

    fn tried(_: &NoParams) -> String {
        "provocar una página, un 404 con comillas y una excepción, y leer el log línea a línea"
            .into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
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
        let logs = front.container.logs().await?;
        let mut lines = 0;
        for line in logs.lines().filter(|line| !line.trim().is_empty()) {
            lines += 1;
            let object = serde_json::from_str::<serde_json::Value>(line);
            if !object.is_ok_and(|value| value.is_object()) {
                return Ok(Finding::failed(format!(
                    "la línea {lines} del log no es JSON: «{line}»"
                ))
                .at(Some(front.service.location.clone())));
            }
        }
        Ok(if lines == 0 {
            Finding::failed("el log está vacío").at(Some(front.service.location.clone()))
        } else {
            Finding::passed(format!("las {lines} líneas del log son JSON"))
        })
    }
}
