use super::bench::{HEALTHY_LIMIT, LOADING};
use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// An app that took its time to load is called healthy in the end.
pub struct EndsHealthy;

impl Experiment for EndsHealthy {
    type Params = NoParams;
    const ID: &'static str = "acaba-sano";
    const WHAT: &'static str = "Cuando el modelo lento ha cargado, espera 15 s como mucho a que el motor dé la app por `healthy`, con los plazos de la entrega.";
    const CONTROL: &'static str = "Es el mismo contenedor que cargaba despacio. Que el chequeo diga siempre que sí lo descubre `avisa-pronto`.";
    const WHY: &'static str = "Quien espera con `service_healthy` no arranca hasta que el chequeo acierta: un chequeo que no acierta para todo el proyecto.";

    fn tried(_: &NoParams) -> String {
        format!(
            "esperar, con el modelo ya cargado a los {} s, a que el motor la dé por `healthy`",
            LOADING.as_secs()
        )
    }

    async fn run(bench: &Bench<'_>, _: &NoParams) -> anyhow::Result<Finding> {
        let start = match bench.slow_start().await {
            Ok(start) => start,
            Err(finding) => return Ok(finding),
        };
        let at = bench
            .image()
            .await
            .ok()
            .and_then(|image| image.healthcheck());
        Ok(if start.healthy {
            Finding::passed("con el modelo cargado, el motor la dio por `healthy`")
        } else if start.last.probes.is_empty() {
            Finding::failed(format!(
                "el primer chequeo no había llegado {} s después de cargar el modelo",
                HEALTHY_LIMIT.as_secs()
            ))
            .at(at)
        } else {
            Finding::failed(format!(
                "el modelo ya está cargado y `/health` responde 200, pero el motor no la da por `healthy`; el último chequeo {}",
                start.last.last_words()
            ))
            .at(at)
        })
    }
}
