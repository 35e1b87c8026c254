//! What the container starts: `CMD` and `ENTRYPOINT`.

use crate::rules::files::{self, File, Line};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::Kind;
use crate::submission::dockerfile::instruction::Form;
use crate::submission::known_images::System;
use crate::submission::shell::{self, Joined, Simple};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Lo que arranca el contenedor",
    rules: &RULES,
};

static RULES: [Rule; 5] = [
    Rule {
        id: "orden-repetida",
        title: "solo cuenta el último `CMD`, `ENTRYPOINT` o `HEALTHCHECK`",
        level: Level::Warning,
        why: "El contenedor arranca una sola orden: la última. Las de antes se descartan sin avisar.",
        fix: "deja solo la que quieres; para arrancar dos programas, usa dos contenedores",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[
            "BuildKit MultipleInstructionsDisallowed",
            "hadolint DL4003",
            "hadolint DL4004",
            "hadolint DL3012",
            "trivy DS-0007",
            "trivy DS-0016",
            "trivy DS-0023",
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
        why: "Sin `CMD` ni `ENTRYPOINT` se arranca lo de la imagen base, que aquí es un intérprete: espera que alguien escriba, y sin teclado acaba.",
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
        title: "el shell se queda delante de tu programa",
        level: Level::Warning,
        why: "Escrita sin corchetes, la orden la arranca `sh`, que recibe la señal de parada y no la pasa: `docker stop` espera diez segundos y mata la app.",
        fix: "usa la forma con corchetes, `CMD [\"programa\", \"argumento\"]`, o pon `exec` delante del programa",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[
            "hadolint DL3025",
            "BuildKit JSONArgsRecommended",
            "kics b86987e1",
            "slim lint ID.20012",
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
        id: "entrypoint-ignora-cmd",
        title: "con `ENTRYPOINT` sin corchetes, `CMD` no llega al programa",
        level: Level::Warning,
        why: "Docker le da al shell la forma sin corchetes como un solo texto: lo que diga `CMD`, o escribas detrás de `docker run imagen`, se pierde.",
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
        id: "senal-que-no-se-atiende",
        title: "`STOPSIGNAL` es una señal que ningún programa puede atender",
        level: Level::Warning,
        why: "Con `SIGKILL` el sistema corta la app al instante: no acaba las peticiones en curso ni cierra sus archivos.",
        fix: "quita la línea: Docker enviará `SIGTERM`",
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
                    "no hay `CMD`: el contenedor arranca lo de `{}`, que sin teclado acaba al instante",
                    base.name
                ),
            );
        }
    }
}

/// What an output starts, last line first; each line once.
pub(super) fn started(reading: &Reading) -> Vec<(File<'_>, usize, Line<'_>)> {
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
        let reaped = file.compose_names("init: true");
        let interactive = matches!(
            last.program(),
            Some("exit" | "bash" | "zsh" | "sh" | "fish" | "tmux")
        );
        if execs || simple || init || interactive || reaped {
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
                    "este `CMD` no llega al programa".to_owned(),
                )
                .related(
                    file.dockerfile.location(entrypoint.instruction.span),
                    "el shell toma solo este texto".to_owned(),
                );
            }
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
