use super::bench::LOADING;
use super::{Bench, Experiment, NoParams};
use crate::verdict::Finding;

/// An app that is still loading is not called unhealthy.
pub struct NotCondemned;

impl Experiment for NotCondemned {
    type Params = NoParams;
    const ID: &'static str = "no-condena-al-que-arranca";
    const WHAT: &'static str = "Arranca la app con un modelo que tarda 6 s en cargar, con los plazos de la entrega, y mira si el motor la da por `unhealthy` entretanto.";
    const CONTROL: &'static str = "Mientras carga responde 503 de verdad, y es el verificador quien termina la carga: ninguna variable de la imagen la acorta.";
    const WHY: &'static str = "A quien arranca despacio y se le da por enfermo, un orquestador lo mata antes de que llegue a atender, una y otra vez.";

    fn tried(_: &NoParams) -> String {
        format!(
            "arrancar la app, con tus plazos y un modelo que tarda {} s en cargar, y mirar si pasa por `unhealthy`",
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
        Ok(match &start.condemned {
            None => Finding::passed("el motor no la dio por `unhealthy` mientras cargaba"),
            Some(health) => Finding::failed(format!(
                "con el modelo todavía cargando, el motor ya la daba por `unhealthy`; el último chequeo {}",
                health.last_words()
            ))
            .at(at),
        })
    }
}
