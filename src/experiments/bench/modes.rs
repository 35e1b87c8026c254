//! The project in development, with the override that Compose finds by itself, and in production, without it.

use std::collections::BTreeMap;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Bench, Scene, Setting};
use crate::submission::compose;
use crate::verdict::Finding;

/// A file of the app's code that is run before all else.
const CODE: &str = "app/__init__.py";

/// How the project is brought up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// `docker compose up`: el archivo de Compose y lo que Compose encuentre por su cuenta.
    Desarrollo,
    /// `docker compose -f ARCHIVO up`: solo el archivo de Compose principal.
    Produccion,
}

impl Mode {
    /// As a sentence has it.
    pub fn told(self) -> &'static str {
        match self {
            Self::Desarrollo => "en desarrollo (`docker compose up`)",
            Self::Produccion => {
                "en producción (`docker compose -f ARCHIVO up`, solo con el principal)"
            }
        }
    }
}

impl<'lab> Bench<'lab> {
    /// The surroundings of `mode`; nothing when there is no compose file. The images have the code as it was; around
    /// them it was edited since, and where that code runs the app's version is [`Bench::word`].
    pub fn setting_of(&self, mode: Mode) -> Option<Setting> {
        let edit = format!(
            "\nimport os\nos.environ[\"APP_VERSION\"] = \"{}\"\n",
            self.word()
        );
        let files = match mode {
            Mode::Desarrollo => Vec::new(),
            Mode::Produccion => {
                let found = compose::found_in(&self.outside, "");
                vec![found.into_iter().next()?]
            }
        };
        Some(Setting {
            files,
            edited: BTreeMap::from([(CODE.to_owned(), edit)]),
            ..Setting::default()
        })
    }

    /// The project up in `mode`, once.
    ///
    /// # Errors
    /// The finding that says why it does not come up.
    pub async fn mode(&self, mode: Mode) -> Result<Arc<Scene<'lab>>, Finding> {
        let Some(setting) = self.setting_of(mode) else {
            return Err(Finding::failed(
                "no hay archivo de Compose en la raíz de la entrega",
            ));
        };
        self.scene(&setting).await
    }
}
