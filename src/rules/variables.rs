//! Variables and secrets of a Dockerfile.

use std::collections::BTreeSet;

use super::files::{self, File, Line};
use super::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::Kind;
use crate::submission::dockerfile::instruction::Pair;
use crate::submission::shell::Simple;
use crate::verdict::Level;

pub(super) static TOPIC: Topic = Topic {
    title: "Variables y secretos del Dockerfile",
    rules: &RULES,
};

static RULES: [Rule; 7] = [
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
    Rule {
        id: "env-sin-igual",
        title: "`ENV` escrito a la antigua, sin `=`",
        level: Level::Note,
        why: "Así todo lo que sigue al nombre es el valor, también lo que parece otra variable; el constructor avisa de que no se debe usar.",
        fix: "escribe `ENV NOMBRE=valor`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["BuildKit LegacyKeyValueFormat"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV PYTHONUNBUFFERED 1\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV PYTHONUNBUFFERED=1\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: legacy,
    },
    Rule {
        id: "variable-sin-definir",
        title: "se usa una variable que no está definida",
        level: Level::Warning,
        why: "Docker pone en su lugar un texto vacío y sigue sin avisar.",
        fix: "defínela antes con `ENV` o `ARG` en la misma etapa, o dale un valor por defecto: `${NOMBRE:-valor}`",
        lesson: "06-entorno.html#archivo-env",
        equivalents: &["BuildKit UndefinedVar"],
        wrong: &[(
            "Dockerfile",
            "ARG CARPETA=/app\nFROM python:3.11-slim\nWORKDIR $CARPETA\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "ARG CARPETA=/app\nFROM python:3.11-slim\nARG CARPETA\nWORKDIR $CARPETA\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: undefined,
    },
    Rule {
        id: "variable-de-otra-etapa",
        title: "una orden usa una variable que se define en otra etapa",
        level: Level::Warning,
        why: "`ARG` y `ENV` valen en su etapa y en las que parten de ella; en las demás, y debajo de un `FROM` nuevo, no existen.",
        fix: "repite `ARG NOMBRE` o `ENV NOMBRE=…` en esta etapa",
        lesson: "03-optimizado.html#multi-stage-build",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS uno\nENV DATOS=/datos\nRUN mkdir $DATOS\nFROM python:3.11-slim\nCOPY --from=uno /datos /datos\nRUN ls \"$DATOS\"\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS uno\nENV DATOS=/datos\nRUN mkdir $DATOS\nFROM python:3.11-slim\nENV DATOS=/datos\nCOPY --from=uno /datos /datos\nRUN ls \"$DATOS\"\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: elsewhere,
    },
    Rule {
        id: "salida-con-retraso",
        title: "`PYTHONUNBUFFERED` se queda en otra etapa",
        level: Level::Note,
        why: "Sin ella Python guarda lo que escribes y los registros llegan tarde, o no llegan si el proceso cae. `ENV` no pasa de una etapa a otra con `COPY --from`.",
        fix: "escribe también en la última etapa `ENV PYTHONUNBUFFERED=1`",
        lesson: "08-buenas-practicas.html#logging-estructurado",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS uno\nENV PYTHONUNBUFFERED=1\nRUN python -m venv /venv\nFROM python:3.11-slim\nCOPY --from=uno /venv /venv\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS uno\nENV PYTHONUNBUFFERED=1\nRUN python -m venv /venv\nFROM python:3.11-slim\nENV PYTHONUNBUFFERED=1\nCOPY --from=uno /venv /venv\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: unbuffered,
    },
];

/// Whether a variable of that name holds a secret itself, not its place or its length.
fn is_secret_name(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let parts: Vec<&str> = upper.split(['_', '-']).collect();
    let about = [
        "FILE",
        "PATH",
        "URL",
        "URI",
        "HOST",
        "NAME",
        "ID",
        "TTL",
        "LENGTH",
        "LEN",
        "EXPIRE",
        "EXPIRES",
        "EXPIRATION",
        "MINUTES",
        "SECONDS",
        "HOURS",
        "DAYS",
        "ALGORITHM",
        "HEADER",
        "TYPE",
        "DIR",
        "PREFIX",
        "LIMIT",
        "MAX",
        "MIN",
        "POLICY",
        "PUBLIC",
        "COUNT",
        "SIZE",
        "VERSION",
        "ENABLED",
        "REQUIRED",
        "COOKIE",
        "FIELD",
        "PARAM",
        "SOURCE",
        "ALLOW",
        "EMPTY",
        "NO",
        "USE",
        "ENDPOINT",
        "ISSUER",
        "PORT",
        "HASH",
    ];
    if parts.iter().any(|part| about.contains(part)) {
        return false;
    }
    let alone = [
        "PASSWORD",
        "PASSWD",
        "PASSPHRASE",
        "SECRET",
        "TOKEN",
        "APIKEY",
        "CONTRASENA",
        "CLAVE",
        "PWD",
    ];
    let pairs = [
        "API_KEY",
        "SECRET_KEY",
        "PRIVATE_KEY",
        "ACCESS_KEY",
        "ENCRYPTION_KEY",
        "SIGNING_KEY",
    ];
    let single = upper == "PWD" || upper == "OLDPWD" || upper == "CLAVE" || upper == "TOKEN";
    !single && parts.iter().any(|part| alone.contains(part))
        || upper == "TOKEN"
        || pairs.iter().any(|pair| upper.ends_with(pair))
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
        || value.starts_with(['/', '<', '{'])
        || value.contains("://")
        || value.chars().all(|c| c.is_ascii_digit() || c == '.')
        || value
            .chars()
            .all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '-'))
        || words.iter().any(|word| lower.contains(word))
}

