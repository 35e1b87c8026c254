//! Variables: `.env`, `env_file`, `environment` and `${…}`.

use std::collections::{BTreeMap, BTreeSet};

use super::written;
use crate::rules::{Out, Rule, Topic};
use crate::submission::compose::{Loaded, Service};
use crate::submission::{Location, Reading, dotenv};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Variables de entorno",
    rules: &RULES,
};

static RULES: [Rule; 4] = [
    Rule {
        id: "variable-de-compose-sin-definir",
        title: "`${VARIABLE}` no está definida y no tiene valor por defecto",
        level: Level::Warning,
        why: "Compose pone un texto vacío en su lugar y solo avisa: el servicio arranca con una configuración a medias.",
        fix: "defínela en `.env`, dale un valor, `${NOMBRE:-valor}`, o exígela, `${NOMBRE:?falta NOMBRE}`; un dólar que no es variable se escribe `$$`",
        lesson: "06-entorno.html#usar-en-docker-compose",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    environment:\n      MODEL_NAME: ${MODEL_NAME}\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    environment:\n      MODEL_NAME: ${MODEL_NAME:-iris}\n",
        )],
        check: undefined,
    },
    Rule {
        id: "comillas-en-el-valor",
        title: "las comillas quedan dentro del valor",
        level: Level::Warning,
        why: "En la forma de lista, `- A=\"x\"`, YAML no quita esas comillas: el programa recibe `\"x\"`, con ellas.",
        fix: "quita las comillas, o rodea con ellas toda la entrada: `- \"A=x\"`",
        lesson: "06-entorno.html#usar-en-docker-compose",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    environment:\n      - APP_NAME=\"ML API\"\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    environment:\n      - APP_NAME=ML API\n",
        )],
        check: quotes,
    },
    Rule {
        id: "variable-con-guion",
        title: "el nombre de una variable lleva un guion",
        level: Level::Note,
        why: "Un shell solo lee nombres de letras, cifras y `_`: para él, `$MI-VAR` es `$MI` seguido de `-VAR`.",
        fix: "cambia cada guion por `_`",
        lesson: "06-entorno.html#archivo-env",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    environment:\n      LOG-LEVEL: INFO\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    environment:\n      LOG_LEVEL: INFO\n",
        )],
        check: strange,
    },
    Rule {
        id: "obligatoria-que-admite-vacia",
        title: "`${VARIABLE?mensaje}` acepta una variable vacía",
        level: Level::Note,
        why: "Sin los dos puntos, Compose solo exige que la variable exista: con `NOMBRE=` en `.env` sigue adelante con un texto vacío.",
        fix: "escribe `:?` en lugar de `?`",
        lesson: "06-entorno.html#usar-en-docker-compose",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n    environment:\n      MODEL_NAME: ${MODEL_NAME?falta MODEL_NAME}\n",
            ),
            (".env", "MODEL_NAME=iris\n"),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n    environment:\n      MODEL_NAME: ${MODEL_NAME:?falta MODEL_NAME}\n",
            ),
            (".env", "MODEL_NAME=iris\n"),
        ],
        check: may_be_empty,
    },
];

pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Every project that could be read, with the folder in which `docker compose` is called.
pub(super) fn projects(reading: &Reading) -> impl Iterator<Item = (&str, &Loaded)> {
    reading.projects.iter().filter_map(|project| {
        let first = project.files.first()?;
        Some((folder_of(first), project.loaded.as_ref()?))
    })
}

/// The names of the variables in `path`, wherever they come from; none when it cannot be read.
pub(super) fn names(reading: &Reading, path: &str) -> Vec<dotenv::Variable> {
    dotenv::parse(reading.text(path), path, &|_| None).unwrap_or_default()
}

