use std::time::Instant;

use rand::seq::IndexedRandom;
use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::{ANSWER_LIMIT, Image};
use super::{Bench, Experiment};
use crate::lab::container::{Container, GLANCE};
use crate::lab::http::Request;
use crate::lab::stack::no_health;
use crate::verdict::Finding;

/// A variable given with `docker run -e` changes what the running app does.
pub struct VariableRules;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// La variable: `PORT`, `LOG_LEVEL` o `APP_NAME`. El valor lo elige el verificador al azar.
    variable: Variable,
}

/// A variable that the course's app obeys.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Variable {
    /// El puerto en el que escucha.
    Port,
    /// El nivel de su registro.
    LogLevel,
    /// Su nombre.
    AppName,
}

impl Variable {
    fn name(self) -> &'static str {
        match self {
            Self::Port => "PORT",
            Self::LogLevel => "LOG_LEVEL",
            Self::AppName => "APP_NAME",
        }
    }

    /// The field of `/config` that shows it.
    fn field(self) -> &'static str {
        match self {
            Self::Port => "port",
            Self::LogLevel => "log_level",
            Self::AppName => "app_name",
        }
    }
}

/// Ports that no image has by default.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// Levels that no image has by default.
const LEVELS: [&str; 3] = ["DEBUG", "WARNING", "ERROR"];

impl Experiment for VariableRules {
    type Params = Params;
    const ID: &'static str = "variable-manda";
    const WHAT: &'static str = "Arranca la imagen con otro valor en una variable, como `docker run -e`, y pregunta a la app en marcha.";
    const CONTROL: &'static str = "El valor es otro en cada comprobación: un puerto al azar, un nivel al azar, un nombre con espacios y ñ. Cada variable se prueba sola.";
    const WHY: &'static str = "La misma imagen tiene que servir en todas partes: lo que cambia de un sitio a otro se le dice al arrancar, sin construirla otra vez.";

    fn tried(params: &Params) -> String {
        match params.variable {
            Variable::Port => "arrancar con `-e PORT=…`, un puerto al azar, y hablar con la app en ese puerto",
            Variable::LogLevel => "arrancar con `-e LOG_LEVEL=…`, un nivel al azar, y preguntar a `/config`",
            Variable::AppName => "arrancar con `-e APP_NAME=…`, un nombre al azar con espacios y ñ, y preguntar a `/config`",
        }
        .into()
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let image = match bench.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(finding),
        };
        let variable = params.variable;
        let port = match variable {
            Variable::Port => rand::random_range(PORTS),
            _ => bench.port(),
        };
        let value = match variable {
            Variable::Port => port.to_string(),
            Variable::LogLevel => LEVELS
                .choose(&mut rand::rng())
                .map_or("DEBUG", |level| level)
                .to_owned(),
            Variable::AppName => bench.app_name.clone(),
        };
        let given = format!("{}={value}", variable.name());
        let failed = |saw: String| Ok(Finding::failed(saw).at(place(image)));
        let environment = vec![format!("AULA_CLAVE={}", bench.switch_key), given.clone()];
        let name = format!("con-{}", variable.field().replace('_', "-"));
        let ports = [port, bench.port()];
        let started = bench.start(&name, image, environment, Some(no_health()), &ports);
        let container = match started.await? {
            Ok(container) => container,
            Err(trouble) => return failed(format!("con `{given}`, {trouble}")),
        };
        let heard = match heard(&container, &ports).await? {
            Ok(heard) => heard,
            Err(trouble) => return failed(format!("con `{given}`, {trouble}")),
        };
        if heard != port {
            return failed(format!(
                "le di `{given}` y la app sigue en el puerto {heard}"
            ));
        }
        let config = container.ask(port, &Request::get("/config")).await?.json();
        let seen = match &config[variable.field()] {
            serde_json::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if seen == value {
            Ok(Finding::passed(format!(
                "con `{given}`, la app dice «{seen}»"
            )))
        } else {
            failed(format!("le di `{given}` y la app dice «{seen}»"))
        }
    }
}

/// The first of `ports` on which the app is well; the inner error says what was seen instead, for the student.
async fn heard(container: &Container<'_>, ports: &[u16]) -> anyhow::Result<Result<u16, String>> {
    let begun = Instant::now();
    loop {
        for &port in ports {
            let reply = container.ask(port, &Request::get("/health")).await;
            if reply.is_ok_and(|reply| reply.status == 200) {
                return Ok(Ok(port));
            }
        }
        let state = container.state().await?;
        if state.running != Some(true) {
            return Ok(Err(format!(
                "el contenedor terminó con código {}. Sus últimas líneas:\n{}",
                state.exit_code.unwrap_or(-1),
                container.last_lines(5).await
            )));
        }
        if begun.elapsed() > ANSWER_LIMIT {
            return Ok(Err(format!(
                "nadie responde en {} s. Sus últimas líneas:\n{}",
                ANSWER_LIMIT.as_secs(),
                container.last_lines(5).await
            )));
        }
        tokio::time::sleep(GLANCE).await;
    }
}

fn place(image: &Image) -> Option<crate::submission::Location> {
    let start = image.dockerfile.last("CMD");
    start.or_else(|| image.dockerfile.last("ENTRYPOINT"))
}
