use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::API_ROLE;
use super::{Bench, Experiment};
use crate::lab::stack::{HealthTiming, Pace, Phase, Tweaks, UpError};
use crate::verdict::Finding;

/// While the app is ill, `up` fails and a service that needs it is never started.
pub struct NeedsApp;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El servicio que no debe arrancar.
    servicio: String,
}

/// At the checker's pace: an app that never gets well is known to be ill in half a second.
const TIMING: HealthTiming = HealthTiming {
    interval: Duration::from_millis(150),
    start_period: Duration::from_millis(1),
    retries: 3,
    timeout: HealthTiming::TIMEOUT_CAP,
};

impl Experiment for NeedsApp {
    type Params = Params;
    const ID: &'static str = "sin-app-no-arranca";
    const WHAT: &'static str = "Levanta el proyecto otra vez, con una app que nunca llega a estar sana, y mira si el otro servicio arranca.";
    const CONTROL: &'static str =
        "El mismo proyecto, con la app sana, se levanta entero: lo único que cambia es su salud.";
    const WHY: &'static str = "Si lo imprescindible no funciona, lo demás no debe arrancar como si nada: mejor un `up` que falla y lo dice.";

    fn tried(params: &Params) -> String {
        format!(
            "levantar el proyecto con un modelo que nunca termina de cargar y ver si `{}` arranca",
            params.servicio
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let api = bench.service_name(API_ROLE).to_owned();
        let ill = [
            ("AULA_CLAVE", bench.switch_key.as_str()),
            ("AULA_INICIO", "cargando"),
        ];
        let ill = ill.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let tweaks = Tweaks {
            environment: BTreeMap::from([(api, ill.to_vec())]),
            health: Some(Pace::Ours(TIMING)),
            ..Tweaks::default()
        };
        let stack = match bench.stack("enferma", tweaks).await {
            Ok(stack) => stack,
            Err(finding) => return Ok(finding),
        };
        bench.say("levanto el proyecto con un modelo que no carga");
        let up = bench.lab.timed("levantar sin modelo", stack.up()).await;
        let name = &params.servicio;
        let started = stack.phases().borrow().get(name) == Some(&Phase::Started);
        let service = stack.project().services.get(name);
        let at = service.map(|service| {
            let dependency = service.depends_on.first();
            let at = dependency.map_or(&service.location, |dependency| &dependency.location);
            at.clone()
        });
        // Its health check keeps a core busy.
        stack.down(true).await?;
        match up {
            _ if started => Ok(Finding::failed(format!(
                "el modelo no llegó a estar sano y `{name}` arrancó de todos modos"
            ))
            .at(at)),
            Ok(()) => anyhow::bail!("`up` terminó sin arrancar `{name}`"),
            Err(UpError::Failed { message, .. }) => Ok(Finding::passed(format!(
                "`up` falló y `{name}` no arrancó: {message}"
            ))),
            Err(error) => error.finding(),
        }
    }
}
