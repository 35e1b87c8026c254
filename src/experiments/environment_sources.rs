use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::bench::Setting;
use super::{Bench, Experiment};
use crate::lab::http::Request;
use crate::verdict::Finding;

/// The app has the values of the source that must win: `.env`, the file of `--env-file`, or the shell.
pub struct EnvironmentSources;

/// Parameters.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Params {
    /// Los archivos de variables de la entrega, en los que el verificador pone valores suyos.
    archivos: Vec<String>,
    /// El archivo que se da con `--env-file`; si no se pone, Compose lee `.env`.
    env_file: Option<String>,
    /// Si además se ponen las variables en el shell, que tiene que ganar.
    #[serde(default)]
    shell: bool,
}

/// What each source says of `LOG_LEVEL`, the shell last.
const LEVELS: [&str; 4] = ["DEBUG", "WARNING", "INFO", "ERROR"];

impl Params {
    fn command(&self) -> String {
        let shell = if self.shell {
            "APP_NAME=… LOG_LEVEL=… "
        } else {
            ""
        };
        let option = self
            .env_file
            .as_deref()
            .map(|file| format!(" --env-file {file}"));
        format!("{shell}docker compose{} up", option.unwrap_or_default())
    }
}

impl Experiment for EnvironmentSources {
    type Params = Params;
    const ID: &'static str = "entorno-segun-origen";
    const WHAT: &'static str = "Pone un `APP_NAME` y un `LOG_LEVEL` distintos en cada archivo de variables (y en el shell), levanta el proyecto y pregunta a la app cuáles tiene.";
    const CONTROL: &'static str =
        "Cada origen tiene un nombre al azar: se sabe de cuál vino, y nadie puede tenerlo escrito.";
    const WHY: &'static str = "`--env-file` cambia lo que lee Compose para rellenar `${…}`; `env_file` da un archivo fijo al contenedor. Confundirlos deja producción con los valores de desarrollo.";

    fn tried(params: &Params) -> String {
        format!(
            "`{}`, con valores distintos en cada origen, y preguntar a la app cuáles tiene",
            params.command()
        )
    }

    async fn run(bench: &Bench<'_>, params: &Params) -> anyhow::Result<Finding> {
        let values = |origin: &str, level: &str| {
            BTreeMap::from([
                (
                    "APP_NAME".to_owned(),
                    format!("Iris ñ {} {}", origin.trim_matches('.'), bench.word()),
                ),
                ("LOG_LEVEL".to_owned(), level.to_owned()),
            ])
        };
        let mut setting = Setting {
            env_files: params.env_file.iter().cloned().collect(),
            ..Setting::default()
        };
        for (path, level) in params.archivos.iter().zip(LEVELS) {
            setting.defined.insert(path.clone(), values(path, level));
        }
        let read = params.env_file.as_deref().unwrap_or(".env");
        let (origin, wanted) = if params.shell {
            setting.shell = values("del shell", LEVELS[LEVELS.len() - 1]);
            ("el shell".to_owned(), setting.shell.clone())
        } else {
            let wanted = setting.defined.get(read).cloned().unwrap_or_default();
            (format!("`{read}`"), wanted)
        };
        let scene = match bench.scene(&setting).await {
            Ok(scene) => scene,
            Err(finding) => return Ok(finding),
        };
        let front = match bench.front_of(&scene.stack).await? {
            Ok(front) => front,
            Err(finding) => return Ok(finding),
        };
        let config = front.ask(&Request::get("/config")).await?.json();
        for (variable, field) in [("APP_NAME", "app_name"), ("LOG_LEVEL", "log_level")] {
            let seen = config[field].as_str().unwrap_or_default();
            let Some(wanted) = wanted.get(variable).filter(|wanted| *wanted != seen) else {
                continue;
            };
            let others = setting.defined.iter();
            let other = others
                .filter(|(_, values)| values.get(variable).is_some_and(|value| value == seen))
                .map(|(path, _)| format!(", que es el valor de `{path}`"))
                .next();
            let at = front.service.environment.get(variable);
            let at = at.map_or(&front.service.location, |value| &value.location);
            return Ok(Finding::failed(format!(
                "con `{}`, {origin} dice `{variable}={wanted}` y la app dice «{seen}»{}",
                params.command(),
                other.unwrap_or_default()
            ))
            .at(Some(at.clone())));
        }
        Ok(Finding::passed(format!(
            "con `{}`, la app tiene los valores de {origin}",
            params.command()
        )))
    }
}
