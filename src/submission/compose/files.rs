//! Which compose files and which `.env` hold, as `docker compose` finds them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::variables::{EnvRead, Variables};
use super::{ComposeError, Request, Warning, assemble, paths};
use crate::submission::dotenv;
use crate::submission::interpolate;
use crate::submission::location::Location;
use crate::submission::snapshot::Snapshot;
use crate::submission::yaml;

/// In Compose's order of preference.
const NAMES: [&str; 4] = [
    "compose.yaml",
    "compose.yml",
    "docker-compose.yml",
    "docker-compose.yaml",
];
const OVERRIDES: [&str; 4] = [
    "compose.override.yml",
    "compose.override.yaml",
    "docker-compose.override.yml",
    "docker-compose.override.yaml",
];

/// Bytes of a file at most, whatever its name: a snapshot only measures those that it knows to be read.
const MOST_BYTES: usize = 1 << 20;

/// The compose files to read; none when there is none to find.
pub(super) fn compose_files(
    request: &Request,
    environment: &BTreeMap<String, String>,
    warnings: &mut Vec<Warning>,
) -> Result<Vec<String>, ComposeError> {
    if !request.files.is_empty() {
        return named(
            request.snapshot,
            request.files.iter().map(String::as_str),
            "-f",
        );
    }
    if let Some(list) = environment
        .get("COMPOSE_FILE")
        .filter(|list| !list.is_empty())
    {
        let separator = environment
            .get("COMPOSE_PATH_SEPARATOR")
            .map_or(":", String::as_str);
        return named(request.snapshot, list.split(separator), "COMPOSE_FILE");
    }
    let mut files = Vec::new();
    for found in supported(request.snapshot, "") {
        let Some(first) = found.first() else { break };
        if found.len() > 1 {
            let list: Vec<String> = found.iter().map(|name| format!("`{name}`")).collect();
            warnings.push(Warning {
                message: format!(
                    "hay varios archivos de Compose ({}) y solo vale `{first}` (Compose avisa: `Found multiple config files with supported names`): borra los demás",
                    list.join(", ")
                ),
                location: Location::line(first, 1),
            });
        }
        files.push(first.clone());
    }
    Ok(files)
}

/// The compose files that `docker compose` reads when it is called in `folder` (empty: the root).
pub fn found_in(snapshot: &Snapshot, folder: &str) -> Vec<String> {
    supported(snapshot, folder)
        .into_iter()
        .map_while(|found| found.into_iter().next())
        .collect()
}

/// The files of `folder` with a name that Compose looks for, in its order: compose files, and overrides.
fn supported(snapshot: &Snapshot, folder: &str) -> [Vec<String>; 2] {
    [NAMES, OVERRIDES].map(|names| {
        names
            .into_iter()
            .map(|name| paths::join(folder, name))
            .filter(|path| snapshot.file(path).is_some())
            .collect()
    })
}

fn named<'n>(
    snapshot: &Snapshot,
    names: impl Iterator<Item = &'n str>,
    asked_by: &str,
) -> Result<Vec<String>, ComposeError> {
    let find = |name: &str| {
        let path = paths::clean(name);
        match snapshot.file(&path) {
            Some(_) => Ok(path),
            None => Err(ComposeError::Missing {
                message: format!("no existe el archivo `{name}` que pide `{asked_by}`"),
                path,
                location: None,
            }),
        }
    };
    names.map(find).collect()
}

/// The name that `files` give their project, when one of them names the variable that holds it: they are read
/// a second time for it.
pub(super) fn name(
    snapshot: &Snapshot,
    files: &[String],
    environment: &BTreeMap<String, String>,
) -> Option<String> {
    let texts: Vec<(&String, &str)> = files
        .iter()
        .filter_map(|file| Some((file, std::str::from_utf8(snapshot.file(file)?).ok()?)))
        .collect();
    let asks = |(_, text): &(&String, &str)| text.contains("COMPOSE_PROJECT_NAME");
    if !texts.iter().any(asks) {
        return None;
    }
    let lookup = |name: &str| environment.get(name).cloned();
    let named = |(file, text): &(&String, &str)| {
        let roots = yaml::parse(text, file).ok()?;
        let written = roots
            .iter()
            .rev()
            .find_map(|root| root.get("name"))?
            .str()?;
        let name = interpolate::text(written, &lookup).ok()?.text;
        Some(assemble::normal(&name)).filter(|name| !name.is_empty())
    };
    texts.iter().rev().find_map(named)
}

/// The text of a file of the submission, which `location` asks for.
pub(super) fn text<'s>(
    snapshot: &'s Snapshot,
    path: &str,
    location: &Location,
) -> Result<&'s str, ComposeError> {
    let Some(bytes) = snapshot.file(path) else {
        return Err(ComposeError::Missing {
            message: format!("no existe el archivo `{path}` que se nombra en {location}"),
            path: path.to_owned(),
            location: Some(location.clone()),
        });
    };
    if bytes.len() > MOST_BYTES {
        return Err(ComposeError::Invalid {
            message: format!("`{path}` es demasiado grande para leerlo: como mucho, 1 MiB"),
            location: Location::line(path, 1),
        });
    }
    std::str::from_utf8(bytes).map_err(|_| ComposeError::Invalid {
        message: format!("`{path}` no está en UTF-8: guárdalo con esa codificación"),
        location: Location::line(path, 1),
    })
}

/// The variables of the shell over those of the `.env` files.
pub(super) fn environment(
    request: &Request,
    variables: &mut Variables,
) -> Result<BTreeMap<String, String>, ComposeError> {
    let default = [".env".to_owned()];
    let named = !request.env_files.is_empty();
    let files = if named { request.env_files } else { &default };
    let mut environment = BTreeMap::new();
    for file in files {
        let path = paths::clean(file);
        if request.snapshot.file(&path).is_none() {
            if named {
                return Err(ComposeError::Missing {
                    message: format!("no existe el archivo `{file}` que pide `--env-file`"),
                    path,
                    location: None,
                });
            }
            continue;
        }
        variables.read(read_env(
            request.snapshot,
            &path,
            &Location::line(&path, 1),
            request.shell,
            &mut environment,
        )?);
    }
    environment.extend(
        request
            .shell
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    // Compose sets it to the project's folder, from where all paths start here.
    environment
        .entry("PWD".to_owned())
        .or_insert_with(|| ".".to_owned());
    Ok(environment)
}

/// Adds the variables of one file; in it, those of `surroundings` win over its own lines, and these over those
/// read before.
pub(super) fn read_env(
    snapshot: &Snapshot,
    path: &str,
    location: &Location,
    surroundings: &BTreeMap<String, String>,
    into: &mut BTreeMap<String, String>,
) -> Result<EnvRead, ComposeError> {
    let before = into.clone();
    let looked_up = RefCell::new(Vec::new());
    let lookup = |name: &str| {
        looked_up.borrow_mut().push(name.to_owned());
        surroundings.get(name).cloned()
    };
    let fallback = |name: &str| before.get(name).cloned();
    let text = text(snapshot, path, location)?;
    let mut defined = Vec::new();
    for (name, value, location) in dotenv::parse_after(text, path, &lookup, &fallback)? {
        if let Some(value) = value {
            into.insert(name.clone(), value);
        }
        defined.push((name, location));
    }
    Ok(EnvRead {
        path: path.to_owned(),
        defined,
        looked_up: looked_up.into_inner(),
    })
}
