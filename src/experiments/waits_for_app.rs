use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bench, Experiment};
use crate::verdict::Finding;

/// A service is not started before the app is well.
pub struct WaitsForApp;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El servicio que tiene que esperar.
    servicio: String,
}

impl Experiment for WaitsForApp {
    type Params = Params;
    const ID: &'static str = "espera-a-la-app";
    const WHAT: &'static str = "Levanta el proyecto con la app retenida mientras carga y mira si el otro servicio arranca antes de tiempo.";
    const CONTROL: &'static str = "La app se retiene hasta saber quién la espera, así que no es cuestión de suerte ni de prisa.";
    const WHY: &'static str = "Arrancado no es lo mismo que listo: sin una condición, Compose solo espera a que el contenedor exista.";

    fn tried(params: &Params) -> String {
        format!(
            "levantar el proyecto con el modelo todavía cargando y ver si `{}` arranca antes",
            params.servicio
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let name = &params.servicio;
        let service = risen.stack.project().services.get(name);
        let at = service.map(|service| {
            let dependency = service.depends_on.first();
            let at = dependency.map_or(&service.location, |dependency| &dependency.location);
            at.clone()
        });
        let finding = match risen.jobs.get(name) {
            None => Finding::failed(format!("`{name}` no llegó a arrancar")),
            Some(job) if job.started_early => Finding::failed(format!(
                "`{name}` arrancó mientras el modelo aún estaba cargando"
            )),
            Some(_) => {
                return Ok(Finding::passed(format!(
                    "`{name}` no arrancó hasta que el modelo estuvo sano"
                )));
            }
        };
        Ok(finding.at(at))
    }
}
