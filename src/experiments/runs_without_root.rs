use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bench, Experiment};
use crate::lab::container::{Container, Process};
use crate::verdict::Finding;

/// No process of the app is root: as the engine's host sees them, not as the image tells.
pub struct RunsWithoutRoot;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Mira solo los servicios de Compose, no la imagen arrancada sola.
    #[serde(default)]
    solo_compose: bool,
}

impl Experiment for RunsWithoutRoot {
    type Params = Params;
    const ID: &'static str = "sin-root";
    const WHAT: &'static str = "Mira el uid de cada proceso, con `docker run` y con Compose.";
    const CONTROL: &'static str =
        "Los uids son los que ve el motor desde fuera, no los que dice un programa de la imagen.";
    const WHY: &'static str = "Quien encuentra un fallo en una app que corre como root es root dentro del contenedor, y a un paso de serlo fuera.";

    fn tried(params: &Params) -> String {
        let whole = if params.solo_compose {
            "con Compose"
        } else {
            "con la imagen sola y con Compose"
        };
        format!("mirar desde el motor el uid de cada proceso, {whole}")
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        if params.solo_compose {
            if let Err(finding) = bench.risen().await {
                return Ok(finding);
            }
            return Ok(with_compose(bench).await?.unwrap_or_else(|| {
                Finding::passed("con Compose, ningún proceso corre con uid 0 (root)")
            }));
        }
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let alone = bench.alone(image).await?;
        let Some(container) = &alone.container else {
            return Ok(Finding::failed(alone.trouble.clone().unwrap_or_default()));
        };
        let processes = container.processes().await?;
        if let Some(root) = root(&processes) {
            let at = image
                .dockerfile
                .last("USER")
                .or_else(|| image.dockerfile.last("CMD"));
            return Ok(Finding::failed(format!(
                "con `docker run`, `{}` corre con uid 0 (root)",
                root.args
            ))
            .at(at));
        }
        let uid = processes[0].uid;
        // A project that does not come up is another item's fault.
        if bench.risen().await.is_err() {
            return Ok(Finding::passed(format!(
                "con `docker run`, todo corre con uid {uid}"
            )));
        }
        Ok(with_compose(bench).await?.unwrap_or_else(|| {
            Finding::passed(format!(
                "todos los procesos corren con uid {uid}, también con Compose"
            ))
        }))
    }
}

/// The finding about a service of the risen project that runs something as root.
async fn with_compose(bench: &Bench<'_>) -> anyhow::Result<Option<Finding>> {
    let Ok(risen) = bench.risen().await else {
        return Ok(None);
    };
    let _turn = bench.stack_turn.read().await;
    for name in bench.exercise.services.values() {
        for container in risen.stack.containers(name).await {
            // Only what still runs has processes to look at.
            let Some(root) = running_root(&container).await? else {
                continue;
            };
            let service = bench.compose.as_ref().ok().and_then(Option::as_ref);
            let service = service.and_then(|loaded| loaded.project.services.get(name));
            let user = service.and_then(|service| service.user.as_ref());
            return Ok(Some(
                Finding::failed(format!(
                    "con Compose, el servicio `{name}` corre `{root}` con uid 0 (root)"
                ))
                .at(user.map(|user| user.location.clone())),
            ));
        }
    }
    Ok(None)
}

async fn running_root(container: &Container<'_>) -> anyhow::Result<Option<String>> {
    match container.processes().await {
        Ok(processes) => Ok(root(&processes).map(|process| process.args.clone())),
        // It has just ended, or it never ran on.
        Err(_) if container.state().await?.running != Some(true) => Ok(None),
        Err(error) => Err(error),
    }
}

fn root(processes: &[Process]) -> Option<&Process> {
    processes.iter().find(|process| process.uid == 0)
}
