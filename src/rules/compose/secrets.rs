//! Secrets in compose files.

use std::collections::BTreeSet;

use super::address::addresses;
use super::written;
use crate::rules::{Out, Rule, Topic};
use crate::submission::compose::{Located, Provider, Service};
use crate::submission::{Location, Reading};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Secretos en Compose",
    rules: &RULES,
};

static RULES: [Rule; 6] = [
    Rule {
        id: "secreto-en-compose",
        title: "un secreto está escrito en el archivo de Compose",
        level: Level::Warning,
        why: "El archivo de Compose suele ir a git, y el valor se ve en `docker inspect` y en el entorno de cada proceso.",
        fix: "dáselo al servicio en un archivo, con `secrets`, o al menos escribe `${NOMBRE:?falta NOMBRE}` y pon el valor en un `.env` que no vaya a git",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &["kics a88baa34"],
        wrong: &[(
            "compose.yaml",
            "services:\n  panel:\n    image: grafana/grafana:11.2.0\n    environment:\n      GF_SECURITY_ADMIN_PASSWORD: admin123\n      DATABASE_URL: postgresql://panel:s3creta@base/panel\n",
        )],
        right: &[
            (
                "compose.yaml",
                "services:\n  panel:\n    image: grafana/grafana:11.2.0\n    environment:\n      GF_SECURITY_ADMIN_PASSWORD__FILE: /run/secrets/panel\n      DATABASE_URL: postgresql://panel:${CLAVE:-}@base/panel\n    secrets: [panel]\nsecrets:\n  panel:\n    file: panel.txt\n",
            ),
            ("panel.txt", "una-clave\n"),
        ],
        check: in_environment,
    },
    Rule {
        id: "secreto-en-la-construccion",
        title: "un secreto llega a la construcción como argumento",
        level: Level::Warning,
        why: "Los argumentos de construcción quedan en el historial de la imagen: `docker history` los enseña a quien la tenga.",
        fix: "pásalo con `build.secrets` y léelo con `RUN --mount=type=secret`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &["BuildKit SecretsUsedInArgOrEnv"],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    build:\n      context: .\n      args:\n        PIP_TOKEN: ${PIP_TOKEN:-}\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    build:\n      context: .\n      secrets: [pip_token]\nsecrets:\n  pip_token:\n    environment: PIP_TOKEN\n",
        )],
        check: in_build,
    },
    Rule {
        id: "secreto-en-la-orden",
        title: "un secreto está escrito en la orden de un servicio",
        level: Level::Warning,
        why: "La orden se ve en `docker ps`, en `docker inspect` y en la lista de procesos de tu máquina, y el archivo suele ir a git.",
        fix: "dáselo en un archivo, con `secrets`, o en la variable de entorno que el programa lea",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  cache:\n    image: redis:7.4\n    command: redis-server --requirepass s3creta\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  cache:\n    image: redis:7.4\n    command: redis-server /usr/local/etc/redis/redis.conf\n",
        )],
        check: in_command,
    },
    Rule {
        id: "secreto-sin-conceder",
        title: "se declara un secreto que ningún servicio recibe",
        level: Level::Warning,
        why: "Declararlo no basta: solo aparece en `/run/secrets` de los servicios que lo piden.",
        fix: "añade `secrets: [nombre]` al servicio que lo lee, o quítalo",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\nsecrets:\n  clave:\n    file: clave.txt\n",
            ),
            ("clave.txt", "una-clave\n"),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n    secrets: [clave]\nsecrets:\n  clave:\n    file: clave.txt\n",
            ),
            ("clave.txt", "una-clave\n"),
        ],
        check: never_granted,
    },
    Rule {
        id: "archivo-de-secreto-que-falta",
        title: "el archivo de un secreto no está en la carpeta",
        level: Level::Note,
        why: "Está bien que no vaya a git, pero sin él Docker no crea el contenedor: «bind source path does not exist».",
        fix: "créalo antes de arrancar, y explica en el README cómo",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    secrets: [clave]\nsecrets:\n  clave:\n    file: clave.txt\n",
        )],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n    secrets: [clave]\nsecrets:\n  clave:\n    file: clave.txt\n",
            ),
            ("clave.txt", "una-clave\n"),
        ],
        check: missing,
    },
    Rule {
        id: "ruta-de-un-secreto-que-no-recibe",
        title: "una variable nombra un secreto que el servicio no recibe",
        level: Level::Warning,
        why: "En `/run/secrets` solo están los secretos que el servicio pide: el programa no encuentra el archivo.",
        fix: "añade el secreto a `secrets` del servicio, o corrige la ruta",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  base:\n    image: postgres:17\n    environment:\n      POSTGRES_PASSWORD_FILE: /run/secrets/clave_bd\n    secrets: [clave]\nsecrets:\n  clave:\n    file: clave.txt\n",
            ),
            ("clave.txt", "una-clave\n"),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  base:\n    image: postgres:17\n    environment:\n      POSTGRES_PASSWORD_FILE: /run/secrets/clave\n    secrets: [clave]\nsecrets:\n  clave:\n    file: clave.txt\n",
            ),
            ("clave.txt", "una-clave\n"),
        ],
        check: path,
    },
];

