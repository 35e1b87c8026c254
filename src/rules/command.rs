//! What the container starts: `CMD` and `ENTRYPOINT`.

use super::files::{self, File, Line};
use super::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::instruction::{Command, Form};
use crate::submission::dockerfile::{Kind, StageBase, Word};
use crate::submission::known_images::System;
use crate::submission::shell::{self, Joined, Simple};
use crate::verdict::Level;

pub(super) static TOPIC: Topic = Topic {
    title: "Lo que arranca el contenedor",
    rules: &RULES,
};

static RULES: [Rule; 10] = [
    Rule {
        id: "orden-repetida",
        title: "solo cuenta el último `CMD`, `ENTRYPOINT` o `HEALTHCHECK`",
        level: Level::Warning,
        why: "El contenedor arranca una sola orden: la última. Las de antes se descartan sin avisar.",
        fix: "deja una; para arrancar dos programas, usa dos contenedores",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[
            "BuildKit MultipleInstructionsDisallowed",
            "hadolint DL4003",
            "hadolint DL4004",
            "hadolint DL3012",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nCMD [\"python\", \"a.py\"]\nCMD [\"python\", \"b.py\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nENTRYPOINT [\"python\"]\nCMD [\"b.py\"]\n",
        )],
        check: repeated,
    },
    Rule {
        id: "sin-orden",
        title: "la imagen no dice qué arrancar",
        level: Level::Warning,
        why: "Sin `CMD` ni `ENTRYPOINT` se arranca lo de la imagen base, que aquí es un intérprete: sin teclado acaba al instante.",
        fix: "añade la orden de tu app: `CMD [\"python\", \"app.py\"]`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["dockerfile_lint required CMD"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nCOPY app app\nRUN python app/prueba.py\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nCOPY app app\nUSER 10001\nCMD [\"python\", \"app/prueba.py\"]\n",
        )],
        check: none,
    },
    Rule {
        id: "cmd-sin-exec",
        title: "la shell se queda delante de tu programa",
        level: Level::Warning,
        why: "Escrita sin corchetes, la orden la arranca `sh`, que recibe la señal de parada y no la pasa: `docker stop` espera diez segundos y mata la app.",
        fix: "usa la forma con corchetes, `CMD [\"programa\", \"argumento\"]`, o pon `exec` delante del programa",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[
            "hadolint DL3025",
            "BuildKit JSONArgsRecommended",
            "kics b86987e1",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nCMD python -m app\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nCMD exec python -m app\n",
        )],
        check: shell_form,
    },
    Rule {
        id: "imagen-sin-shell",
        title: "la orden necesita una shell y la imagen no tiene",
        level: Level::Error,
        why: "Sin corchetes, la orden se la dan a `/bin/sh`; `scratch` y las imágenes distroless no traen ninguna.",
        fix: "escribe la orden con corchetes, y lo que haya que preparar hazlo en una etapa anterior",
        lesson: "03-optimizado.html#multi-stage-build",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM gcr.io/distroless/static-debian12:nonroot\nCOPY app /app\nCMD /app\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM gcr.io/distroless/static-debian12:nonroot\nCOPY app /app\nCMD [\"/app\"]\n",
        )],
        check: no_shell,
    },
    Rule {
        id: "lista-mal-escrita",
        title: "los corchetes no forman una lista",
        level: Level::Error,
        why: "Si no es JSON, con comillas dobles y comas, Docker se lo da entero a la shell, que busca un programa que empieza por `[`.",
        fix: "escribe cada palabra entre comillas dobles y sepáralas con comas: `[\"python\", \"app.py\"]`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["slim lint ID.20013"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nCMD ['python', 'app.py']\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nCMD [\"python\", \"app.py\"]\n",
        )],
        check: broken,
    },
    Rule {
        id: "operadores-sin-shell",
        title: "un operador de la shell entre corchetes no hace nada",
        level: Level::Error,
        why: "La forma con corchetes no pasa por ninguna shell: `&&`, `|` o `>` llegan al programa como un argumento más.",
        fix: "deja una sola orden; si hacen falta varias, ponlas en un guion que acabe en `exec \"$@\"`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nCMD [\"python\", \"migra.py\", \"&&\", \"python\", \"app.py\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nCMD [\"sh\", \"-c\", \"python migra.py && exec python app.py\"]\n",
        )],
        check: operators,
    },
    Rule {
        id: "variable-sin-shell",
        title: "una variable entre corchetes no se cambia por su valor",
        level: Level::Warning,
        why: "Es la shell quien pone el valor de `$NOMBRE`, y la forma con corchetes no pasa por ninguna: el programa recibe el texto tal cual.",
        fix: "lee la variable en el programa, o usa `CMD [\"sh\", \"-c\", \"exec programa --port $PORT\"]`",
        lesson: "06-entorno.html#archivo-env",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV PORT=8000\nUSER 10001\nCMD [\"uvicorn\", \"a:b\", \"--host\", \"0.0.0.0\", \"--port\", \"$PORT\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV PORT=8000\nUSER 10001\nCMD [\"sh\", \"-c\", \"exec uvicorn a:b --host 0.0.0.0 --port $PORT\"]\n",
        )],
        check: variables,
    },
    Rule {
        id: "entrypoint-ignora-cmd",
        title: "con `ENTRYPOINT` sin corchetes, `CMD` no llega al programa",
        level: Level::Warning,
        why: "La forma sin corchetes se la da a la shell como un texto entero: lo que diga `CMD`, o escribas detrás de `docker run imagen`, se pierde.",
        fix: "escribe `ENTRYPOINT` con corchetes",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nENTRYPOINT exec python\nCMD [\"app.py\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nENTRYPOINT [\"python\"]\nCMD [\"app.py\"]\n",
        )],
        check: ignored,
    },
    Rule {
        id: "escucha-solo-dentro",
        title: "el servidor escucha solo dentro del contenedor",
        level: Level::Warning,
        why: "`127.0.0.1` dentro del contenedor es el propio contenedor: aunque publiques el puerto, desde fuera no se llega.",
        fix: "escucha en todas las direcciones: `0.0.0.0`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nEXPOSE 8000\nCMD [\"uvicorn\", \"app:app\", \"--host\", \"127.0.0.1\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nEXPOSE 8000\nCMD [\"uvicorn\", \"app:app\", \"--host\", \"0.0.0.0\"]\n",
        )],
        check: inside,
    },
    Rule {
        id: "senal-que-no-se-atiende",
        title: "`STOPSIGNAL` es una señal que ningún programa puede atender",
        level: Level::Warning,
        why: "Con `SIGKILL` el sistema corta la app al instante: no acaba las peticiones en curso ni cierra sus archivos.",
        fix: "quita la línea, y se enviará `SIGTERM`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nSTOPSIGNAL SIGKILL\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nSTOPSIGNAL SIGINT\nCMD [\"python\", \"-V\"]\n",
        )],
        check: signal,
    },
];

