//! Secrets that a Dockerfile gives away.

use super::variables::{names_in, pairs};
use crate::rules::files::{self};
use crate::rules::folder::secret_file;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::{Kind, Word};
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
        fix: "quítalo de aquí y cámbialo, porque ya no es secreto; dalo al arrancar (`docker run -e`, `env_file`, `secrets`) o, si hace falta al construir, con `RUN --mount=type=secret`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[
            "BuildKit SecretsUsedInArgOrEnv",
            "hadolint DL3064",
            "trivy DS-0031",
            "dockle CIS-DI-0010",
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
        fix: "usa `RUN --mount=type=secret,id=…` y `docker build --secret`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &["BuildKit SecretsUsedInArgOrEnv"],
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
        title: "borrar el secreto no lo saca de la imagen",
        level: Level::Error,
        why: "Cada paso es una capa: el archivo borrado sigue en la capa que lo copió, y cualquiera con la imagen lo saca de ahí.",
        fix: "no lo copies: ponlo en `.dockerignore` y, si hace falta al construir, usa `RUN --mount=type=secret`",
        lesson: "03-optimizado.html#dockerignore",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nCOPY .env app/ ./\nRUN rm .env\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nCOPY app/ ./\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: removed_late,
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

/// How sure it is that a file of that name, which is copied and removed, is a secret: what was read decides over the
/// name. Nothing when it is none.
fn level_of(reading: &Reading, name: &str, source: &str) -> Option<Level> {
    let settings = name == ".npmrc" || name.starts_with(".env.");
    let certificate = name.ends_with(".pem");
    let snapshot = &reading.snapshot;
    let read: Vec<_> = snapshot
        .entries()
        .map(|(path, _)| path)
        .filter(|path| path.rsplit('/').next() == Some(name) && snapshot.file(path).is_some())
        .collect();
    if !read.is_empty() && secret_file::is_named(name) | settings | certificate {
        let found = read
            .iter()
            .filter_map(|path| secret_file::of(snapshot, path));
        let shown: Vec<bool> = found.map(|secret| secret.shown.is_some()).collect();
        let known = shown.contains(&true) || !name.starts_with(".env");
        return (!shown.is_empty()).then_some(if known { Level::Error } else { Level::Warning });
    }
    match (certificate, settings) {
        (true, _) => secret_file::is_named(source).then_some(Level::Warning),
        (_, true) => Some(Level::Warning),
        _ => Some(Level::Error),
    }
}

fn removed_late(reading: &Reading, out: &mut Out<'_>) {
    let secret = |path: &str| {
        let name = path
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or(path);
        let example = ["example", "sample", "dist", "template", "ejemplo"]
            .iter()
            .any(|word| name.contains(word));
        !example
            && (name == ".env"
                || name.starts_with(".env.")
                || name.ends_with(".pem")
                || name.ends_with(".key")
                || name.ends_with(".p12")
                || [
                    "id_rsa",
                    "id_ed25519",
                    "id_ecdsa",
                    ".netrc",
                    ".npmrc",
                    ".pypirc",
                    "credentials.json",
                    "secrets.json",
                    ".git-credentials",
                ]
                .contains(&name))
    };
    for file in files::all(reading) {
        let kept = file.kept();
        for line in file.lines().filter(|line| {
            line.instruction
                .stage
                .is_some_and(|stage| kept.contains(&stage))
        }) {
            for command in line
                .run()
                .iter()
                .filter(|command| command.program() == Some("rm"))
            {
                for word in command
                    .args()
                    .iter()
                    .filter(|word| !word.expands && secret(&word.text))
                {
                    let name = word.text.rsplit('/').next().unwrap_or(&word.text);
                    let copied = file.before(line).into_iter().find_map(|other| {
                        let transfer = other.transfer().filter(|it| it.from.is_none())?;
                        let mut sources = transfer.sources.iter().map(Word::text);
                        let source =
                            sources.find(|source| source.rsplit('/').next() == Some(name))?;
                        Some((other, level_of(reading, name, source)?))
                    });
                    if let Some((copied, level)) = copied {
                        out.span(
                            file.dockerfile,
                            command.span,
                            format!("`{name}` sigue en la capa en la que se copió"),
                        )
                        .level(level)
                        .related(
                            file.dockerfile.location(copied.instruction.span),
                            "aquí se copia".to_owned(),
                        );
                    }
                }
            }
        }
    }
}