fn pairs(reading: &Reading) -> impl Iterator<Item = (File<'_>, Line<'_>, &Pair)> {
    files::all(reading).flat_map(|file| {
        file.lines()
            .filter(|line| matches!(line.instruction.kind, Kind::Env(_) | Kind::Arg(_)))
            .flat_map(move |line| {
                line.instruction
                    .pairs()
                    .iter()
                    .map(move |pair| (file, line, pair))
            })
    })
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
            out.span(file.dockerfile, word.span, format!("el valor de `{name}` queda escrito en el Dockerfile, y por `{keyword}` en la imagen"));
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
                    let copied = file.before(line).into_iter().find(|other| {
                        other.transfer().is_some_and(|transfer| {
                            transfer.from.is_none()
                                && transfer
                                    .sources
                                    .iter()
                                    .any(|source| source.text().rsplit('/').next() == Some(name))
                        })
                    });
                    if let Some(copied) = copied {
                        out.span(
                            file.dockerfile,
                            command.span,
                            format!("`{name}` sigue en la capa en la que se copió"),
                        )
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

fn legacy(reading: &Reading, out: &mut Out<'_>) {
    for (file, line, pair) in pairs(reading).filter(|(_, _, pair)| pair.legacy) {
        let Some(value) = &pair.value else { continue };
        let name = pair.name.text();
        let text = &value.written;
        let bare = !text.contains([' ', '\t', '\'', '"', '\\', '#', '\n']);
        let finding = out.span(
            file.dockerfile,
            line.instruction.span,
            format!("`{name}` y su valor van sin `=`"),
        );
        if bare {
            file.mend(
                finding,
                pair.name.span.to(value.span),
                format!("{}={text}", pair.name.written),
            );
        } else if !text.contains(['"', '\\', '$', '#', '\n']) {
            file.mend(
                finding,
                pair.name.span.to(value.span),
                format!("{}=\"{text}\"", pair.name.written),
            );
        }
    }
}

/// Every variable that `ARG` or `ENV` sets in the file, with its stage.
fn set(file: File<'_>) -> BTreeSet<(Option<usize>, &str)> {
    file.lines()
        .filter(|line| matches!(line.instruction.kind, Kind::Env(_) | Kind::Arg(_)))
        .flat_map(|line| {
            line.instruction
                .pairs()
                .iter()
                .map(move |pair| (line.instruction.stage, pair.name.text()))
        })
        .collect()
}

fn undefined(reading: &Reading, out: &mut Out<'_>) {
    /// Bases whose `ENV` is known: no more than these.
    const SET: [&str; 14] = [
        "PATH",
        "LANG",
        "GPG_KEY",
        "PYTHON_VERSION",
        "PYTHON_SHA256",
        "PYTHON_PIP_VERSION",
        "PYTHON_SETUPTOOLS_VERSION",
        "PYTHON_GET_PIP_URL",
        "PYTHON_GET_PIP_SHA256",
        "NODE_VERSION",
        "YARN_VERSION",
        "DEBIAN_FRONTEND",
        "TERM",
        "LC_ALL",
    ];
    for file in files::all(reading) {
        let all = set(file);
        for line in file.lines() {
            let Some(stage) = line.instruction.stage else {
                continue;
            };
            let Some(base) = file.known(stage) else {
                continue;
            };
            if !["python", "node", "debian", "ubuntu", "alpine"].contains(&base.name)
                || line.is("FROM")
                || line.is("ONBUILD")
            {
                continue;
            }
            for (word, own) in words_of(line) {
                for variable in word
                    .variables
                    .iter()
                    .filter(|variable| !variable.defined && !variable.guarded)
                {
                    let name = variable.name.as_str();
                    // `ENV X=$X:…` adds to what may be there.
                    if SET.contains(&name) || own == Some(name) {
                        continue;
                    }
                    let above = all.contains(&(None, name));
                    let other = all
                        .iter()
                        .any(|(at, set)| *set == name && at.is_some_and(|at| at != stage));
                    let message = if name == "HOME" {
                        "al construir, `HOME` no está definida para esta instrucción: queda vacía"
                            .to_owned()
                    } else if above {
                        format!(
                            "el `ARG {name}` de encima del `FROM` no entra en la etapa: aquí `{name}` queda vacía"
                        )
                    } else if other {
                        format!(
                            "`{name}` se define en otra etapa, y de ahí no pasa: aquí queda vacía"
                        )
                    } else {
                        let names = all
                            .iter()
                            .filter(|(at, _)| *at == Some(stage))
                            .map(|(_, set)| *set);
                        let near = names
                            .map(|set| (strsim::jaro_winkler(name, set), set))
                            .filter(|(likeness, _)| *likeness > 0.9);
                        let near = near
                            .max_by(|a, b| a.0.total_cmp(&b.0))
                            .map(|(_, set)| format!("; ¿quisiste decir `{set}`?"));
                        format!(
                            "nada define `{name}` en esta etapa: queda vacía{}",
                            near.unwrap_or_default()
                        )
                    };
                    out.span(file.dockerfile, variable.span, message);
                }
            }
        }
    }
}

/// The words of an instruction in which variables are put in, and the name that each is the value of.
fn words_of(line: Line<'_>) -> Vec<(&crate::submission::dockerfile::Word, Option<&str>)> {
    match &line.instruction.kind {
        Kind::Transfer(transfer) => transfer
            .sources
            .iter()
            .chain([&transfer.destination])
            .map(|word| (word, None))
            .collect(),
        Kind::Env(pairs) | Kind::Label(pairs) => pairs
            .iter()
            .filter_map(|pair| Some((pair.value.as_ref()?, Some(pair.name.text()))))
            .collect(),
        Kind::Expose(words) | Kind::Volume(words) => {
            words.iter().map(|word| (word, None)).collect()
        }
        Kind::Workdir(word) | Kind::User(word) => vec![(word, None)],
        _ => Vec::new(),
    }
}

/// The variables that a `RUN`'s shell puts in, `${X:-…}` left out; for `ENV` those of its values.
fn names_in(line: Line<'_>) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    if matches!(line.instruction.kind, Kind::Env(_)) {
        for pair in line.instruction.pairs() {
            let variables = pair.value.iter().flat_map(|word| &word.variables);
            names.extend(variables.map(|variable| variable.name.as_str()));
        }
    }
    for command in line.run() {
        let words = command
            .words
            .iter()
            .chain(&command.assignments)
            .chain(command.redirects.iter().map(|r| &r.target));
        for word in words.filter(|word| word.expands) {
            names.extend(names_of(&word.text));
        }
    }
    names
}

fn names_of(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices('$') {
        let rest = &text[at + 1..];
        let (rest, braced) = match rest.strip_prefix('{') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        if end > 0
            && (!braced || rest[end..].starts_with('}'))
            && !rest.starts_with(|c: char| c.is_ascii_digit())
        {
            names.push(&rest[..end]);
        }
    }
    names
}

fn elsewhere(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        let all = set(file);
        for line in file
            .lines()
            .filter(|line| line.script.through_shell && line.script.understood)
        {
            let Some(stage) = line.instruction.stage else {
                continue;
            };
            let mut here: BTreeSet<Option<usize>> = file
                .dockerfile
                .lineage(stage)
                .map(|stage| Some(stage.index))
                .collect();
            here.insert(Some(stage));
            // Whatever the shell itself may set.
            let sets = |name: &str| {
                let commands: &[Simple] = line.run();
                commands.iter().any(|command| {
                    let start = format!("{name}=");
                    command
                        .assignments
                        .iter()
                        .chain(&command.words)
                        .any(|word| word.text.starts_with(&start) || word.text == name)
                        || matches!(command.program(), Some("." | "source" | "eval"))
                }) || file
                    .text(line.instruction.span)
                    .contains(&format!("for {name} "))
            };
            let known = ["python", "node", "debian", "ubuntu", "alpine", "nginx"];
            if !file
                .known(stage)
                .is_some_and(|base| known.contains(&base.name))
            {
                continue;
            }
            for name in names_in(line) {
                let set_here = all
                    .iter()
                    .any(|(at, set)| *set == name && here.contains(at));
                let builder = name.starts_with("TARGET")
                    || name.starts_with("BUILD")
                    || name == "PATH"
                    || name == "HOME"
                    || name.to_lowercase().ends_with("_proxy");
                let there = all
                    .iter()
                    .find(|(at, set)| *set == name && !here.contains(at));
                let (Some((at, _)), false) = (there, set_here || builder || sets(name)) else {
                    continue;
                };
                let Some(command) = line.run().iter().find(|command| {
                    command
                        .words
                        .iter()
                        .chain(&command.assignments)
                        .any(|word| word.expands && names_of(&word.text).contains(&name))
                }) else {
                    continue;
                };
                let place = if at.is_none() {
                    "encima del primer `FROM`"
                } else {
                    "en otra etapa"
                };
                out.span(
                    file.dockerfile,
                    command.span,
                    format!("`{name}` solo se define {place}: aquí queda vacía"),
                );
            }
        }
    }
}

fn unbuffered(reading: &Reading, out: &mut Out<'_>) {
    const NAME: &str = "PYTHONUNBUFFERED";
    for file in files::all(reading) {
        for stage in file.outputs() {
            if file.sets(stage, NAME, None)
                || file.known(stage).is_none_or(|base| base.name != "python")
                || file.compose_names(NAME)
            {
                continue;
            }
            let Some(line) = file.started(stage).last() else {
                continue;
            };
            let python = line.script.commands.last().is_some_and(|command| {
                matches!(
                    command.program(),
                    Some("python" | "python3" | "uvicorn" | "gunicorn" | "flask")
                ) && !command.has_arg("-u")
            });
            let there = file.lines().find(|line| {
                matches!(line.instruction.kind, Kind::Env(_))
                    && line
                        .instruction
                        .pairs()
                        .iter()
                        .any(|pair| pair.name.text() == NAME)
            });
            if let (Some(there), true) = (there, python) {
                out.span(
                    file.dockerfile,
                    line.instruction.keyword_span,
                    format!("esta etapa no tiene `{NAME}`"),
                )
                .related(
                    file.dockerfile.location(there.instruction.span),
                    "solo vale en esta etapa".to_owned(),
                );
            }
        }
    }
}
