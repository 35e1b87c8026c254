//! What `RUN` runs.

use crate::rules::effects;
use crate::rules::files::{self, Line};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::known_images::System;
use crate::submission::shell::{self, Joined, Simple};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Lo que ejecuta RUN",
    rules: &RULES,
};

static RULES: [Rule; 5] = [
    Rule {
        id: "cd-que-no-dura",
        title: "el `cd` de un `RUN` no vale en el siguiente",
        level: Level::Warning,
        why: "Cada `RUN` es un proceso nuevo que empieza en la carpeta de `WORKDIR`: el `cd` de uno no vale en el siguiente.",
        fix: "usa `WORKDIR`, que vale para los pasos que siguen y para el contenedor",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["hadolint DL3003", "trivy DS-0013"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN cd /app\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nRUN cd /tmp && touch a\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: cd,
    },
    Rule {
        id: "export-que-no-dura",
        title: "lo que un `RUN` deja en su shell se pierde al acabar",
        level: Level::Warning,
        why: "Cada `RUN` es un shell nuevo: las variables de `export` y los entornos activados acaban con él.",
        fix: "usa `ENV NOMBRE=valor`; para un entorno virtual, `ENV PATH=\"/opt/venv/bin:$PATH\"`",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN python -m venv /venv\nRUN . /venv/bin/activate\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN python -m venv /venv\nENV PATH=\"/venv/bin:$PATH\"\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: export,
    },
    Rule {
        id: "sudo-en-run",
        title: "un `RUN` usa `sudo`",
        level: Level::Warning,
        why: "Al construir ya eres root, salvo detrás de `USER`; `sudo` no está en las imágenes oficiales y da al contenedor un camino de vuelta a root.",
        fix: "quítalo; si el paso va detrás de `USER`, ponlo delante",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[
            "hadolint DL3004",
            "checkov CKV2_DOCKER_1",
            "dockerfilelint sudo_usage",
            "dockle DKL-DI-0001",
            "trivy DS-0010",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN sudo mkdir /datos\nCMD [\"ls\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN mkdir /datos\nCMD [\"ls\"]\n",
        )],
        check: sudo,
    },
    Rule {
        id: "programa-que-no-esta",
        title: "un `RUN` usa un programa que la imagen no tiene",
        level: Level::Error,
        why: "Las imágenes `slim` y `alpine` traen lo justo: sin instalarlo antes, el shell no encuentra el programa y el paso falla.",
        fix: "instálalo en el mismo `RUN` o en uno anterior, o hazlo con lo que la imagen ya tiene",
        lesson: "03-multietapa.html#comparacion-de-tamanos",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN curl -fsSL -o /modelo https://example.com/modelo\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl && curl -fsSL -o /modelo https://example.com/modelo\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: absent,
    },
    Rule {
        id: "servidor-en-run",
        title: "un `RUN` arranca un servidor",
        level: Level::Error,
        why: "`RUN` se ejecuta al construir y espera a que la orden acabe; un servidor no acaba nunca. Lo que arranca el contenedor va en `CMD`.",
        fix: "cambia `RUN` por `CMD`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nRUN uvicorn app:app --host 0.0.0.0\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nCMD [\"uvicorn\", \"app:app\", \"--host\", \"0.0.0.0\"]\n",
        )],
        check: server,
    },
];

/// The last command of a `RUN`, when it is no part of a block.
fn last(line: Line<'_>) -> Option<&Simple> {
    line.run().last().filter(|command| {
        command.depth == 0 && matches!(command.joined, Joined::First | Joined::And | Joined::Then)
    })
}

fn cd(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::runs(reading) {
        let Some(command) = last(line).filter(|_| line.script.through_shell) else {
            continue;
        };
        if command.program() == Some("cd") {
            let finding = out.span(
                file.dockerfile,
                command.span,
                "el paso siguiente vuelve a empezar en la carpeta de `WORKDIR`".to_owned(),
            );
            if let ([folder], 1) = (command.args(), line.run().len())
                && folder.text.starts_with('/')
                && !folder.expands
                && line.instruction.flags.is_empty()
            {
                file.mend(
                    finding,
                    line.instruction.span,
                    format!("WORKDIR {}", folder.text),
                );
            }
        }
    }
}

fn export(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::runs(reading) {
        let Some(command) = last(line).filter(|command| command.redirects.is_empty()) else {
            continue;
        };
        let lost = match command.program() {
            Some("export" | "alias" | "unalias" | "ulimit" | "umask") => true,
            Some("source" | ".") => command.args().first().is_some_and(|word| {
                ["activate", ".env", ".bashrc", ".profile", ".bash_profile"]
                    .iter()
                    .any(|end| word.text.ends_with(end))
            }),
            Some("conda") => command.verb() == Some("activate"),
            None => {
                command.words.is_empty()
                    && !command.assignments.is_empty()
                    && !command
                        .assignments
                        .iter()
                        .any(|word| word.text.contains("$("))
            }
            _ => false,
        };
        if lost {
            let text = file.text(command.span);
            let text = text.lines().next().unwrap_or(text);
            out.span(
                file.dockerfile,
                command.span,
                format!("lo que hace `{text}` acaba con este paso"),
            );
        }
    }
}

