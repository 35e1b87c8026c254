use super::bench::{API_ROLE, wait_for_answer};
use super::{Bench, Experiment, NoParams};
use crate::lab::container::Container;
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
        let name = bench.service_name(API_ROLE);
        let Some((service, container)) = bench
            .tuned_api()
            .zip(risen.stack.containers(name).await.into_iter().next())
        else {
            return Ok(Finding::failed(format!(
                "`{name}` no tiene ningún contenedor"
            )));
        };
        let port = Bench::port_of(service);
        let at = Some(service.location.clone());
        if let Some(trouble) = wait_for_answer(&container, port).await? {
            return Ok(Finding::failed(trouble).at(at));
        }
        for _ in 0..PREDICTIONS {
            let reply = container
                .ask(
                    port,
                    &Request::post("/predict", r#"{"x":[6.7,3.0,5.2,2.3]}"#),
                )
                .await?;
            if reply.status != 200 {
                return Ok(Finding::failed(format!(
                    "`/predict` respondió {}: {}",
                    reply.status,
                    String::from_utf8_lossy(&reply.body)
                ))
                .at(at));
            }
        }
        let before = history(&container, port).await?;
        if before < PREDICTIONS {
            return Ok(Finding::failed(format!(
                "hice {PREDICTIONS} predicciones y el historial tiene {before}: ¿está puesta la variable `HISTORIAL`?"
            ))
            .at(at));
        }
        let again = async {
            risen.stack.down(false).await.map_err(UpError::Engine)?;
            risen.stack.up_one(name).await
        };
        match bench.lab.timed("tirar y levantar", again).await {
            Ok(()) => {}
            Err(UpError::Failed { message, location }) => {
                return Ok(
                    Finding::failed(format!("tras `down`, ya no se levanta: {message}"))
                        .at(Some(location)),
                );
            }
            Err(UpError::Engine(error)) => return Err(error),
        }
        let Some(container) = risen.stack.containers(name).await.into_iter().next() else {
            return Ok(Finding::failed(format!("tras `up`, `{name}` no está")).at(at));
        };
        if let Some(trouble) = wait_for_answer(&container, port).await? {
            return Ok(Finding::failed(format!("tras `up`: {trouble}")).at(at));
        }
        let after = history(&container, port).await?;
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

async fn history(container: &Container<'_>, port: u16) -> anyhow::Result<u64> {
    let reply = container.ask(port, &Request::get("/historial")).await?;
    Ok(reply.json()["n"].as_u64().unwrap_or(0))
}