fn repeated(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for stage in &file.dockerfile.stages {
            for keyword in ["CMD", "ENTRYPOINT", "HEALTHCHECK"] {
                let lines: Vec<_> = file
                    .stage(stage.index)
                    .filter(|line| line.is(keyword))
                    .collect();
                let Some((last, dropped)) = lines.split_last() else {
                    continue;
                };
                for line in dropped {
                    out.span(
                        file.dockerfile,
                        line.instruction.span,
                        format!("este `{keyword}` no se usa: hay otro más abajo"),
                    )
                    .related(
                        file.dockerfile.location(last.instruction.span),
                        "este es el que vale".to_owned(),
                    );
                }
            }
        }
    }
}

fn none(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        if !file.dockerfile.faults.is_empty() {
            continue;
        }
        for stage in file.outputs() {
            // Of the others it is common to make images that only bring tools.
            let prompt = file
                .known(stage)
                .filter(|base| ["python", "node", "ruby"].contains(&base.name));
            let own = file.lineage(stage).len() > 1 + file.dockerfile.lineage(stage).count();
            // An image that only brings tools is started with its own command.
            let app = file
                .lineage(stage)
                .iter()
                .any(|line| line.transfer().is_some() || line.is("EXPOSE"));
            let (Some(base), None) = (prompt, file.started(stage).next()) else {
                continue;
            };
            if file.compose_names("command:") || file.compose_names("entrypoint:") || !own || !app {
                continue;
            }
            let Some(from) = file
                .dockerfile
                .stages
                .get(stage)
                .and_then(|stage| file.dockerfile.from_of(stage))
            else {
                continue;
            };
            out.span(
                file.dockerfile,
                from.image.span,
                format!(
                    "no hay `CMD`: el contenedor arranca lo de `{}`, que espera un teclado y acaba",
                    base.name
                ),
            );
        }
    }
}

