use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// The image announces the port that it serves on.
pub struct AnnouncesPort;

impl Experiment for AnnouncesPort {
    type Params = NoParams;
    const ID: &'static str = "anuncia-puerto";
    const WHAT: &'static str = "Arranca la imagen como `docker run -P` y mira qué puertos publica el motor por su cuenta: los que la imagen anuncia.";
    const CONTROL: &'static str = "No se lee el Dockerfile: un `EXPOSE` que se queda en otra etapa no llega a la imagen, y el motor no publica nada.";
    const WHY: &'static str = "`EXPOSE` es la etiqueta del puerto: `docker run -P`, Compose y las personas saben por ella adónde llamar.";

    fn tried(_: &NoParams) -> String {
        "arrancar con `docker run -P` y mirar qué puertos publica el motor".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let published = match bench.start_published(image).await? {
            Ok(published) => published,
            Err(trouble) => return Ok(Finding::failed(trouble).at(image.starts_at())),
        };
        let ports: Vec<&str> = published.tcp().map(|(port, _)| port).collect();
        let others: Vec<&str> = published.ports.keys().map(String::as_str).collect();
        Ok(if !ports.is_empty() {
            Finding::passed(format!("el motor publicó el puerto {}", ports.join(", ")))
        } else if others.is_empty() {
            Finding::failed("el motor no publicó ningún puerto: la imagen no anuncia ninguno")
        } else {
            Finding::failed(format!(
                "la imagen anuncia {}, pero HTTP va por TCP",
                others.join(", ")
            ))
            .at(image.dockerfile.last("EXPOSE"))
        })
    }
}
