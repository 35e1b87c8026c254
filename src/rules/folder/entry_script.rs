//! The script that starts the container, looked at together with how the image gets and starts it.

use super::shadowed_library;
use super::started::{By, started};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::location::Location;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "El guion de arranque",
    rules: &RULES,
};

const STARTS: &str = "FROM python:3.11-slim\nWORKDIR /app\nCOPY arranca.sh .\nRUN chmod +x arranca.sh\nENTRYPOINT [\"./arranca.sh\"]\nCMD [\"python\", \"-m\", \"http.server\"]\n";

static RULES: [Rule; 5] = [
    Rule {
        id: "guion-con-crlf",
        title: "el guion de arranque tiene finales de línea de Windows",
        level: Level::Error,
        why: "Linux lee el `\\r` del final como parte del nombre del intérprete: busca `/bin/sh\\r`, no lo encuentra y dice «no such file or directory».",
        fix: "guárdalo con finales de línea LF y pon `*.sh text eol=lf` en `.gitattributes`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[
            ("Dockerfile", STARTS),
            ("arranca.sh", "#!/bin/sh\r\nset -e\r\nexec \"$@\"\r\n"),
        ],
        right: &[
            ("Dockerfile", STARTS),
            ("arranca.sh", "#!/bin/sh\nset -e\nexec \"$@\"\n"),
        ],
        check: carriage_returns,
    },
    Rule {
        id: "guion-sin-interprete",
        title: "el guion de arranque no dice con qué se ejecuta",
        level: Level::Error,
        why: "Con corchetes no hay un shell que adivine: sin `#!` al principio, Linux no sabe ejecutar el archivo y dice «exec format error».",
        fix: "empieza el guion con `#!/bin/sh`, sin nada delante",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[
            ("Dockerfile", STARTS),
            ("arranca.sh", "set -e\nexec \"$@\"\n"),
        ],
        right: &[
            ("Dockerfile", STARTS),
            ("arranca.sh", "#!/bin/sh\nset -e\nexec \"$@\"\n"),
        ],
        check: interpreter,
    },
    Rule {
        id: "guion-sin-permiso",
        title: "el guion de arranque no se puede ejecutar",
        level: Level::Error,
        why: "`COPY` conserva los permisos del archivo: sin el de ejecución, el contenedor no arranca y dice «permission denied».",
        fix: "cópialo con `COPY --chmod=755`, o añade `RUN chmod +x` detrás; en git, `git update-index --chmod=+x`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY arranca.sh .\nENTRYPOINT [\"./arranca.sh\"]\n",
            ),
            ("arranca.sh", "#!/bin/sh\nset -e\nexec \"$@\"\n"),
        ],
        right: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY --chmod=755 arranca.sh .\nENTRYPOINT [\"./arranca.sh\"]\n",
            ),
            ("arranca.sh", "#!/bin/sh\nset -e\nexec \"$@\"\n"),
        ],
        check: permission,
    },
    Rule {
        id: "guion-sin-exec",
        title: "el guion de arranque no cede su sitio a la app",
        level: Level::Warning,
        why: "Sin `exec`, el proceso 1 es el shell, que no pasa la señal de parada: `docker stop` espera diez segundos y mata la app a medias.",
        fix: "pon `exec` delante de la última orden",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[
            ("Dockerfile", STARTS),
            ("arranca.sh", "#!/bin/sh\nset -e\n\"$@\"\n"),
        ],
        right: &[
            ("Dockerfile", STARTS),
            ("arranca.sh", "#!/bin/sh\nset -e\nexec \"$@\"\n"),
        ],
        check: no_exec,
    },
    Rule {
        id: "archivo-que-tapa-un-modulo",
        title: "un archivo se llama como un módulo de Python y está junto al guion que se arranca",
        level: Level::Note,
        why: "Al arrancar un guion, Python busca primero en su carpeta: quien escriba `import logging` recibe tu archivo, y las bibliotecas que lo necesitan fallan al importarse.",
        fix: "dale otro nombre, como `registro.py`, o arranca la app como módulo: `python -m app.main`",
        lesson: "08-buenas-practicas.html#logging-estructurado",
        equivalents: &[],
        wrong: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY config config\nUSER 10001\nCMD [\"python\", \"config/main.py\"]\n",
            ),
            ("config/main.py", "import json\n"),
            ("config/logging.py", "NIVEL = 'INFO'\n"),
        ],
        right: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY config config\nUSER 10001\nCMD [\"python\", \"config/main.py\"]\n",
            ),
            ("config/main.py", "import json\n"),
            ("config/registro.py", "NIVEL = 'INFO'\n"),
        ],
        check: shadowed_library::check,
    },
];

fn carriage_returns(reading: &Reading, out: &mut Out<'_>) {
    for started in started(reading) {
        let text = started.text();
        let shebang = text
            .split('\n')
            .next()
            .is_some_and(|line| line.starts_with("#!") && line.ends_with('\r'));
        let anywhere = text.contains("\r\n");
        let wrong = match started.by {
            By::Kernel | By::Shell => shebang,
            By::Interpreter => anywhere,
        };
        let changes = ["dos2unix", "sed", "tr", "perl", "awk", "python", "python3"];
        if !wrong || started.is_changed_by(reading, &changes) {
            continue;
        }
        let finding = out.at(
            Location::line(started.file.path.clone(), 1),
            format!(
                "`{}` tiene finales de línea de Windows (CRLF), y con ellos no arranca",
                started.name()
            ),
        );
        finding.related(started.dockerfile.location(started.span), "aquí se arranca");
        if started.by == By::Interpreter {
            finding.level(Level::Warning).message = format!(
                "`{}` tiene finales de línea de Windows (CRLF): el shell toma el `\\r` por parte de cada orden",
                started.name()
            );
        }
    }
}

