//! As whom the container runs.

use crate::rules::effects;
use crate::rules::files::{self, File, Line};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::{Kind, Word};
use crate::submission::shell::Simple;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "El usuario",
    rules: &RULES,
};

static RULES: [Rule; 5] = [
    Rule {
        id: "corre-como-root",
        title: "el contenedor se ejecuta como root",
        level: Level::Warning,
        why: "Si alguien entra por un fallo de la app, dentro del contenedor lo puede todo, y le queda un paso menos para llegar a la máquina.",
        fix: "crea un usuario o elige un número, y escribe `USER 10001` detrás de las instalaciones",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[
            "CIS 4.1",
            "checkov CKV_DOCKER_3",
            "trivy DS-0002",
            "dockle CIS-DI-0001",
            "kics fd54f200",
            "slim lint ID.20017",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: root,
    },
    Rule {
        id: "vuelve-a-root",
        title: "el último `USER` es root",
        level: Level::Warning,
        why: "Cuenta el último `USER`: los anteriores solo valen para los pasos que hay entre ellos.",
        fix: "escribe otro `USER` al final, como `USER 10001`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[
            "hadolint DL3002",
            "checkov CKV_DOCKER_8",
            "CIS 4.1",
            "trivy DS-0002",
            "kics 67fd0c4a",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM node:22-slim\nUSER node\nRUN npm -v\nUSER root\nCMD [\"node\", \"-v\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM node:22-slim\nUSER root\nRUN npm -v\nUSER node\nCMD [\"node\", \"-v\"]\n",
        )],
        check: back_to_root,
    },
    Rule {
        id: "usuario-que-no-existe",
        title: "`USER` nombra un usuario que no existe en la imagen",
        level: Level::Error,
        why: "Docker busca el nombre en `/etc/passwd` de la imagen; si no está, ni los pasos siguientes ni el contenedor arrancan.",
        fix: "créalo antes (`RUN useradd -m app`) o usa un número, que no necesita existir: `USER 10001`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN useradd -m app\nUSER appuser\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN useradd -m appuser\nUSER appuser\nCMD [\"python\", \"-V\"]\n",
        )],
        check: missing,
    },
    Rule {
        id: "usuario-por-nombre",
        title: "el usuario va por su nombre y no por su número",
        level: Level::Note,
        why: "Quien arranca la imagen no sabe si ese nombre es root: con `runAsNonRoot`, Kubernetes solo acepta números.",
        fix: "usa su número: `USER 10001`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &["hadolint DL3066"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN useradd -m -u 10001 app\nUSER app\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN useradd -m -u 10001 app\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: by_name,
    },
    Rule {
        id: "usuario-sin-carpeta",
        title: "el usuario no tiene carpeta personal",
        level: Level::Note,
        why: "`useradd` sin `-m` apunta `HOME` a una carpeta que no crea: las bibliotecas que guardan ahí su caché pueden fallar.",
        fix: "añade `-m`, o pon `HOME` en una carpeta que exista",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN useradd -r app\nUSER app\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN useradd -r -m app\nUSER app\nCMD [\"python\", \"-V\"]\n",
        )],
        check: homeless,
    },
];

/// The user that a stage ends with, and the line that says so.
pub(super) fn last_user(file: File<'_>, stage: usize) -> Option<(Line<'_>, &Word)> {
    let line = file.effective(stage, "USER")?;
    match &line.instruction.kind {
        Kind::User(word) => Some((line, word)),
        _ => None,
    }
}

/// The name or number in `USER name:group`.
pub(super) fn name_of(word: &Word) -> Option<&str> {
    word.value
        .as_deref()
        .map(|value| value.split(':').next().unwrap_or(value))
}

/// Whether what is started may change the user by itself: a script or a program that is not known.
fn may_drop(file: File<'_>, stage: usize) -> bool {
    file.started(stage).any(|line| {
        !line.script.understood
            || line.script.commands.iter().any(|command| {
                let known = [
                    "python",
                    "python3",
                    "node",
                    "npm",
                    "npx",
                    "yarn",
                    "uvicorn",
                    "gunicorn",
                    "flask",
                    "java",
                    "ruby",
                    "streamlit",
                    "fastapi",
                    "hypercorn",
                    "celery",
                    "jupyter",
                    "cd",
                    "echo",
                    "sleep",
                    "pnpm",
                    "uv",
                    "poetry",
                    "pipenv",
                ];
                let shell = matches!(command.program(), Some("sh" | "bash"))
                    && line.script.commands.len() > 1;
                let wrapped = [
                    "gosu", "su-exec", "setpriv", "su", "runuser", "sudo", "chroot",
                ];
                let hidden = command.words.iter().any(|word| {
                    wrapped.contains(&word.text.as_str()) || word.text.ends_with(".sh")
                });
                hidden
                    || !shell
                        && command
                            .program()
                            .is_none_or(|program| !known.contains(&program))
            })
    })
}