/// Whether a variable of that name holds a secret.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let words: Vec<&str> = name
        .split(['_', '-', '.'])
        .filter(|word| !word.is_empty())
        .collect();
    let Some((last, before)) = words.split_last() else {
        return false;
    };
    let kind = before.last().copied().unwrap_or_default();
    let harmless = [
        "ALLOW", "RANDOM", "EMPTY", "DISABLE", "ENABLE", "USE", "REQUIRE", "PUBLIC",
    ];
    if before.iter().any(|word| harmless.contains(word)) {
        return false;
    }
    match *last {
        "KEY" => [
            "ACCESS",
            "API",
            "AUTH",
            "ENCRYPTION",
            "JWT",
            "MASTER",
            "PRIVATE",
            "SECRET",
            "SIGNING",
        ]
        .contains(&kind),
        word => {
            [
                "APIKEY",
                "PASS",
                "PASSPHRASE",
                "PASSWD",
                "PASSWORD",
                "PWD",
                "SECRET",
                "TOKEN",
            ]
            .contains(&word)
                && name != "PWD"
                && name != "OLDPWD"
        }
    }
}

/// Whether a value may be a secret: no switch, no path, no address, no number that only counts.
fn may_be_secret(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let switch = [
        "", "true", "false", "yes", "no", "on", "off", "0", "1", "none", "null",
    ];
    !switch.contains(&lower.as_str())
        && !value.starts_with(['/', '.', '<', '{'])
        && !value.contains("://")
        && !value.contains(char::is_whitespace)
}

fn in_environment(reading: &Reading, out: &mut Out<'_>) {
    for (_, loaded, service) in reading.services() {
        for (name, variable) in &service.environment {
            let Some(value) = &variable.value else {
                continue;
            };
            let at = &variable.location;
            if !loaded.project.files.contains(&at.file) || !written::is_literal(reading, at) {
                continue;
            }
            let address = addresses(value).find(|address| {
                let password = address.password.unwrap_or_default();
                !password.is_empty() && !password.starts_with(['<', '{'])
            });
            if is_secret(name) && may_be_secret(value) {
                out.at(
                    at.clone(),
                    format!("el valor de `{name}` está escrito en el archivo"),
                );
            } else if address.is_some() {
                out.at(
                    at.clone(),
                    format!("`{name}` lleva la contraseña escrita en la dirección"),
                );
            }
        }
    }
}

fn in_build(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        let args = service.build.iter().flat_map(|build| &build.args);
        for (name, value) in args {
            let given = value.value.as_deref();
            let leaks = is_secret(name)
                && given.is_none_or(|value| value.is_empty() || may_be_secret(value));
            if leaks {
                let message = format!(
                    "`{name}` queda en el historial de la imagen de `{}`",
                    service.name
                );
                out.at(value.location.clone(), message);
            }
        }
    }
}

