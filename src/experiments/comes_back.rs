use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::Fate;
use super::{Bench, Experiment};
use crate::lab::stack::UpError;
use crate::verdict::Finding;

/// The app comes back by itself after its process died.
pub struct ComesBack;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// De qué muere: `fallo` (el proceso termina con código 3) o `memoria` (come más de lo que le dejan).
    causa: Cause,
    /// Con `memoria`, cuántos MB intenta ocupar.
    #[serde(default = "megabytes")]
    mb: u64,
}

fn megabytes() -> u64 {
    700
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Cause {
    Fallo,
    Memoria,
}

impl Experiment for ComesBack {
    type Params = Params;
    const ID: &'static str = "vuelve-tras-morir";
    const WHAT: &'static str =
        "Levanta el proyecto, hace que el proceso de la app muera y espera a que otro responda.";
    const CONTROL: &'static str = "Cada proceso tiene un nombre al azar: solo cuenta que responda uno distinto. Un contenedor terminado que el motor no piensa reiniciar no se espera.";
    const WHY: &'static str = "Todo proceso muere alguna vez, y de madrugada no hay nadie para arrancarlo. Un chequeo de salud avisa, pero no reinicia nada.";

    fn tried(params: &Params) -> String {
        match params.causa {
            Cause::Fallo => {
                "hacer que el proceso de la API termine con código 3, y esperar a que otro responda"
                    .into()
            }
            Cause::Memoria => format!(
                "hacer que la API intente ocupar {} MB, y esperar a que vuelva a responder",
                params.mb
            ),
        }
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let _turn = bench.stack_turn.write().await;
        // Where another experiment has already killed it, this tells whether it came back.
        let front = match bench.front(risen).await? {
            Ok(front) => front,
            Err(mut finding) => {
                finding.saw = format!("la API no volvió a responder. {}", finding.saw);
                return Ok(finding);
            }
        };
        bench.say("hago que la app muera y espero a que vuelva");
        let instance = front.instance().await?;
        let how = match params.causa {
            Cause::Fallo => {
                front.die(&bench.switch_key, &instance).await?;
                "el proceso terminó con código 3"
            }
            Cause::Memoria => match front.gorge(&bench.switch_key, &instance, params.mb).await? {
                Fate::Died => "la API murió al pasarse de memoria",
                Fate::Lives(_) => {
                    return Ok(Finding::failed(format!(
                        "la API ocupó {} MB y nadie se lo impidió",
                        params.mb
                    )));
                }
            },
        };
        let back = front.comes_back(bench, &instance);
        let trouble = bench.lab.timed("esperar a que vuelva", back).await?;
        Ok(match trouble {
            None => Finding::passed(format!("{how}, y otro proceso respondió en su lugar")),
            Some(trouble) => {
                let restart = front.service.restart.as_ref();
                let at = restart.map_or(&front.service.location, |restart| &restart.location);
                // What is tried next finds the app alive.
                let revived = risen.stack.up_one(&front.service.name).await;
                if let Err(UpError::Engine(error)) = revived {
                    return Err(error);
                }
                Finding::failed(format!("{how} y no volvió: {trouble}")).at(Some(at.clone()))
            }
        })
    }
}
