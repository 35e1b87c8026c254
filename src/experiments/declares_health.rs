use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// The image carries a health check.
pub struct DeclaresHealth;

impl Experiment for DeclaresHealth {
    type Params = NoParams;
    const ID: &'static str = "declara-salud";
    const WHAT: &'static str = "Pregunta al motor qué chequeo de salud lleva la imagen construida, o el servicio de Compose.";
    const CONTROL: &'static str = "Lo dice el motor, no el texto: un `HEALTHCHECK` en una etapa que no llega a la imagen, o anulado con `NONE`, no cuenta.";
    const WHY: &'static str = "Sin chequeo, para Docker está igual de bien una app que responde que una que lleva horas colgada.";

    fn tried(_: &NoParams) -> String {
        "preguntar al motor qué chequeo de salud lleva tu imagen".into()
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let at = image.healthcheck();
        // A service's own check counts, unless it only turns the image's off.
        match bench.api().and_then(|api| api.healthcheck.as_ref()) {
            Some(check) if check.disable => {
                return Ok(Finding::failed("el servicio desactiva el chequeo de salud")
                    .at(Some(check.location.clone())));
            }
            Some(check) if check.test.is_some() => {
                return Ok(Finding::passed(
                    "el servicio de Compose lleva un chequeo de salud",
                ));
            }
            _ => {}
        }
        Ok(match bench.health_check(image).await? {
            Some(_) => Finding::passed("la imagen lleva un chequeo de salud"),
            None if at.is_some() => {
                Finding::failed("hay un `HEALTHCHECK`, pero la imagen no lleva ningún chequeo")
                    .at(at)
            }
            None => Finding::failed("la imagen no lleva ningún chequeo de salud"),
        })
    }
}