fn in_command(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        let Some(command) = &service.command else {
            continue;
        };
        if !written::is_literal(reading, &command.location) {
            continue;
        }
        for (index, word) in command.words.iter().enumerate() {
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) => (flag, Some(value)),
                None => (
                    word.as_str(),
                    command.words.get(index + 1).map(String::as_str),
                ),
            };
            let secret = matches!(
                flag,
                "--requirepass" | "--masterauth" | "--password" | "--passwd"
            );
            let value = value.filter(|value| {
                may_be_secret(value) && !value.starts_with('-') && !value.contains('$')
            });
            if secret && value.is_some() {
                let message = format!("la contraseña de `{flag}` está escrita en la orden");
                out.at(command.location.clone(), message);
            }
        }
    }
}

fn never_granted(reading: &Reading, out: &mut Out<'_>) {
    let granted: BTreeSet<&Location> = reading
        .loaded()
        .map(|loaded| &loaded.project)
        .flat_map(|project| {
            let services = project.services.values().chain(project.inactive.values());
            let grants = services.flat_map(|service| {
                let build = service.build.iter().flat_map(|build| &build.secrets);
                service.secrets.iter().chain(build)
            });
            grants.filter_map(|grant| Some(&project.secrets.get(&grant.source)?.location))
        })
        .collect();
    for (name, secret) in reading
        .loaded()
        .map(|loaded| &loaded.project)
        .flat_map(|project| &project.secrets)
    {
        if !granted.contains(&secret.location) {
            let message = format!("ningún servicio recibe el secreto `{name}`");
            out.at(secret.location.clone(), message);
        }
    }
}

fn missing(reading: &Reading, out: &mut Out<'_>) {
    if reading.snapshot.is_partial() {
        return;
    }
    for (name, secret) in reading
        .loaded()
        .map(|loaded| &loaded.project)
        .flat_map(|project| &project.secrets)
    {
        let Located {
            value: Provider::File(path),
            location,
        } = &secret.provider
        else {
            continue;
        };
        let inside = !path.starts_with(['/', '~']) && !path.starts_with("..");
        if inside && written::is_literal(reading, location) && !reading.snapshot.contains(path) {
            let message =
                format!("`{path}`, el archivo del secreto `{name}`, no está en la carpeta");
            out.at(location.clone(), message);
        }
    }
}

/// Whether a service gets `path` from outside.
fn has_secret(service: &Service, path: &str) -> bool {
    let mut granted = service.secrets.iter().map(|grant| grant.secret_path());
    let mut mounts = service.volumes.iter().map(|mount| mount.target.as_str());
    let mut configs = service.configs.iter().map(|grant| grant.config_path());
    granted.any(|other| other == path)
        || configs.any(|other| other == path)
        || mounts.any(|target| path.starts_with(target))
        || service
            .other
            .iter()
            .any(|(key, _)| key == "credential_spec")
}

fn path(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        for (name, variable) in &service.environment {
            let value = variable.value.as_deref().unwrap_or_default();
            let Some(secret) = value.strip_prefix("/run/secrets/") else {
                continue;
            };
            let whole = !secret.is_empty() && !secret.contains([':', ' ', ',', '$']);
            if whole
                && written::is_literal(reading, &variable.location)
                && !has_secret(service, value)
            {
                let message = format!(
                    "`{}` no recibe el secreto `{secret}` que nombra `{name}`",
                    service.name
                );
                out.at(variable.location.clone(), message);
            }
        }
    }
}

#[cfg(test)]
mod unit {
    use super::{is_secret, may_be_secret};

    #[test]
    fn a_secret_is_known_by_the_end_of_its_name() {
        for name in [
            "POSTGRES_PASSWORD",
            "API_KEY",
            "JWT_SECRET",
            "github_token",
            "DB_PASS",
            "AWS_SECRET_ACCESS_KEY",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "POSTGRES_PASSWORD_FILE",
            "MAX_TOKENS",
            "TOKEN_TTL",
            "PUBLIC_KEY",
            "AWS_ACCESS_KEY_ID",
            "SECRET_NAME",
            "MYSQL_ALLOW_EMPTY_PASSWORD",
            "MYSQL_RANDOM_ROOT_PASSWORD",
            "PWD",
            "KEY",
            "BYPASS",
            "CACHE_KEY",
        ] {
            assert!(!is_secret(name), "{name}");
        }
        for value in ["", "yes", "/run/secrets/x", "https://x/token", "<tu clave>"] {
            assert!(!may_be_secret(value), "{value}");
        }
        assert!(may_be_secret("postgres"));
    }
}
