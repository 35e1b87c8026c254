use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bench, Experiment};
use crate::submission::Location;
use crate::verdict::Finding;

/// A one-shot job waits for the app to be well and gets its answer at the first try.
pub struct JobWaits;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El servicio que hace el trabajo y termina.
    servicio: String,
    /// Lo que debe imprimir.
    espera: String,
}

impl Experiment for JobWaits {
    type Params = Params;
    const ID: &'static str = "trabajo-espera-y-acierta";
    const WHAT: &'static str = "Levanta el proyecto con la app retenida mientras carga, la suelta y mira qué hizo el otro servicio.";
    const CONTROL: &'static str = "La app se retiene hasta saber quién la espera: quien pregunta antes de tiempo siempre se delata. Y la app cuenta las peticiones que de verdad le llegaron.";
    const WHY: &'static str = "Arrancado no es lo mismo que listo: quien pregunta demasiado pronto falla, y solo a veces.";

    fn tried(params: &Params) -> String {
        format!(
            "levantar el proyecto con el modelo todavía cargando, soltarlo y mirar qué hizo `{}`",
            params.servicio
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let risen = match bench.risen().await {
            Ok(risen) => risen,
            Err(finding) => return Ok(finding),
        };
        let service = risen.stack.project().services.get(&params.servicio);
        let at: Option<Location> = service.map(|service| {
            let dependency = service.depends_on.first();
            dependency
                .map_or(&service.location, |dependency| &dependency.location)
                .clone()
        });
        let failed = |saw: String| Ok(Finding::failed(saw).at(at.clone()));
        let Some(job) = risen.jobs.get(&params.servicio) else {
            return failed(format!("`{}` no llegó a arrancar", params.servicio));
        };
        let name = &params.servicio;
        let early = if job.started_early {
            "arrancó mientras la API aún cargaba el modelo y "
        } else {
            ""
        };
        let last = job.output.trim().lines().last().unwrap_or("(sin salida)");
        match job.code {
            None => failed(format!("`{name}` no termina. Lo último que dijo: {last}")),
            Some(_) if job.restarts > 0 => failed(format!(
                "`{name}` {early}no acertó a la primera: el motor tuvo que reiniciarlo {} veces",
                job.restarts
            )),
            Some(0) if job.started_early && risen.turned_away > 0 => failed(format!(
                "`{name}` {early}no acertó a la primera: la API tuvo que rechazar {} de sus peticiones",
                risen.turned_away
            )),
            Some(0) if job.output.contains(&params.espera) && risen.predictions > 0 => {
                Ok(Finding::passed(format!(
                    "`{name}` esperó, dijo «{}» y terminó con código 0",
                    params.espera
                )))
            }
            Some(0) if job.output.contains(&params.espera) => failed(format!(
                "`{name}` dijo «{}», pero a la API no le llegó ninguna petición de predicción",
                params.espera
            )),
            Some(code) => failed(format!("`{name}` {early}terminó con código {code}: {last}")),
        }
    }
}