/// What an output starts, last line first; each line once.
fn started(reading: &Reading) -> Vec<(File<'_>, usize, Line<'_>)> {
    let mut lines: Vec<(File<'_>, usize, Line<'_>)> = Vec::new();
    for file in files::all(reading) {
        for stage in file.outputs() {
            for line in file.started(stage) {
                if !lines
                    .iter()
                    .any(|(_, _, known)| std::ptr::eq(known.instruction, line.instruction))
                {
                    lines.push((file, stage, line));
                }
            }
        }
    }
    lines
}

fn shell_form(reading: &Reading, out: &mut Out<'_>) {
    for (file, stage, line) in started(reading) {
        // Only of Debian's `dash` is it known here that it stays in front even of a single command.
        let dash = file.known(stage).is_some_and(|base| {
            matches!(
                base.system,
                System::Debian | System::DebianFull | System::Ubuntu
            )
        });
        let entrypoint = file.effective(stage, "ENTRYPOINT");
        let behind = line.is("CMD") && entrypoint.is_some();
        let Some(command) = line
            .instruction
            .command()
            .filter(|command| !command.broken_array && !behind)
        else {
            continue;
        };
        let commands = &line.script.commands;
        if !dash || !line.script.understood || commands.is_empty() {
            continue;
        }
        let (commands, bash) = match &command.form {
            Form::Shell(_) => (
                &commands[..],
                shell::shell_at(file.dockerfile, line.instruction).is_bash,
            ),
            Form::Exec(_) => match commands[0].program() {
                Some(name @ ("sh" | "bash" | "dash"))
                    if commands.len() > 1
                        && commands[0]
                            .words
                            .first()
                            .is_some_and(|word| !word.text.contains("tini")) =>
                {
                    (&commands[1..], name == "bash")
                }
                _ => continue,
            },
        };
        let Some(last) = commands.iter().rev().find(|command| !command.substituted) else {
            continue;
        };
        let single = commands
            .iter()
            .filter(|command| !command.substituted)
            .count()
            == 1;
        let simple = bash
            && (single
                || commands
                    .iter()
                    .all(|command| matches!(command.joined, Joined::First | Joined::And)));
        let execs = commands.iter().any(Simple::is_exec);
        let init = commands.iter().any(|command| {
            command
                .words
                .first()
                .is_some_and(|word| word.text.contains("init") || word.text.contains("tini"))
        });
        let interactive = matches!(
            last.program(),
            Some("exit" | "bash" | "zsh" | "sh" | "fish" | "tmux")
        );
        if execs || simple || init || interactive {
            continue;
        }
        let program = last.program().unwrap_or("el programa");
        let finding = out.span(
            file.dockerfile,
            command.span,
            format!("el proceso 1 es `sh`, y `{program}` no se entera de `docker stop`"),
        );
        if let (Form::Shell(_), true, [only]) = (&command.form, single, commands)
            && only.redirects.is_empty()
            && only.assignments.is_empty()
            && only
                .words
                .iter()
                .all(|word| !word.expands && !word.text.contains(['*', '?', '\\', '\n', '~']))
        {
            let words: Vec<String> = only
                .words
                .iter()
                .map(|word| serde_json::Value::from(word.text.as_str()).to_string())
                .collect();
            file.mend(finding, command.span, format!("[{}]", words.join(", ")));
        }
    }
}

