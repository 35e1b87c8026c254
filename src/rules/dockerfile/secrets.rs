//! Secrets that a Dockerfile gives away.

use super::variables::{names_in, pairs};
use crate::rules::folder::late_removal;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::Kind;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Secretos en el Dockerfile",
    rules: &RULES,
};

static RULES: [Rule; 3] = [
    Rule {
        id: "secreto-en-la-imagen",
        title: "un secreto queda escrito en la imagen",
        level: Level::Error,
        why: "Lo que dicen `ENV` y `ARG` se lee con `docker inspect` o `docker history`, y el Dockerfile suele acabar en un repositorio.",
        fix: "quítalo de aquí y cámbialo por otro, porque ya no es secreto; dáselo al contenedor al arrancar (`docker run -e`, `env_file`, `secrets`) o, si hace falta al construir, con `RUN --mount=type=secret`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[
            "BuildKit SecretsUsedInArgOrEnv",
            "hadolint DL3064",
            "trivy DS-0031",
            "dockle CIS-DI-0010",
            "kics a88baa34",
            "CIS 4.10",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV DB_PASSWORD=s3cr3t0-9f2\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV DB_PASSWORD=\"\" DB_PASSWORD_FILE=/run/secrets/db\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: secret,
    },
    Rule {
        id: "secreto-por-arg",
        title: "un secreto entra por `ARG`",
        level: Level::Warning,
        why: "El valor de un `ARG` queda a la vista en `docker history` de la imagen.",
        fix: "usa `RUN --mount=type=secret,id=…` y `docker build --secret id=…`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[
            "BuildKit SecretsUsedInArgOrEnv",
            "hadolint DL3064",
            "trivy DS-0031",
            "CIS 4.10",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nARG PIP_TOKEN\nRUN pip install --no-cache-dir --index-url \"https://$PIP_TOKEN@example.com\" paquete==1.0\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN --mount=type=secret,id=token pip install --no-cache-dir --index-url \"https://$(cat /run/secrets/token)@example.com\" paquete==1.0\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: secret_arg,
    },
    Rule {
        id: "secreto-borrado-tarde",
        title: "borrar un secreto no lo saca de la imagen",
        level: Level::Error,
        why: "Cada instrucción deja su capa. `rm` solo tapa el archivo en la capa nueva: en la del `COPY` sigue entero, y se saca con `docker save`.",
        fix: "déjalo fuera con `.dockerignore`; si hace falta al construir, pásalo solo a ese paso con `RUN --mount=type=secret`",
        lesson: "03-multietapa.html#dockerignore",
        equivalents: &[],
        wrong: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY .env app/ ./\nRUN rm .env\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
            ),
            (
                "api/Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nRUN rm -rf .env* claves\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
            ),
            ("api/.dockerignore", ".git\n"),
            ("api/.env", "APP_NAME=iris\n"),
        ],
        right: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY app/ ./\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
            ),
            (
                "api/Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nRUN rm -rf pruebas\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
            ),
            ("api/.dockerignore", ".git\n.env*\nclaves\n"),
            ("api/.env", "APP_NAME=iris\n"),
        ],
        check: late_removal::check,
    },
];

/// Whether a variable of that name holds a secret itself, not its place or its length.
fn is_secret_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let parts: Vec<&str> = upper.split(['_', '-']).collect();
    let switches = [
        "ALLOW", "EMPTY", "NO", "USE", "RANDOM", "PUBLIC", "MAX", "MIN", "REQUIRE", "REQUIRED",
        "ENABLE", "DISABLE", "SHOW", "HIDE",
    ];
    if parts.iter().any(|part| switches.contains(part))
        || ["PWD", "OLDPWD"].contains(&upper.as_str())
    {
        return false;
    }
    let last = [
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "SECRET",
        "TOKEN",
        "APIKEY",
        "CONTRASENA",
        "PWD",
    ];
    let ends = [
        "API_KEY",
        "SECRET_KEY",
        "SECRET_KEY_BASE",
        "PRIVATE_KEY",
        "ACCESS_KEY",
        "ENCRYPTION_KEY",
        "SIGNING_KEY",
    ];
    parts.last().is_some_and(|part| last.contains(part))
        || ends.iter().any(|end| upper.ends_with(end))
}

/// A value that stands for one that is to come, or is none.
fn is_placeholder(value: &str) -> bool {
    let lower = value.to_lowercase();
    let words = [
        "changeme",
        "change_me",
        "change-me",
        "cambia",
        "placeholder",
        "example",
        "ejemplo",
        "dummy",
        "your",
        "tu-",
        "tu_",
        "xxx",
        "todo",
        "none",
        "null",
        "true",
        "false",
        "build",
        "unused",
        "fake",
        "not-",
        "aqui",
        "aquí",
    ];
    value.len() < 4
        // `[PAD]`, `<|end|>`: marks of a language model are called tokens too.
        || value.starts_with(['/', '<', '{', '['])
        || !value.contains(char::is_alphanumeric)
        || value.contains("://")
        || value.chars().all(|c| c.is_ascii_digit() || c == '.')
        || value
            .chars()
            .all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '-'))
        || words.iter().any(|word| lower.contains(word))
}

fn secret(reading: &Reading, out: &mut Out<'_>) {
    for (file, line, pair) in pairs(reading) {
        let Some(word) = &pair.value else { continue };
        let name = pair.name.text();
        let literal = word.variables.is_empty() && !word.written.contains('$');
        let Some(value) = word.value.as_deref().filter(|_| literal) else {
            continue;
        };
        if is_secret_name(name) && !is_placeholder(value) {
            let keyword = line.instruction.keyword;
            let kept = line
                .instruction
                .stage
                .is_some_and(|stage| file.kept().contains(&stage));
            let where_else = if kept {
                format!(", y por `{keyword}` en la imagen")
            } else {
                String::new()
            };
            let finding = out.span(
                file.dockerfile,
                word.span,
                format!("el valor de `{name}` queda escrito en el Dockerfile{where_else}"),
            );
            // `postgres`, `collectstatic`: a plain word may be known to all.
            if !kept || !value.contains(|c: char| c.is_ascii_digit()) {
                finding.level(Level::Warning);
            }
        }
    }
}

fn secret_arg(reading: &Reading, out: &mut Out<'_>) {
    for (file, line, pair) in pairs(reading) {
        let Some(stage) = line
            .instruction
            .stage
            .filter(|stage| file.kept().contains(stage))
        else {
            continue;
        };
        let name = pair.name.text();
        if !line.is("ARG") || !is_secret_name(name) || pair.value.is_some() {
            continue;
        }
        let used = file.stage(stage).find(|other| {
            other.instruction.span > line.instruction.span
                && (!other.run().is_empty() || matches!(other.instruction.kind, Kind::Env(_)))
                && names_in(*other).contains(name)
        });
        if let Some(used) = used {
            out.span(
                file.dockerfile,
                pair.name.span,
                format!("el valor de `{name}` queda en el historial de la imagen"),
            )
            .related(
                file.dockerfile.location(used.instruction.span),
                "aquí se usa".to_owned(),
            );
        }
    }
}