/// Files in `folder` that show which variables an environment needs: `.env.example` and the like, and other
/// environments'.
fn documented(reading: &Reading, folder: &str) -> BTreeSet<String> {
    reading
        .snapshot
        .entries()
        .map(|(path, _)| path)
        .filter(|path| folder_of(path) == folder && is_env_file(path))
        .flat_map(|path| names(reading, path).into_iter().map(|(name, ..)| name))
        .collect()
}

fn is_env_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with(".env")
        || name.starts_with("env.")
        || name.ends_with(".env")
        || name.contains(".env.")
}

fn undefined(reading: &Reading, out: &mut Out<'_>) {
    const OF_THE_SHELL: [&str; 7] = ["HOME", "HOSTNAME", "PATH", "PWD", "SHELL", "TERM", "USER"];
    for (folder, loaded) in projects(reading) {
        let known = documented(reading, folder);
        let mut places: BTreeMap<&Location, BTreeSet<&str>> = BTreeMap::new();
        for usage in loaded
            .variables
            .iter()
            .filter(|usage| usage.found.is_none())
        {
            let name = usage.name.as_str();
            if !usage.guarded && !OF_THE_SHELL.contains(&name) && !known.contains(name) {
                places.entry(&usage.location).or_default().insert(name);
            }
        }
        for (at, names) in places {
            let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let message = match list.as_slice() {
                [name] => format!(
                    "{name} no está en `.env` ni tiene otro valor: si tu shell no la define, queda vacía"
                ),
                _ => format!(
                    "{} no están en `.env` ni tienen otro valor: si tu shell no las define, quedan vacías",
                    list.join(", ")
                ),
            };
            out.at(at.clone(), message);
        }
    }
}

/// The variables of every service that its compose files write.
fn variables(reading: &Reading) -> impl Iterator<Item = (&Service, &str, Option<&str>, &Location)> {
    reading.services().flat_map(|(_, loaded, service)| {
        let own = |at: &Location| loaded.project.files.contains(&at.file);
        let variables = service
            .environment
            .iter()
            .filter(move |(_, value)| own(&value.location));
        variables.map(move |(name, value)| {
            (
                service,
                name.as_str(),
                value.value.as_deref(),
                &value.location,
            )
        })
    })
}

fn quotes(reading: &Reading, out: &mut Out<'_>) {
    for (_, name, value, at) in variables(reading) {
        let value = value.unwrap_or_default();
        let quoted = ['"', '\''].into_iter().find(|quote| {
            value.len() > 1
                && value.starts_with(*quote)
                && value.ends_with(*quote)
                && value.matches(*quote).count() == 2
        });
        let rest = written::rest(reading, at);
        let item = format!("{name}={value}");
        let Some(quote) = quoted.filter(|_| rest.contains(&item)) else {
            continue;
        };
        let bare = value.trim_matches(quote);
        let finding = out.at(
            at.clone(),
            format!("`{name}` vale `{value}`, con las comillas"),
        );
        if rest.trim_end() == item && !bare.contains([':', '#']) {
            let end = written::behind(at, item.chars().count());
            finding.patch(at.clone(), end, format!("{name}={bare}"));
        }
    }
}

fn strange(reading: &Reading, out: &mut Out<'_>) {
    for (service, name, _, at) in variables(reading) {
        // Programs of the Java world read their settings so.
        let dotted = name.contains('.');
        if name.contains('-')
            && !dotted
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        {
            let message = format!("en `{}`, ningún shell puede leer `{name}`", service.name);
            out.at(at.clone(), message);
        }
    }
}

fn may_be_empty(reading: &Reading, out: &mut Out<'_>) {
    let places = reading.loaded().flat_map(|loaded| &loaded.variables);
    for usage in places.filter(|usage| usage.guarded) {
        let rest = written::rest(reading, &usage.location);
        let form = format!("${{{}?", usage.name);
        if rest.contains(&form) && !rest.contains(&format!("${form}")) {
            let message = format!(
                "`{}` puede estar vacía: solo se exige que exista",
                usage.name
            );
            out.at(usage.location.clone(), message);
        }
    }
}