fn no_shell(reading: &Reading, out: &mut Out<'_>) {
    for (file, line, command) in commands(reading) {
        let Some(stage) = line
            .instruction
            .stage
            .filter(|_| command.shell_text().is_some() && !command.broken_array)
        else {
            continue;
        };
        let lowest = file
            .dockerfile
            .lineage(stage)
            .last()
            .or(file.dockerfile.stages.get(stage));
        let scratch = lowest.is_some_and(|stage| stage.base == StageBase::Scratch);
        let bare = scratch || file.known(stage).is_some_and(|base| !base.has_shell());
        let brings = file.before(line).into_iter().any(|line| {
            line.is("ADD")
                || line.is("SHELL")
                || line.transfer().is_some_and(|transfer| {
                    let to = transfer.destination.text();
                    to == "/"
                        || to == "."
                        || to == "./"
                        || to.contains("bin")
                        || to.contains("usr")
                        || to.ends_with("sh")
                        || to.contains('$')
                })
        });
        if bare && !brings {
            out.span(
                file.dockerfile,
                command.span,
                "en esta imagen no hay `/bin/sh` que la ejecute".to_owned(),
            );
        }
    }
}

/// Every command in brackets or what should be one.
fn commands(reading: &Reading) -> impl Iterator<Item = (File<'_>, Line<'_>, &Command)> {
    files::all(reading).flat_map(|file| {
        file.lines()
            .filter_map(move |line| Some((file, line, line.instruction.command()?)))
    })
}

fn broken(reading: &Reading, out: &mut Out<'_>) {
    for (file, line, command) in commands(reading).filter(|(_, _, command)| command.broken_array) {
        let text = file.text(command.span);
        let inner = text[1..].trim_start();
        let quoted = inner.starts_with(['\'', '"', '“', '”', '‘', '«']);
        // `[ "$A" = b ]` is a test.
        let words: Vec<&str> = text.split_whitespace().collect();
        let test = words.first() == Some(&"[") && !words.iter().any(|word| word.ends_with(','));
        // A test, `[ -f x ]`, or what a comment behind it spoils.
        let comment = text
            .rfind(']')
            .is_some_and(|end| text[end + 1..].trim_start().starts_with('#'));
        let list = matches!(line.instruction.kind, Kind::Cmd(_) | Kind::Entrypoint(_))
            && text.trim_end().ends_with(']')
            && text.contains(',');
        if !(quoted || list) || comment || test {
            continue;
        }
        let straight: String = text
            .chars()
            .map(|c| {
                if matches!(c, '\'' | '“' | '”' | '‘' | '’') {
                    '"'
                } else {
                    c
                }
            })
            .collect();
        let reads = |text: &str| serde_json::from_str::<Vec<String>>(text).is_ok();
        let message = if text.contains('\'') && !text.contains('"') {
            "las comillas simples no valen aquí: la shell recibe el texto con sus corchetes"
        } else {
            "esto no es una lista JSON: la shell recibe el texto con sus corchetes"
        };
        let finding = out.span(file.dockerfile, command.span, message.to_owned());
        if reads(&straight) && !(text.contains('"') && text.contains('\'')) {
            file.mend(finding, command.span, straight);
        }
    }
}

/// Whether the words are handed to a shell, or to something that reads such words itself.
fn through_shell(words: &[Word]) -> bool {
    let shells = [
        "sh",
        "bash",
        "ash",
        "dash",
        "zsh",
        "cmd",
        "powershell",
        "pwsh",
        "find",
        "xargs",
        "test",
        "[",
        "expr",
        "envsubst",
        "parallel",
        "su",
        "watch",
        "sudo",
    ];
    words.iter().take(3).any(|word| {
        let name = word.text().rsplit('/').next().unwrap_or_default();
        shells.contains(&name)
    })
}

/// The words that stand for themselves: no programs in another language behind `-c` and `-e`.
fn plain(words: &[Word]) -> impl Iterator<Item = &Word> {
    words
        .iter()
        .enumerate()
        .filter(|(at, _)| {
            at.checked_sub(1)
                .and_then(|before| words.get(before))
                .is_none_or(|before| !matches!(before.text(), "-c" | "-e" | "--eval" | "-g" | "-r"))
        })
        .map(|(_, word)| word)
}

