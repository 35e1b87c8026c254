//! Which compose files and which `.env` hold, as `docker compose` finds them.

use std::collections::BTreeMap;

use super::{ComposeError, Request, Warning, paths};
use crate::submission::dotenv;
use crate::submission::location::Location;
use crate::submission::snapshot::Snapshot;

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
    std::str::from_utf8(bytes).map_err(|_| ComposeError::Invalid {
        message: format!("`{path}` no está en UTF-8: guárdalo con esa codificación"),
        location: Location::line(path, 1),
    })
}

/// The variables of the shell over those of the `.env` files.
pub(super) fn environment(request: &Request) -> Result<BTreeMap<String, String>, ComposeError> {
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
        read_env(
            request.snapshot,
            &path,
            &Location::line(&path, 1),
            request.shell,
            &mut environment,
        )?;
    }
    environment.extend(
        request
            .shell
            .iter()
            .map(|(name, value)| (name.clone(), value.clone())),
    );
    Ok(environment)
}

/// Adds the variables of one file; those of `surroundings` and those read before can be used in it.
pub(super) fn read_env(
    snapshot: &Snapshot,
    path: &str,
    location: &Location,
    surroundings: &BTreeMap<String, String>,
    into: &mut BTreeMap<String, String>,
) -> Result<(), ComposeError> {
    let before = into.clone();
    let lookup = |name: &str| surroundings.get(name).or_else(|| before.get(name)).cloned();
    for (name, value, _) in dotenv::parse(text(snapshot, path, location)?, path, &lookup)? {
        if let Some(value) = value {
            into.insert(name, value);
        }
    }
    Ok(())
}
