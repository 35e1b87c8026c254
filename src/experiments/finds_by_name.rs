use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;

use super::Experiment;
use super::bench::{API_ROLE, Bench, Setting, counter};
use crate::lab::stack::{OneOff, UpError};
use crate::verdict::Finding;

/// A one-shot client reaches the app, whatever the project is called and whatever addresses its networks have.
pub struct FindsByName;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// El servicio que pregunta y termina.
    servicio: String,
    /// Lo que debe imprimir.
    espera: String,
    /// El nombre que se da al proyecto (`docker compose -p`); si no se pone, el suyo.
    proyecto: Option<String>,
}

/// Longest wait for the client to end.
const CLIENT_LIMIT: Duration = Duration::from_secs(20);

/// What the app counts its answers under.
const PREDICTIONS: &str = "iris_predicciones_total";

impl Experiment for FindsByName {
    type Params = Params;
    const ID: &'static str = "encuentra-por-nombre";
    const WHAT: &'static str = "Levanta la app, espera a que responda y ejecuta el cliente en redes con direcciones recién repartidas.";
    const CONTROL: &'static str = "La app cuenta las predicciones que de verdad le llegaron; lo que imprima el cliente no basta.";
    const WHY: &'static str = "Dentro de un contenedor, `localhost` es él mismo, y las direcciones cambian en cada red: lo único estable es el nombre del servicio.";

    fn tried(params: &Params) -> String {
        let project = match &params.proyecto {
            Some(name) => {
                format!("con otro nombre de proyecto (`-p {name}`) y otras direcciones, ")
            }
            None => String::new(),
        };
        format!(
            "{project}levantar la app, esperar a que responda y ejecutar `{}`",
            params.servicio
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let mut setting = Setting {
            readdressed: true,
            ..Setting::default()
        };
        if let Some(name) = &params.proyecto {
            setting
                .shell
                .insert("COMPOSE_PROJECT_NAME".into(), name.clone());
        }
        let stack = match bench.stage(&setting).await {
            Ok(stack) => stack,
            Err(finding) => return Ok(finding),
        };
        let api = bench.service_name(API_ROLE);
        if let Err(error) = stack.up_one(api).await {
            return error.finding();
        }
        let front = match bench.front_of(&stack).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        let name = &params.servicio;
        let Some(service) = stack.project().services.get(name) else {
            return Ok(super::bench::views::absent(name));
        };
        let at = service.environment.get("MODELO_URL");
        let at = at.map_or(&service.location, |url| &url.location).clone();
        let failed = |saw: String| Ok(Finding::failed(saw).at(Some(at.clone())));

        let before = counter(&front.container, front.port, PREDICTIONS).await;
        let ran = match stack.run(name, &OneOff::default(), CLIENT_LIMIT).await {
            Ok(ran) => ran,
            Err(error @ UpError::Engine(_)) => return Err(error.into()),
            Err(error) => return error.finding(),
        };
        let answered = counter(&front.container, front.port, PREDICTIONS).await > before;
        let last = ran.output.trim().lines().last().unwrap_or("(sin salida)");
        match ran.code {
            None => failed(format!(
                "`{name}` no termina en {} s. Lo último que dijo: {last}",
                CLIENT_LIMIT.as_secs()
            )),
            Some(0) if !answered => failed(format!(
                "`{name}` terminó con código 0 y dijo «{last}», pero a `{api}` no le llegó ninguna predicción"
            )),
            Some(0) if ran.output.contains(&params.espera) => Ok(Finding::passed(format!(
                "`{name}` encontró a `{api}` y dijo «{}»",
                params.espera
            ))),
            Some(code) => failed(format!(
                "`{name}` terminó con código {code} sin decir «{}». Lo último que dijo: {last}",
                params.espera
            )),
        }
    }
}
