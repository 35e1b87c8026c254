//! As whom the container runs, and whose its files are.

use super::effects;
use super::files::{self, File, Line};
use super::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::{Kind, Word};
use crate::submission::shell::Simple;
use crate::verdict::Level;

pub(super) static TOPIC: Topic = Topic {
    title: "El usuario y sus permisos",
    rules: &RULES,
};

static RULES: [Rule; 8] = [
    Rule {
        id: "corre-como-root",
        title: "el contenedor corre como root",
        level: Level::Warning,
        why: "Si alguien entra por un fallo de la app, dentro del contenedor lo puede todo, y le queda un paso menos para llegar a la máquina.",
        fix: "crea un usuario o elige un número, y escribe `USER 10001` detrás de las instalaciones",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[
            "CIS 4.1",
            "checkov CKV_DOCKER_3",
            "trivy DS-0002",
            "dockle CIS-DI-0001",
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
        fix: "acaba con un `USER` que no sea root",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &["hadolint DL3002", "checkov CKV_DOCKER_8", "CIS 4.1"],
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
        why: "`useradd` sin `-m` apunta `HOME` a una carpeta que no crea: las bibliotecas que guardan ahí su caché fallan.",
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
    Rule {
        id: "chown-duplica-la-capa",
        title: "`chown -R` guarda otra vez lo que ya estaba copiado",
        level: Level::Note,
        why: "Cada paso es una capa: al cambiar de dueño archivos de un paso anterior, la capa nueva los guarda enteros otra vez.",
        fix: "si el usuario debe poder cambiarlos, cópialos con `COPY --chown=…`; si no, déjalos de root y quita este paso",
        lesson: "03-optimizado.html#comparacion-de-tamanos",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN useradd -m app\nWORKDIR /app\nCOPY . .\nRUN chown -R app /app\nUSER app\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN useradd -m app && mkdir /datos && chown -R app /datos\nWORKDIR /app\nCOPY . .\nUSER app\nCMD [\"python\", \"-V\"]\n",
        )],
        check: chown,
    },
    Rule {
        id: "codigo-del-usuario",
        title: "la app puede cambiar su propio código",
        level: Level::Note,
        why: "Si el código es del usuario que lo ejecuta, un fallo de la app basta para reescribirla.",
        fix: "copia el código sin `--chown`, para que sea de root, y da al usuario solo las carpetas en las que escribe",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &["kics aa93e17f"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nCOPY --chown=10001 . .\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: owned_code,
    },
    Rule {
        id: "permisos-para-todos",
        title: "cualquiera puede escribir en los archivos",
        level: Level::Warning,
        why: "Con `777` cualquier proceso del contenedor puede cambiar esos archivos, también los ejecutables.",
        fix: "da el permiso justo a quien lo necesita: `chown usuario carpeta`, o `chmod 755`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN mkdir /datos && chmod -R 777 /datos\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN mkdir /datos && chown 10001 /datos\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: open_to_all,
    },
];

/// The user that a stage ends with, and the line that says so.
fn last_user(file: File<'_>, stage: usize) -> Option<(Line<'_>, &Word)> {
    let line = file.effective(stage, "USER")?;
    match &line.instruction.kind {
        Kind::User(word) => Some((line, word)),
        _ => None,
    }
}

/// The name or number in `USER name:group`.
fn name_of(word: &Word) -> Option<&str> {
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
            if last_user(file, stage).is_some() || may_drop(file, stage) {
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
            let Some((_, word)) = last_user(file, stage) else {
                continue;
            };
            let Some(name) = name_of(word) else { continue };
            let name_only = !name.starts_with(|c: char| c.is_ascii_digit());
            if name_only && name != "root" && !name.is_empty() && !word.written.contains('#') {
                out.span(file.dockerfile, word.span, format!("`{name}` es un nombre"));
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

fn chown(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        let kept = file.kept();
        for line in file
            .lines()
            .filter(|line| line.instruction.stage.is_some_and(|s| kept.contains(&s)))
        {
            let before = file.before(line);
            for command in line
                .run()
                .iter()
                .filter(|command| command.program() == Some("chown"))
            {
                if !command.has_short('R') && !command.has_arg("--recursive") {
                    continue;
                }
                let paths = command
                    .args()
                    .iter()
                    .filter(|word| !word.text.starts_with('-'))
                    .skip(1);
                let copied = paths.filter(|word| !word.expands).find_map(|path| {
                    let path = absolute(&before, &path.text)?;
                    before.iter().enumerate().find_map(|(at, other)| {
                        let transfer = other
                            .transfer()
                            .filter(|transfer| transfer.chown.is_none())?;
                        let to = absolute(&before[..at], transfer.destination.value.as_deref()?)?;
                        let inside = to == path
                            || to.starts_with(&format!("{}/", path.trim_end_matches('/')));
                        inside.then_some(*other)
                    })
                });
                if let Some(copied) = copied {
                    out.span(
                        file.dockerfile,
                        command.span,
                        "guarda una segunda copia de lo que ya estaba en la imagen".to_owned(),
                    )
                    .related(
                        file.dockerfile.location(copied.instruction.span),
                        "aquí se copió".to_owned(),
                    );
                }
            }
        }
    }
}

/// A path seen from the last `WORKDIR` of `lines`.
fn absolute(lines: &[Line<'_>], path: &str) -> Option<String> {
    let path = path.trim_end_matches('/').trim_start_matches("./");
    if path.starts_with('/') {
        return Some(path.to_owned());
    }
    let folder = lines
        .iter()
        .rev()
        .find_map(|line| match &line.instruction.kind {
            Kind::Workdir(word) => Some(word.value.clone()),
            _ => None,
        })??;
    let folder = folder.trim_end_matches('/');
    if !folder.starts_with('/') {
        return None;
    }
    Some(if path == "." || path.is_empty() {
        folder.to_owned()
    } else {
        format!("{folder}/{path}")
    })
}

fn owned_code(reading: &Reading, out: &mut Out<'_>) {
    const CODE: [&str; 7] = [".", "./", "app", "app/", "src", "src/", "./app"];
    for file in files::all(reading) {
        for stage in file.outputs() {
            let Some((_, user)) = last_user(file, stage) else {
                continue;
            };
            let Some(name) = name_of(user) else { continue };
            for line in file.lineage(stage) {
                let Some(transfer) = line.transfer().filter(|transfer| transfer.from.is_none())
                else {
                    continue;
                };
                let Some(owner) = &transfer.chown else {
                    continue;
                };
                let code = transfer.sources.iter().any(|source| {
                    CODE.contains(&source.text())
                        || source.text().ends_with(".py")
                        || source.text().ends_with(".js")
                });
                if code && name_of(owner) == Some(name) && name != "root" && name != "0" {
                    out.span(
                        file.dockerfile,
                        owner.span,
                        format!("el código queda en manos de `{name}`, que es quien lo ejecuta"),
                    );
                }
            }
        }
    }
}

fn open_to_all(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        let kept = file.kept();
        for line in file
            .lines()
            .filter(|line| line.instruction.stage.is_some_and(|s| kept.contains(&s)))
        {
            for command in line
                .run()
                .iter()
                .filter(|command| command.program() == Some("chmod"))
            {
                let mode = command
                    .args()
                    .iter()
                    .find(|word| !word.text.starts_with('-'));
                if let Some(mode) = mode.filter(|m| {
                    [
                        "777", "0777", "a+rwx", "ugo+rwx", "a=rwx", "666", "o+w", "a+w",
                    ]
                    .contains(&m.text.as_str())
                }) {
                    out.span(
                        file.dockerfile,
                        command.span,
                        format!("`{}` deja escribir a cualquiera", mode.text),
                    );
                }
            }
        }
    }
}
