use std::time::{Duration, Instant};

use super::{Bench, Experiment, NoParams};
use crate::lab::container::GLANCE;
use crate::lab::stack::UpError;
use crate::verdict::Finding;

/// `docker compose stop` ends the app without having to kill it, and it stays stopped.
pub struct RespectsStop;

/// The exit code of what the engine, or anybody else, killed.
const KILLED: i64 = 137;

/// The engine restarts what it means to restart after a tenth of a second.
const STAYS: Duration = Duration::from_millis(600);

impl Experiment for RespectsStop {
    type Params = NoParams;
    const ID: &'static str = "respeta-la-parada";
    const WHAT: &'static str = "Levanta el proyecto, lo para con `docker compose stop` y mira cómo termina y si sigue parado.";
    const CONTROL: &'static str = "El plazo es el de la entrega (10 s si no dice nada), y el código de salida, el que da el motor.";
    const WHY: &'static str = "Quien vuelve solo también tiene que dejarse parar: un bucle que lo relanza no reenvía la señal, y el motor acaba matándolo.";

    fn tried(_: &NoParams) -> String {
        "`docker compose stop`, mirar cómo termina la API y si sigue parada".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.write().await;
        let front = match bench.front(risen).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        bench.say("paro el proyecto y miro si sigue parado");
        let name = &front.service.name;
        let begun = Instant::now();
        bench.lab.timed("parar", risen.stack.stop(name)).await?;
        let took = begun.elapsed().as_secs_f64();
        let state = front.container.state().await?;
        let code = state.exit_code.unwrap_or(-1);
        let stopped = Instant::now();
        let mut risen_again = false;
        while !risen_again && stopped.elapsed() < STAYS {
            let state = front.container.state().await?;
            risen_again = state.running == Some(true) || state.restarting == Some(true);
            tokio::time::sleep(GLANCE).await;
        }
        // What is tried next finds the app alive.
        if let Err(UpError::Engine(error)) = risen.stack.up_one(name).await {
            return Err(error);
        }
        let service = front.service;
        let at = service.command.as_ref().or(service.entrypoint.as_ref());
        let at = at.map_or(&service.location, |command| &command.location);
        Ok(if risen_again {
            Finding::failed("la API volvió a arrancar después de `docker compose stop`")
                .at(Some(at.clone()))
        } else if code == KILLED {
            Finding::failed(format!(
                "no hizo caso a la señal de parada y, pasados {took:.0} s, el motor tuvo que matarla (código {code}): ¿quién es su proceso 1?"
            ))
            .at(Some(at.clone()))
        } else {
            Finding::passed(format!(
                "terminó en {took:.1} s, con código {code}, y sigue parada"
            ))
        })
    }
}
