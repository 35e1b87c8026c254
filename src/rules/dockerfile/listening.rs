//! Where the server listens.

use super::command::started;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::shell::Simple;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Dónde escucha el servidor",
    rules: &RULES,
};

static RULES: [Rule; 1] = [Rule {
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
}];

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
