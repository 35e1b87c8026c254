use super::bench::modes::Mode;
use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// In production, no container has a folder of the host mounted.
pub struct NoHostMounts;

impl Experiment for NoHostMounts {
    type Params = NoParams;
    const ID: &'static str = "sin-montajes";
    const WHAT: &'static str = "Levanta el proyecto solo con el archivo principal y mira qué carpetas del anfitrión montó el motor.";
    const CONTROL: &'static str = "Se mira lo que el motor montó. Los volúmenes, los secretos y las configuraciones no cuentan.";
    const WHY: &'static str = "Una carpeta montada tapa lo que hay en la imagen: lo que corre deja de ser lo que se probó.";

    fn tried(_: &NoParams) -> String {
        format!(
            "levantar el proyecto {} y mirar qué carpetas del anfitrión están montadas",
            Mode::Produccion.told()
        )
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let scene = match bench.mode(Mode::Produccion).await {
            Ok(scene) => scene,
            Err(finding) => return Ok(finding),
        };
        for (name, service) in &scene.stack.project().services {
            let secrets = service.secrets.iter().map(|grant| grant.secret_path());
            let configs = service.configs.iter().map(|grant| grant.config_path());
            let granted: Vec<String> = secrets.chain(configs).collect();
            for container in scene.stack.containers(name).await {
                let mounts = container.inspect().await?.mounts.unwrap_or_default();
                let bind = mounts
                    .into_iter()
                    .filter(|mount| mount.typ.as_deref() == Some("bind"))
                    .filter_map(|mount| mount.destination)
                    .find(|path| !granted.contains(path));
                if let Some(path) = bind {
                    let mut volumes = service.volumes.iter();
                    let own = volumes.find(|mount| mount.target.trim_end_matches('/') == path);
                    let at = own.map_or(&service.location, |mount| &mount.location);
                    return Ok(Finding::failed(format!(
                        "en producción, `{name}` tiene montada en `{path}` una carpeta del anfitrión"
                    ))
                    .at(Some(at.clone())));
                }
            }
        }
        Ok(Finding::passed(
            "ningún contenedor tiene montada una carpeta del anfitrión",
        ))
    }
}