fn sudo(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::runs(reading) {
        let before = file.before(line);
        let mut earlier: Vec<&Simple> = Vec::new();
        for command in line.run() {
            if let Some(word) = command.sudo() {
                let base = line.instruction.stage.and_then(|stage| file.known(stage));
                let absent = base.is_some_and(|base| effects::is_absent(base, &before, "sudo"))
                    && !earlier
                        .iter()
                        .any(|command| effects::may_install(command, "sudo"))
                    && command.joined != Joined::Or;
                let user = before.iter().any(|line| line.is("USER"));
                let message = match (absent, user) {
                    (true, _) => "la imagen no tiene `sudo`: el paso falla",
                    (false, true) => {
                        "este paso se ejecuta como otro usuario y vuelve a root con `sudo`"
                    }
                    (false, false) => "aquí ya eres root: `sudo` no hace falta",
                };
                let finding = out.span(file.dockerfile, word.span, message.to_owned());
                if absent {
                    finding.level(Level::Error);
                }
                break;
            }
            earlier.push(command);
        }
    }
}

fn absent(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::runs(reading) {
        let Some(base) = line.instruction.stage.and_then(|stage| file.known(stage)) else {
            continue;
        };
        let commands = line.run();
        // An `ENV PATH` may lead anywhere.
        if line.lends_cache() && line.lends("/usr") {
            continue;
        }
        for (at, command) in commands.iter().enumerate() {
            let (Some(program), Some(word)) = (command.program(), command.program_word()) else {
                continue;
            };
            let lacking = base.has(program) == Some(false) || program == "source";
            let fails = lacking
                && command.depth == 0
                && command.sudo().is_none()
                && !word.text.contains('/')
                && matches!(command.joined, Joined::First | Joined::And | Joined::Then)
                && !commands[at + 1..]
                    .iter()
                    .any(|next| next.joined == Joined::Or)
                && !commands[..at]
                    .iter()
                    .any(|c| matches!(c.program(), Some("alias")) || c.joined == Joined::Or);
            let goes_on = commands
                .get(at + 1)
                .is_some_and(|next| matches!(next.joined, Joined::Then | Joined::Pipe));
            let debian = matches!(
                base.system,
                System::Debian | System::DebianFull | System::Ubuntu
            );
            let bash = shell::shell_at(file.dockerfile, line.instruction).is_bash;
            let body = !line.instruction.heredocs.is_empty();
            if fails && program == "source" && debian && !bash && !body && command.words.len() > 1 {
                let message = "`source` es de bash, y el `sh` de esta imagen no lo conoce: ahí se escribe `.`";
                let finding = out.span(file.dockerfile, word.span, message.to_owned());
                if goes_on && !line.script.stops_at_failure {
                    finding.level(Level::Warning);
                }
                continue;
            }
            if !fails
                || commands[..at]
                    .iter()
                    .any(|command| effects::may_install(command, program))
                || !effects::is_absent(base, &file.before(line), program)
            {
                continue;
            }
            let text = file.text(line.instruction.span);
            if [format!("{program}()"), format!("{program} ()")]
                .iter()
                .any(|function| text.contains(function))
            {
                continue;
            }
            let base_name = base.name;
            let finding = out.span(
                file.dockerfile,
                word.span,
                format!("`{program}` no está en esta imagen de `{base_name}` ni se instala antes"),
            );
            if goes_on && !line.script.stops_at_failure {
                finding.level(Level::Warning);
            }
        }
    }
}

fn server(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::runs(reading) {
        for command in line.run().iter().filter(|command| command.depth == 0) {
            let never_ends = match command.program() {
                Some("uvicorn" | "gunicorn" | "hypercorn" | "daphne") => true,
                Some("flask" | "streamlit" | "fastapi") => {
                    matches!(command.verb(), Some("run" | "dev"))
                }
                Some("python" | "python3") => {
                    let args: Vec<_> = command
                        .args()
                        .iter()
                        .map(|word| word.text.as_str())
                        .collect();
                    matches!(
                        args.as_slice(),
                        ["-m", "http.server" | "uvicorn" | "gunicorn", ..]
                    ) || args.starts_with(&["-m", "flask", "run"])
                        || args.starts_with(&["manage.py", "runserver"])
                }
                _ => false,
            };
            let asks = command.args().iter().any(|word| {
                [
                    "--help",
                    "-h",
                    "--version",
                    "-v",
                    "-V",
                    "--check-config",
                    "--print-config",
                    "-D",
                    "--daemon",
                ]
                .contains(&word.text.as_str())
            });
            let aside = command
                .words
                .first()
                .is_some_and(|word| word.text == "timeout")
                || file.text(line.instruction.span).contains(" &")
                    && !file
                        .text(line.instruction.span)
                        .replace("&&", "")
                        .trim_end()
                        .is_empty()
                    && file
                        .text(line.instruction.span)
                        .replace("&&", "")
                        .contains('&');
            if never_ends && !asks && !aside {
                let text = command.program_word().map_or("", |word| word.text.as_str());
                out.span(
                    file.dockerfile,
                    command.span,
                    format!("`{text}` no acaba nunca, y la construcción se queda aquí"),
                );
            }
        }
    }
}
