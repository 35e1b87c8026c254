//! What `env_file` and `label_file` add to a service.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::fields::Read;
use super::variables::Variables;
use super::{ComposeError, Located, Project, Service, files, paths};
use crate::submission::dotenv;
use crate::submission::interpolate::Lookup;
use crate::submission::location::Location;
use crate::submission::snapshot::Snapshot;
use crate::submission::yaml::Node;

/// Files of `env_file` at most, all services together.
const MOST_FILES: usize = 100;

/// Completes `environment` of every active service with its files: what `environment` says wins, later files
/// win over earlier ones.
pub(super) fn complete(
    project: &mut Project,
    snapshot: &Snapshot,
    variables: &mut Variables,
) -> Read<()> {
    let surroundings = &project.environment;
    let mut files = 0;
    for service in project.services.values_mut() {
        files += service.env_file.len();
        if let Some(file) = service.env_file.last().filter(|_| files > MOST_FILES) {
            let message = format!("el proyecto nombra más de {MOST_FILES} archivos en `env_file`");
            return super::fields::excessive(&file.location, message);
        }
        read_env_files(service, snapshot, surroundings, variables)?;
        read_label_files(service, snapshot, surroundings)?;
    }
    Ok(())
}

fn read_env_files(
    service: &mut Service,
    snapshot: &Snapshot,
    surroundings: &BTreeMap<String, String>,
    known: &mut Variables,
) -> Read<()> {
    let mut from_files: BTreeMap<String, Located<Option<String>>> = BTreeMap::new();
    for file in &mut service.env_file {
        let path = paths::inside("", &file.path, &file.location)?;
        file.present = snapshot.file(&path).is_some();
        file.path = path;
        if !file.present {
            if file.required {
                return Err(ComposeError::Missing {
                    message: format!(
                        "{}: no existe el archivo `{}` que pide `env_file` del servicio `{}`: créalo, o pon `required: false`",
                        file.location, file.path, service.name
                    ),
                    path: file.path.clone(),
                    location: Some(file.location.clone()),
                });
            }
            continue;
        }
        let content = files::text(snapshot, &file.path, &file.location)?;
        let own = &service.environment;
        let looked_up = RefCell::new(Vec::new());
        let lookup = |name: &str| {
            looked_up.borrow_mut().push(name.to_owned());
            let written = || own.get(name).and_then(|variable| variable.value.clone());
            surroundings.get(name).cloned().or_else(written)
        };
        let before = |name: &str| {
            from_files
                .get(name)
                .and_then(|variable| variable.value.clone())
        };
        let variables = if file.raw {
            raw(content, &file.path, &lookup)?
        } else {
            dotenv::parse_after(content, &file.path, &lookup, &before)?
        };
        let start = Location::line(&file.path, 1);
        for name in looked_up.into_inner() {
            known.bare(&name, &start);
        }
        for (name, value, location) in variables {
            file.variables.push((name.clone(), location.clone()));
            if value.is_some() {
                from_files.insert(name, Located { value, location });
            }
        }
    }
    for (name, variable) in from_files {
        service.environment.entry(name).or_insert(variable);
    }
    Ok(())
}

/// `format: raw`: `NAME=value` lines as `docker run --env-file` takes them, without quotes or variables.
fn raw(text: &str, file: &str, lookup: &Lookup) -> Read<Vec<dotenv::Variable>> {
    let mut variables = Vec::new();
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let location = Location::line(file, index + 1);
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name, Some(value.to_owned())),
            None => (line, lookup(line)),
        };
        if name.is_empty() || name.contains(char::is_whitespace) {
            return super::fields::invalid(
                &location,
                format!(
                    "`{name}` no sirve como nombre de variable: escribe `NOMBRE=valor`, sin espacios ni `export` (el archivo se lee con `format: raw`)"
                ),
            );
        }
        variables.push((name.to_owned(), value, location));
    }
    Ok(variables)
}

fn read_label_files(
    service: &mut Service,
    snapshot: &Snapshot,
    surroundings: &BTreeMap<String, String>,
) -> Read<()> {
    let named = service.other.iter().find(|(key, _)| key == "label_file");
    let named: Vec<Node> = named
        .and_then(|(_, node)| node.seq())
        .unwrap_or_default()
        .to_vec();
    let mut from_files: BTreeMap<String, Located<String>> = BTreeMap::new();
    for node in named {
        let Some(path) = super::fields::text(&node) else {
            continue;
        };
        let path = paths::inside("", &path, &node.location)?;
        let content = files::text(snapshot, &path, &node.location)?;
        for (name, value, location) in
            dotenv::parse(content, &path, &|name| surroundings.get(name).cloned())?
        {
            let value = value.unwrap_or_default();
            from_files.insert(name, Located { value, location });
        }
    }
    for (name, label) in from_files {
        service.labels.entry(name).or_insert(label);
    }
    Ok(())
}