fn interpreter(reading: &Reading, out: &mut Out<'_>) {
    for started in started(reading) {
        let text = started.bytes;
        let is_text = std::str::from_utf8(text).is_ok_and(|text| !text.contains('\0'));
        if started.by != By::Kernel || !is_text || text.starts_with(b"#!") {
            continue;
        }
        if started.is_changed_by(
            reading,
            &[
                "sed", "tr", "perl", "awk", "dos2unix", "cat", "printf", "echo", "tee", "mv", "cp",
            ],
        ) {
            continue;
        }
        let name = started.name();
        let visible = started.text();
        let hidden = visible.trim_start_matches('\u{feff}').trim_start();
        let message = if hidden.starts_with("#!") {
            format!(
                "delante del `#!` de `{name}` hay algo (una marca de orden de bytes, un espacio o una línea vacía): Linux no lo reconoce"
            )
        } else {
            format!("`{name}` no empieza por `#!`, y con corchetes no lo ejecuta un shell")
        };
        out.at(Location::line(started.file.path.clone(), 1), message)
            .related(started.dockerfile.location(started.span), "aquí se ejecuta");
    }
}

fn permission(reading: &Reading, out: &mut Out<'_>) {
    // Where there are no such permissions, none is missing.
    if cfg!(windows) {
        return;
    }
    for started in started(reading) {
        let given = started.file.instruction.flag("chmod").is_some();
        if started.by == By::Interpreter
            || started.executable
            || given
            || started.is_changed_by(reading, &["chmod", "install", "cp", "mv", "setfacl"])
        {
            continue;
        }
        out.span(
            started.dockerfile,
            started.span,
            format!("`{}` no tiene permiso de ejecución", started.file.path),
        )
        .related(
            started.dockerfile.location(started.file.instruction.span),
            "aquí se copia, con los permisos que tiene",
        );
    }
}

/// Programs that go on until they are stopped.
const SERVERS: [&str; 12] = [
    "celery",
    "daphne",
    "flask",
    "granian",
    "gunicorn",
    "hypercorn",
    "java",
    "jupyter",
    "mlflow",
    "node",
    "streamlit",
    "uvicorn",
];

fn no_exec(reading: &Reading, out: &mut Out<'_>) {
    for started in started(reading) {
        let text = started.text();
        let first = text.lines().next().unwrap_or_default();
        let is_shell = started.by == By::Interpreter
            || (first.starts_with("#!")
                && ["sh", "bash", "dash", "ash"]
                    .iter()
                    .any(|name| first.split(['/', ' ']).any(|part| part.trim() == *name)));
        // Who handles signals, or leaves the application in the background, knows what to do with them.
        let handles = text.contains("trap ") || text.contains("wait");
        if !is_shell || handles {
            continue;
        }
        let Some((line, command)) = last_command(&text) else {
            continue;
        };
        let word = command.split_whitespace().next().unwrap_or_default();
        let arguments = matches!(word, "\"$@\"" | "$@" | "$*" | "\"${@}\"" | "${@}");
        let module = matches!(word, "python" | "python3")
            && [
                "-m http.server",
                "-m uvicorn",
                "-m gunicorn",
                "-m flask",
                "-m app",
                "manage.py runserver",
            ]
            .iter()
            .any(|server| command.contains(server));
        let joined = [";", "&&", "||", "|", "&"]
            .iter()
            .any(|sign| command.contains(sign));
        if joined || !(arguments || module || SERVERS.contains(&word)) {
            continue;
        }
        out.at(
            Location::line(started.file.path.clone(), line),
            format!(
                "`{}` arranca la app sin `exec`: no le llegará la señal de parada",
                started.name()
            ),
        )
        .help(format!("escribe `exec {command}`"))
        .related(started.dockerfile.location(started.span), "aquí se arranca");
    }
}

/// The last line that does something, with its number, when it stands in no block and is not continued.
fn last_command(text: &str) -> Option<(usize, String)> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let (index, line) = lines.iter().enumerate().rev().find(|(_, line)| {
        let empty = line.trim().is_empty() || line.trim_start().starts_with('#');
        // What only hands the application's code on does not count.
        !empty && !matches!(**line, "exit" | "exit $?" | "exit \"$?\"" | "exit 0")
    })?;
    let continued = index > 0 && lines[index - 1].ends_with('\\');
    let plain = !line.starts_with([' ', '\t']) && !continued && !text.contains("<<");
    plain.then(|| (index + 1, (*line).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_command_is_one_that_stands_in_no_block() {
        let last = |text| last_command(text).map(|(line, _)| line);
        assert_eq!(last("#!/bin/sh\nset -e\n\"$@\"\n# fin\n\n"), Some(3));
        assert_eq!(last("#!/bin/sh\n\"$@\"\nexit $?\n"), Some(2));
        assert_eq!(last("if true; then\n  \"$@\"\nfi\n"), Some(3));
        assert_eq!(last("if true; then\n  \"$@\"\n"), None);
        assert_eq!(last("uvicorn \\\napp:app\n"), None);
    }
}
