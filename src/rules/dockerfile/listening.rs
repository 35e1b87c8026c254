//! Where the server listens.

use super::command::started;
use crate::rules::files;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::shell::Simple;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Dónde escucha el servidor",
    rules: &RULES,
};

static RULES: [Rule; 3] = [
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
        id: "puerto-fijo-en-la-orden",
        title: "`PORT` no cambia el puerto en el que escucha el servidor",
        level: Level::Note,
        why: "Una variable que no cambia nada engaña: quien arranque el contenedor con otro `PORT` verá el servidor en el puerto de siempre.",
        fix: "usa la variable en la orden, `CMD [\"sh\", \"-c\", \"exec uvicorn app.main:app --host 0.0.0.0 --port $PORT\"]`, o quita `PORT`",
        lesson: "06-entorno.html#archivo-env",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV PORT=8000\nUSER 10001\nCMD [\"uvicorn\", \"app:app\", \"--host\", \"0.0.0.0\", \"--port\", \"8000\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV PORT=8000\nUSER 10001\nCMD [\"sh\", \"-c\", \"exec uvicorn app:app --host 0.0.0.0 --port $PORT\"]\n",
        )],
        check: fixed,
    },
    Rule {
        id: "host-solo-dentro",
        title: "`HOST` nombra una dirección a la que solo se llega desde dentro",
        level: Level::Note,
        why: "Si la app escucha donde dice `HOST`, con `127.0.0.1` solo la oye su propio contenedor: aunque publiques el puerto, desde fuera no se llega.",
        fix: "escribe `HOST=0.0.0.0`",
        lesson: "06-entorno.html#archivo-env",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV HOST=127.0.0.1\nUSER 10001\nEXPOSE 8000\nCMD [\"python\", \"-m\", \"app.main\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV HOST=0.0.0.0\nUSER 10001\nEXPOSE 8000\nCMD [\"python\", \"-m\", \"app.main\"]\n",
        )],
        check: local_host,
    },
];

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
        // What compose starts instead may listen elsewhere, and a network that is shared has no outside.
        if file.compose_names("command:") || file.compose_names("network_mode:") {
            continue;
        }
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
            if given || asks || environment || configured || more {
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

fn fixed(reading: &Reading, out: &mut Out<'_>) {
    for (file, stage, line) in started(reading) {
        if !file.sets(stage, "PORT", None) || file.compose_names("command:") {
            continue;
        }
        for command in &line.script.commands {
            let server = matches!(
                command.program(),
                Some("uvicorn" | "gunicorn" | "hypercorn" | "flask")
            );
            let told = ["--port", "--bind", "-b", "-p"];
            let word = told.iter().find_map(|option| command.option(option));
            let Some(word) = word.filter(|word| server && !word.expands) else {
                continue;
            };
            let port = word.text.rsplit([':', '=']).next().unwrap_or_default();
            if port.parse::<u16>().is_ok() {
                let message = format!("con cualquier `PORT`, el servidor escucha en el {port}");
                out.span(file.dockerfile, word.span, message);
            }
        }
    }
}

fn local_host(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for stage in file.outputs() {
            let lines = file.lineage(stage);
            let exposed = lines.iter().any(|line| line.is("EXPOSE"));
            let mut pairs = lines
                .iter()
                .filter(|line| line.is("ENV"))
                .flat_map(|line| line.instruction.pairs());
            // The last one holds.
            let Some(pair) = pairs.rfind(|pair| pair.name.text() == "HOST") else {
                continue;
            };
            let value = pair.value.as_ref().filter(|value| {
                matches!(
                    value.value.as_deref(),
                    Some("127.0.0.1" | "localhost" | "::1")
                )
            });
            if let Some(value) = value.filter(|_| exposed && !file.compose_names("HOST")) {
                let message = format!(
                    "si la app escucha en `{}`, no se llega a ella desde fuera del contenedor",
                    value.text()
                );
                out.span(file.dockerfile, value.span, message);
            }
        }
    }
}
