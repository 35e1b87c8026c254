use super::{Bench, Experiment, NoParams};
use crate::lab::container::{Container, Process};
use crate::verdict::Finding;

/// No process of the app is root: as the engine's host sees them, not as the image tells.
pub struct RunsWithoutRoot;

impl Experiment for RunsWithoutRoot {
    type Params = NoParams;
    const ID: &'static str = "sin-root";
    const WHAT: &'static str = "Mira el uid de cada proceso, con `docker run` y con Compose.";
    const CONTROL: &'static str =
        "Los uids son los que ve el motor desde fuera, no los que dice un programa de la imagen.";
    const WHY: &'static str = "Quien encuentra un fallo en una app que corre como root es root dentro del contenedor, y a un paso de serlo fuera.";

    fn tried(_: &NoParams) -> String {
        "mirar desde el motor el uid de cada proceso, con la imagen sola y con Compose".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
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
        let Ok(risen) = bench.risen().await else {
            return Ok(Finding::passed(format!(
                "con `docker run`, todo corre con uid {uid}"
            )));
        };
        let _turn = bench.stack_turn.read().await;
        for name in bench.exercise.services.values() {
            for container in risen.stack.containers(name).await {
                // Only what still runs has processes to look at.
                let Some(root) = running_root(&container).await else {
                    continue;
                };
                let service = bench.compose.as_ref().ok().and_then(Option::as_ref);
                let service = service.and_then(|loaded| loaded.project.services.get(name));
                let user = service.and_then(|service| service.user.as_ref());
                return Ok(Finding::failed(format!(
                    "con Compose, el servicio `{name}` corre `{root}` con uid 0 (root)"
                ))
                .at(user.map(|user| user.location.clone())));
            }
        }
        Ok(Finding::passed(format!(
            "todos los procesos corren con uid {uid}, también con Compose"
        )))
    }
}

async fn running_root(container: &Container<'_>) -> Option<String> {
    let processes = container.processes().await.ok()?;
    root(&processes).map(|process| process.args.clone())
}

fn root(processes: &[Process]) -> Option<&Process> {
    processes.iter().find(|process| process.uid == 0)
}