fn operators(reading: &Reading, out: &mut Out<'_>) {
    for (file, line, command) in commands(reading) {
        let Some(words) = command.exec_words() else {
            continue;
        };
        let behind = line.is("CMD")
            && line
                .instruction
                .stage
                .is_some_and(|stage| file.effective(stage, "ENTRYPOINT").is_some());
        if through_shell(words) || behind {
            continue;
        }
        if let Some(word) = plain(words)
            .skip(1)
            .find(|word| ["&&", "||", "|", ">", ">>", "2>&1", "&"].contains(&word.text()))
        {
            out.span(
                file.dockerfile,
                word.span,
                format!("`{}` llega al programa como un argumento", word.text()),
            );
        }
    }
}

fn variables(reading: &Reading, out: &mut Out<'_>) {
    for (file, line, command) in commands(reading) {
        let Some(words) = command.exec_words() else {
            continue;
        };
        let behind = line.is("CMD")
            && line
                .instruction
                .stage
                .is_some_and(|stage| file.effective(stage, "ENTRYPOINT").is_some());
        let own = [
            "python",
            "python3",
            "node",
            "uvicorn",
            "gunicorn",
            "flask",
            "streamlit",
            "fastapi",
            "npm",
            "java",
            "curl",
            "wget",
            "echo",
        ];
        let name = words.first().map_or("", |word| {
            word.text().rsplit('/').next().unwrap_or_default()
        });
        if through_shell(words) || behind || !own.contains(&name) {
            continue;
        }
        for word in plain(words).skip(1) {
            let Some(variable) = variable(word.text()) else {
                continue;
            };
            out.span(
                file.dockerfile,
                word.span,
                format!("el programa recibe `{variable}` tal cual, no su valor"),
            );
        }
    }
}

/// `$NAME` or `${NAME}` in capitals.
fn variable(text: &str) -> Option<&str> {
    let at = text.find('$')?;
    let rest = &text[at + 1..];
    let inner = rest.strip_prefix('{').unwrap_or(rest);
    let length = inner
        .find(|c: char| !c.is_ascii_uppercase() && !c.is_ascii_digit() && c != '_')
        .unwrap_or(inner.len());
    let braces = rest.len() - inner.len();
    let closed = braces == 0 || inner[length..].contains('}');
    let end = if braces == 0 {
        at + 1 + length
    } else {
        at + 2 + inner.find('}')? + 1
    };
    (length > 1 && closed && inner.starts_with(|c: char| c.is_ascii_uppercase()))
        .then(|| &text[at..end])
}

fn ignored(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for stage in file.outputs() {
            let (Some(entrypoint), Some(cmd)) =
                (file.effective(stage, "ENTRYPOINT"), file.command(stage))
            else {
                continue;
            };
            let shell = entrypoint
                .instruction
                .command()
                .filter(|command| command.shell_text().is_some() && !command.broken_array);
            if shell.is_some() {
                out.span(
                    file.dockerfile,
                    cmd.instruction.span,
                    "este `CMD` no llega a nadie".to_owned(),
                )
                .related(
                    file.dockerfile.location(entrypoint.instruction.span),
                    "la shell toma solo este texto".to_owned(),
                );
            }
        }
    }
}

/// Where a server listens unless it is told, for those that then only listen inside.
fn default_of(
    command: &Simple,
) -> Option<(
    &'static str,
    &'static [&'static str],
    &'static [&'static str],
)> {
    let args: Vec<&str> = command
        .args()
        .iter()
        .map(|word| word.text.as_str())
        .collect();
    let program = command.program()?;
    let module = matches!(program, "python" | "python3") && args.first() == Some(&"-m");
    let name = if module { args.get(1)? } else { program };
    Some(match name {
        "uvicorn" => (
            "uvicorn",
            &["--host", "--uds", "--fd", "--env-file"],
            &["UVICORN_HOST"],
        ),
        "gunicorn" => (
            "gunicorn",
            &["--bind", "-b", "--config", "-c"],
            &["GUNICORN_CMD_ARGS", "PORT"],
        ),
        "hypercorn" => (
            "hypercorn",
            &["--bind", "-b", "--config", "-c", "--insecure-bind"],
            &[],
        ),
        "flask" if args.contains(&"run") => ("flask run", &["--host", "-h"], &["FLASK_RUN_HOST"]),
        "fastapi" if args.contains(&"dev") => ("fastapi dev", &["--host"], &[]),
        _ => return None,
    })
}

