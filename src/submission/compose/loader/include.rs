//! `include`: other projects, each with its own folder and `.env`.

use super::{Environment, Loader, MOST_LEVELS};
use crate::submission::compose::fields::{Fields, Read, invalid, text};
use crate::submission::compose::merge::merge;
use crate::submission::compose::{Warning, files, paths};
use crate::submission::location::Location;
use crate::submission::yaml::{Node, Value};

impl Loader<'_> {
    /// Adds what the files of `include` define.
    pub(super) fn include(
        &mut self,
        document: &mut Node,
        dir: &str,
        environment: &Environment,
        level: usize,
    ) -> Read<()> {
        let include = match &mut document.value {
            Value::Map(fields) => {
                let at = fields.iter().position(|field| field.key == "include");
                at.map(|at| fields.remove(at))
            }
            _ => None,
        };
        let Some(include) = include else {
            return Ok(());
        };
        for entry in include.value.seq().unwrap_or_default() {
            if level >= MOST_LEVELS {
                return invalid(
                    &entry.location,
                    "`include` da vueltas: un archivo acaba incluyéndose a sí mismo",
                );
            }
            let mut options = Fields::of(entry);
            let written = match text(entry) {
                Some(path) => vec![(path, entry.location.clone())],
                None => options
                    .texts("path")
                    .into_iter()
                    .map(|p| (p.value, p.location))
                    .collect(),
            };
            let mut files = Vec::new();
            for (path, location) in written {
                files.push((paths::inside(dir, &path, &location)?, location));
            }
            let Some((first, asked)) = files.first().cloned() else {
                return invalid(
                    &entry.location,
                    "a esta entrada de `include` le falta `path`",
                );
            };
            let inner_dir = match options.text("project_directory")? {
                Some(folder) => paths::inside(dir, &folder.value, &folder.location)?,
                None => paths::folder(&first).to_owned(),
            };
            let inner =
                self.included_environment(&mut options, dir, &inner_dir, &asked, environment)?;
            for (key, value) in options.rest() {
                self.warnings.push(Warning {
                    message: format!(
                        "Compose no conoce la clave `{key}` en `include` y no dice nada: revisa el nombre (`path`, `project_directory` o `env_file`)"
                    ),
                    location: value.location,
                });
            }
            let included = self.load(&files, &inner_dir, &inner, level + 1)?;
            import(document, included);
        }
        Ok(())
    }

    fn included_environment(
        &mut self,
        options: &mut Fields,
        dir: &str,
        inner_dir: &str,
        asked: &Location,
        environment: &Environment,
    ) -> Read<Environment> {
        let mut own = Environment::new();
        let named = options.texts("env_file");
        if named.is_empty() {
            let default = paths::join(inner_dir, ".env");
            if self.snapshot.file(&default).is_some() {
                let read = files::read_env(self.snapshot, &default, asked, environment, &mut own)?;
                self.variables.read(read);
            }
        }
        for file in named {
            let path = paths::inside(dir, &file.value, &file.location)?;
            let read =
                files::read_env(self.snapshot, &path, &file.location, environment, &mut own)?;
            self.variables.read(read);
        }
        own.extend(
            environment
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        Ok(own)
    }
}

/// Puts what an included file defines below `document`, which may add to it.
fn import(document: &mut Node, mut included: Node) {
    if let Value::Map(sections) = &mut included.value {
        sections.retain(|section| {
            [
                "services", "networks", "volumes", "secrets", "configs", "models",
            ]
            .contains(&section.key.as_str())
        });
    }
    let location = document.location.clone();
    let own = std::mem::replace(document, Node::text(None, location.clone()));
    *document = Node {
        location,
        ..merge(included, own, "")
    };
}
