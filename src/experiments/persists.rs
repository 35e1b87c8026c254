use super::bench::Front;
use super::{Bench, Experiment, NoParams};
use crate::lab::http::Request;
use crate::lab::stack::UpError;
use crate::verdict::Finding;

/// The history of predictions outlives `down` and `up`.
pub struct Persists;

/// Predictions made before the test; more than a fresh start makes by itself.
const PREDICTIONS: u64 = 3;

impl Experiment for Persists {
    type Params = NoParams;
    const ID: &'static str = "persiste";
    const WHAT: &'static str =
        "Hace predicciones, tira el proyecto, lo levanta y cuenta el historial.";
    const CONTROL: &'static str = "Antes de tirarlo, en el historial tienen que estar ya las predicciones que hizo el verificador.";
    const WHY: &'static str = "`down` borra los contenedores con todo lo que escribieron: solo queda lo que está en un volumen.";

    fn tried(_: &NoParams) -> String {
        format!(
            "hacer {PREDICTIONS} predicciones, `docker compose down`, `up`, y contar el historial"
        )
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.write().await;
        bench.say("tiro el proyecto, lo levanto otra vez y cuento el historial");
        let front = match bench.front(risen).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        let at = Some(front.service.location.clone());
        for _ in 0..PREDICTIONS {
            let request = Request::post("/predict", r#"{"x":[6.7,3.0,5.2,2.3]}"#);
            let reply = front.ask(&request).await?;
            if reply.status != 200 {
                return Ok(Finding::failed(format!(
                    "`/predict` respondió {}: {}",
                    reply.status,
                    String::from_utf8_lossy(&reply.body)
                ))
                .at(at));
            }
        }
        let before = history(&front).await?;
        if before < PREDICTIONS {
            return Ok(Finding::failed(format!(
                "hice {PREDICTIONS} predicciones y el historial tiene {before}: ¿está puesta la variable `HISTORIAL`?"
            ))
            .at(at));
        }
        let again = async {
            risen.stack.down(false).await.map_err(UpError::Engine)?;
            risen.stack.up_one(&front.service.name).await
        };
        if let Err(error) = bench.lab.timed("tirar y levantar", again).await {
            let mut finding = error.finding()?;
            finding.saw = format!("tras `down`, ya no se levanta: {}", finding.saw);
            return Ok(finding);
        }
        let after = match bench.front(risen).await? {
            Ok(front) => history(&front).await?,
            Err(finding) => return Ok(finding),
        };
        Ok(if after >= before {
            Finding::passed(format!(
                "había {before} predicciones antes de `down` y {after} después de `up`"
            ))
        } else {
            Finding::failed(format!(
                "había {before} predicciones antes de `down` y quedan {after} después de `up`"
            ))
            .at(at)
        })
    }
}

async fn history(front: &Front<'_, '_>) -> anyhow::Result<u64> {
    let reply = front.ask(&Request::get("/historial")).await?;
    Ok(reply.json()["n"].as_u64().unwrap_or(0))
}