fn inside(reading: &Reading, out: &mut Out<'_>) {
    for (file, stage, line) in started(reading) {
        for command in &line.script.commands {
            let args = command.args();
            let told = [
                "--host",
                "--bind",
                "-b",
                "--ip",
                "--address",
                "--server.address",
                "--http-address",
            ];
            let local = told.iter().find_map(|option| {
                let word = command.option(option)?;
                let value = word.text.rsplit('=').next().unwrap_or(&word.text);
                let host = value.split("://").last().unwrap_or(value);
                ["127.0.0.1", "localhost", "[::1]"]
                    .iter()
                    .any(|start| host == *start || host.starts_with(&format!("{start}:")))
                    .then_some((word, value))
            });
            let server = default_of(command);
            let serves = server.is_some()
                || matches!(
                    command.program(),
                    Some(
                        "python"
                            | "python3"
                            | "streamlit"
                            | "jupyter"
                            | "daphne"
                            | "fastapi"
                            | "vite"
                            | "next"
                            | "http-server"
                            | "npx"
                            | "hypercorn"
                    )
                );
            if let (Some((word, value)), true) = (local, serves) {
                out.span(
                    file.dockerfile,
                    word.span,
                    format!("con `{value}` no se llega desde fuera del contenedor"),
                );
                continue;
            }
            let django = args
                .iter()
                .position(|word| word.text == "runserver")
                .filter(|_| args.iter().any(|word| word.text.ends_with("manage.py")));
            let (name, told, from) = match (server, django) {
                (Some(server), _) => server,
                (None, Some(at)) => {
                    let address = args[at + 1..]
                        .iter()
                        .find(|word| !word.text.starts_with('-'));
                    let outside = address.is_some_and(|word| {
                        word.expands
                            || word.text.starts_with("0.0.0.0")
                            || word.text.starts_with("0:")
                            || word.text.contains('[')
                            || !word.text.starts_with("127.") && word.text.contains(':')
                    });
                    if outside {
                        continue;
                    }
                    ("runserver", &[][..], &[][..])
                }
                _ => continue,
            };
            let given = args.iter().any(|word| {
                word.expands && word.text.starts_with('$')
                    || told.iter().any(|option| {
                        word.text == *option
                            || word.text.starts_with(&format!("{option}="))
                            || option.len() == 2 && word.text.starts_with(option)
                    })
            });
            let asks = args
                .iter()
                .any(|word| matches!(word.text.as_str(), "--help" | "--version"));
            let environment = from.iter().any(|name| {
                file.sets(stage, name, None)
                    || file.compose_names(name)
                    || command
                        .words
                        .iter()
                        .chain(&command.assignments)
                        .any(|word| word.text.starts_with(&format!("{name}=")))
            });
            let configured = name == "gunicorn" && file.folder_has("gunicorn.conf.py");
            let more = line.is("ENTRYPOINT");
            if given || asks || environment || configured || more || file.compose_names("command:")
            {
                continue;
            }
            out.span(
                file.dockerfile,
                command.span,
                format!("`{name}` escucha en `127.0.0.1` si no le dices otra cosa"),
            );
        }
    }
}

fn signal(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for line in file.lines() {
            let Kind::Stopsignal(word) = &line.instruction.kind else {
                continue;
            };
            if matches!(
                word.text().to_uppercase().trim_start_matches("SIG"),
                "KILL" | "STOP" | "9" | "19"
            ) {
                out.span(
                    file.dockerfile,
                    word.span,
                    format!("`{}` no se puede atender", word.text()),
                );
            }
        }
    }
}
