//! Files of variables, and who reads them.

use std::collections::{BTreeMap, BTreeSet};

use super::env::{folder_of, names, projects};
use super::written;
use crate::rules::{Out, Rule, Topic};
use crate::submission::compose::{Loaded, Provider, Service};
use crate::submission::snapshot::Entry;
use crate::submission::{Location, Reading};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Archivos de variables",
    rules: &RULES,
};

static RULES: [Rule; 3] = [
    Rule {
        id: "env-que-nadie-lee",
        title: "Compose no usa una variable de `.env`",
        level: Level::Note,
        why: "Compose lee `.env` solo para sustituir `${…}` en sus archivos. A un contenedor no le llega nada de ahí si no lo dicen `env_file` o `environment`.",
        fix: "añade `env_file: .env` al servicio, o nómbrala en `environment`: `NOMBRE: ${NOMBRE}`",
        lesson: "06-entorno.html#archivo-env",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n",
            ),
            (".env", "LOG_LEVEL=DEBUG\n"),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n    env_file: .env\n",
            ),
            (".env", "LOG_LEVEL=DEBUG\n"),
        ],
        check: unread,
    },
    Rule {
        id: "environment-gana-a-env-file",
        title: "una variable de `env_file` no vale: `environment` dice otra cosa",
        level: Level::Note,
        why: "`environment` gana a `env_file`: cambiar el valor en el archivo no tiene efecto.",
        fix: "deja la variable en uno solo de los dos sitios",
        lesson: "06-entorno.html#usar-en-docker-compose",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n    env_file: api.env\n    environment:\n      LOG_LEVEL: INFO\n",
            ),
            ("api.env", "LOG_LEVEL=DEBUG\n"),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n    env_file: api.env\n",
            ),
            ("api.env", "LOG_LEVEL=DEBUG\n"),
        ],
        check: overridden,
    },
    Rule {
        id: "env-por-entorno-sin-usar",
        title: "un archivo `.env.…` que ningún servicio recibe",
        level: Level::Note,
        why: "`--env-file` solo alimenta los `${…}` de los archivos de Compose: al contenedor le sigue llegando lo que diga `env_file`.",
        fix: "nómbralo con una variable, `env_file: .env.${ENTORNO:-development}`, o usa `${…}` en `environment`",
        lesson: "06-entorno.html#multiples-entornos",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n    env_file: .env\n",
            ),
            (".env", "LOG_LEVEL=DEBUG\n"),
            (".env.production", "LOG_LEVEL=WARNING\n"),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n    env_file: .env.${ENTORNO:-production}\n",
            ),
            (".env.production", "LOG_LEVEL=WARNING\n"),
        ],
        check: per_environment,
    },
];

fn unread(reading: &Reading, out: &mut Out<'_>) {
    // A project that could not be read may use it.
    if reading
        .projects
        .iter()
        .any(|project| project.loaded.is_none())
    {
        return;
    }
    let named: BTreeSet<&str> = projects(reading)
        .flat_map(|(_, loaded)| &loaded.variables)
        .map(|usage| usage.name.as_str())
        .collect();
    let settings = ["COMPOSE_", "DOCKER_", "BUILDKIT_", "BUILDX_"];
    let used =
        |name: &str| named.contains(name) || settings.iter().any(|start| name.starts_with(start));
    let mut files: BTreeMap<&str, Vec<&(String, Location)>> = BTreeMap::new();
    for (_, loaded) in projects(reading) {
        for variable in &loaded.dotenv {
            let known = files.entry(&variable.1.file).or_default();
            if !known.contains(&variable) {
                known.push(variable);
            }
        }
    }
    for (path, variables) in files {
        if is_given(reading, path) {
            continue;
        }
        let lost: Vec<_> = variables.iter().filter(|(name, _)| !used(name)).collect();
        if let [(_, at), _, ..] = lost.as_slice()
            && lost.len() == variables.len()
        {
            let message = format!(
                "Compose no usa ninguna de las {} variables de este archivo",
                lost.len()
            );
            out.at(at.clone(), message).level(Level::Warning);
            continue;
        }
        for (name, at) in lost {
            out.at(
                at.clone(),
                format!("Compose no usa `{name}` en ningún sitio"),
            );
        }
    }
}

/// Whether some service gets the file itself.
fn is_given(reading: &Reading, path: &str) -> bool {
    let mounted = |service: &Service| {
        let mut mounts = service.volumes.iter();
        mounts.any(|mount| mount.source.as_deref() == Some(path))
    };
    let read = |service: &Service| service.env_file.iter().any(|file| file.path == path);
    let provided = |loaded: &Loaded| {
        let project = &loaded.project;
        let mut provided = project.secrets.values().chain(project.configs.values());
        provided.any(|given| matches!(&given.provider.value, Provider::File(file) if file == path))
    };
    let mut services = reading.services().map(|(_, _, service)| service);
    services.any(|service| read(service) || mounted(service))
        || projects(reading).any(|(_, loaded)| provided(loaded))
}

fn overridden(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        for file in service
            .env_file
            .iter()
            .filter(|file| file.present && !file.raw)
        {
            for (name, value, at) in names(reading, &file.path) {
                let Some(winner) = service.environment.get(&name) else {
                    continue;
                };
                let from_files = service
                    .env_file
                    .iter()
                    .any(|file| file.path == winner.location.file);
                let literal = written::is_literal(reading, &winner.location)
                    && !written::rest(reading, &at).contains('$');
                if !from_files && literal && value.is_some() && winner.value != value {
                    let message = format!(
                        "`environment` de `{}` le da otro valor a `{name}`",
                        service.name
                    );
                    let finding = out.at(at, message);
                    finding.related(winner.location.clone(), "este es el que vale");
                }
            }
        }
    }
}

fn per_environment(reading: &Reading, out: &mut Out<'_>) {
    const SAMPLES: [&str; 9] = [
        "example",
        "sample",
        "template",
        "dist",
        "local",
        "test",
        "ejemplo",
        "plantilla",
        "vault",
    ];
    for (folder, loaded) in projects(reading) {
        let project = &loaded.project;
        let services = || project.services.values();
        // Only who gives files to services is told which files those are.
        if !services().any(|service| !service.env_file.is_empty()) {
            continue;
        }
        let by_name =
            |path: &str| services().any(|s| s.env_file.iter().any(|file| file.path == path));
        let by_variable = services().any(|service| {
            let mut files = service.env_file.iter();
            files.any(|file| written::rest(reading, &file.location).contains('$'))
        });
        for (path, entry) in reading.snapshot.entries() {
            let name = path.rsplit('/').next().unwrap_or(path);
            let Some(environment) = name.strip_prefix(".env.") else {
                continue;
            };
            let sample = environment.split('.').any(|part| SAMPLES.contains(&part));
            let named_in_text = reading
                .projects
                .iter()
                .flat_map(|project| &project.files)
                .any(|file| reading.text(file).contains(name));
            if folder_of(path) != folder
                || !matches!(entry, Entry::File { .. })
                || sample
                || by_variable
                || by_name(path)
                || named_in_text
            {
                continue;
            }
            let fed = names(reading, path).iter().any(|(name, ..)| {
                project
                    .files
                    .iter()
                    .any(|file| reading.text(file).contains(&format!("${{{name}")))
            });
            if !fed {
                let message = format!("ningún servicio recibe `{name}`, tampoco con `--env-file`");
                out.at(Location::line(path, 1), message);
            }
        }
    }
}