fn root(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for stage in file.outputs() {
            let Some(base) = file.known(stage).filter(|base| base.stays_root) else {
                continue;
            };
            if last_user(file, stage).is_some()
                || may_drop(file, stage)
                || file.compose_names("user:")
            {
                continue;
            }
            let Some(line) = file.started(stage).last() else {
                continue;
            };
            out.span(
                file.dockerfile,
                line.instruction.keyword_span,
                format!(
                    "se ejecuta como root: ningún `USER` lo cambia y `{}` no trae otro",
                    base.name
                ),
            );
        }
    }
}

fn back_to_root(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for stage in file.outputs() {
            let Some((_, word)) = last_user(file, stage) else {
                continue;
            };
            if matches!(name_of(word), Some("root" | "0"))
                && !file.compose_names("user:")
                && !may_drop(file, stage)
                && file.started(stage).next().is_some()
            {
                out.span(
                    file.dockerfile,
                    word.span,
                    format!("el contenedor se ejecuta como `{}`", word.text()),
                );
            }
        }
    }
}

fn missing(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for line in file.lines() {
            let (Kind::User(word), Some(stage)) = (&line.instruction.kind, line.instruction.stage)
            else {
                continue;
            };
            let Some(name) = name_of(word)
                .filter(|name| !name.contains(char::is_whitespace) && !name.is_empty())
            else {
                continue;
            };
            if name.chars().all(|c| c.is_ascii_digit()) {
                continue;
            }
            let Some(base) = file.known(stage) else {
                continue;
            };
            let before = file.before(line);
            if effects::lacks_user(base, &before, name) {
                let made = before
                    .iter()
                    .flat_map(|line| line.run())
                    .find_map(|command| {
                        matches!(command.program(), Some("useradd" | "adduser"))
                            .then(|| command.args().last())?
                    });
                let finding = out.span(
                    file.dockerfile,
                    word.span,
                    format!(
                        "ni `{}` trae el usuario `{name}` ni ningún paso lo crea",
                        base.name
                    ),
                );
                if let Some(made) = made.filter(|made| !made.expands) {
                    finding.related(
                        file.dockerfile.location(made.span),
                        format!("el que se crea es `{}`", made.text),
                    );
                }
            }
        }
    }
}

fn by_name(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for stage in file.outputs() {
            let Some((line, word)) = last_user(file, stage) else {
                continue;
            };
            let Some(name) = name_of(word) else { continue };
            // Of a user that does not exist another rule tells.
            let missing = file
                .known(stage)
                .is_some_and(|base| effects::lacks_user(base, &file.before(line), name));
            let name_only = !name.starts_with(|c: char| c.is_ascii_digit());
            if name_only
                && !missing
                && name != "root"
                && !name.is_empty()
                && !word.written.contains('#')
            {
                out.span(
                    file.dockerfile,
                    word.span,
                    format!(
                        "`{name}` es un nombre: sin abrir la imagen no se sabe qué número tiene"
                    ),
                );
            }
        }
    }
}

fn homeless(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for stage in file.outputs() {
            let Some((_, user)) = last_user(file, stage) else {
                continue;
            };
            let Some(name) = name_of(user) else { continue };
            let lines = file.lineage(stage);
            let commands: Vec<&Simple> = lines.iter().flat_map(|line| line.run()).collect();
            let makes_home = commands.iter().any(|command| {
                command
                    .args()
                    .iter()
                    .any(|word| word.text.contains("/home") || word.text == "mkhomedir_helper")
            });
            if file.sets(stage, "HOME", None) || makes_home {
                continue;
            }
            for command in commands {
                let args = command.args();
                let here = command.program() == Some("useradd")
                    && args.last().is_some_and(|word| word.text == name);
                let home = args.iter().any(|word| {
                    ["-m", "--create-home", "-d", "--home-dir", "--home", "-b"]
                        .contains(&word.text.as_str())
                        || word.text.starts_with("--home")
                        || word.expands
                }) || command.has_short('m')
                    || command.has_short('M')
                    || command.has_arg("--no-create-home");
                if here && !home {
                    out.span(
                        file.dockerfile,
                        command.span,
                        format!("`{name}` se queda sin `/home/{name}`"),
                    );
                }
            }
        }
    }
}
