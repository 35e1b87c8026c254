//! The `HEALTHCHECK` of a Dockerfile.

use crate::rules::effects;
use crate::rules::files::{self, File, Line};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::shell::Joined;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "La prueba de salud del Dockerfile",
    rules: &RULES,
};

static RULES: [Rule; 3] = [
    Rule {
        id: "salud-sin-programa",
        title: "la prueba de salud usa un programa que la imagen no tiene",
        level: Level::Error,
        why: "Si el programa no está, la prueba falla siempre y el contenedor queda `unhealthy` aunque la app funcione.",
        fix: "usa lo que la imagen ya tiene: `CMD [\"python\", \"-c\", \"import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=2)\"]`, o instala el programa",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nHEALTHCHECK CMD curl -f http://localhost:8000/health || exit 1\nCMD [\"python\", \"-m\", \"app\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\nUSER 10001\nHEALTHCHECK CMD curl -f http://localhost:8000/health || exit 1\nCMD [\"python\", \"-m\", \"app\"]\n",
        )],
        check: absent,
    },
    Rule {
        id: "salud-que-nunca-falla",
        title: "la prueba de salud no puede fallar",
        level: Level::Warning,
        why: "Termina bien pase lo que pase: el contenedor sale `healthy` con la app caída, y quien dependa de ella no lo sabrá.",
        fix: "quita lo que tapa el fallo; si quieres un código fijo, `|| exit 1`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nHEALTHCHECK CMD python salud.py || true\nCMD [\"python\", \"-m\", \"app\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nHEALTHCHECK CMD python salud.py || exit 1\nCMD [\"python\", \"-m\", \"app\"]\n",
        )],
        check: never_fails,
    },
    Rule {
        id: "salud-con-curl-sin-f",
        title: "`curl` sin `-f` da por buena cualquier respuesta",
        level: Level::Warning,
        why: "Sin `-f`, `curl` acaba bien aunque la app responda 500: basta con que responda algo.",
        fix: "añade `-f`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM node:22\nUSER node\nHEALTHCHECK CMD curl http://localhost:3000/health || exit 1\nCMD [\"node\", \"a.js\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM node:22\nUSER node\nHEALTHCHECK CMD curl -fsS http://localhost:3000/health || exit 1\nCMD [\"node\", \"a.js\"]\n",
        )],
        check: curl,
    },
];

/// The `HEALTHCHECK` that holds in each output.
fn probes(reading: &Reading) -> Vec<(File<'_>, usize, Line<'_>)> {
    let mut probes = Vec::new();
    for file in files::all(reading) {
        for stage in file.outputs() {
            let probe = file.effective(stage, "HEALTHCHECK");
            probes.extend(
                probe
                    .filter(|line| line.script.understood)
                    .map(|line| (file, stage, line)),
            );
        }
    }
    probes
}

fn absent(reading: &Reading, out: &mut Out<'_>) {
    for (file, stage, line) in probes(reading) {
        let Some(base) = file.known(stage) else {
            continue;
        };
        let lines = file.lineage(stage);
        let commands = &line.script.commands;
        let mut told = Vec::new();
        for (at, command) in commands.iter().enumerate() {
            let (Some(program), Some(word)) = (command.program(), command.program_word()) else {
                continue;
            };
            let next = commands.get(at + 1);
            // Another program may be tried when this one fails; `exit 1` is none.
            let otherwise = next.is_some_and(|next| {
                next.joined == Joined::Or
                    && !matches!(next.program(), Some("exit" | "false" | "kill"))
            });
            let sure = (command.depth == 0 || command.substituted)
                && matches!(command.joined, Joined::First | Joined::And | Joined::Then)
                || at == 1 && matches!(commands[0].program(), Some("sh" | "bash"));
            if sure
                && !otherwise
                && !word.text.contains('/')
                && !told.contains(&program)
                && effects::is_absent(base, &lines, program)
            {
                told.push(program);
                out.span(
                    file.dockerfile,
                    word.span,
                    format!(
                        "`{program}` no está en esta imagen de `{}` ni se instala",
                        base.name
                    ),
                );
            }
        }
    }
}

fn never_fails(reading: &Reading, out: &mut Out<'_>) {
    for (file, _, line) in probes(reading) {
        let commands = &line.script.commands;
        let Some(last) = commands.last().filter(|last| !last.substituted) else {
            continue;
        };
        let zero = match last.program() {
            Some("true" | ":") => true,
            Some("echo" | "printf") => true,
            Some("exit") => last.args().first().is_some_and(|word| word.text == "0"),
            _ => false,
        };
        let only = commands
            .iter()
            .filter(|command| !command.substituted)
            .count()
            == 1;
        let exits = commands.iter().any(|command| {
            command.program() == Some("exit")
                && command.args().first().is_none_or(|word| word.text != "0")
        }) || commands
            .iter()
            .any(|command| command.program() == Some("set"));
        let outer = last.depth == 0
            || matches!(
                commands.first().and_then(|first| first.program()),
                Some("sh" | "bash")
            );
        if zero && !exits && outer && (only || matches!(last.joined, Joined::Or | Joined::Then)) {
            out.span(
                file.dockerfile,
                last.span,
                format!(
                    "con `{}` la prueba siempre acaba bien",
                    file.text(last.span)
                ),
            );
        }
    }
}

fn curl(reading: &Reading, out: &mut Out<'_>) {
    for (file, _, line) in probes(reading) {
        let commands = &line.script.commands;
        for (at, command) in commands.iter().enumerate() {
            let fails = command.has_short('f')
                || command.args().iter().any(|word| {
                    word.text.starts_with("--fail")
                        || word.text == "-w"
                        || word.text.starts_with("--write-out")
                        || word.text.starts_with("-w")
                        || word.expands && word.text.starts_with('$')
                });
            let piped = commands
                .get(at + 1)
                .is_some_and(|next| next.joined == Joined::Pipe);
            let web = command.args().iter().any(|word| {
                word.text.contains("http")
                    || word.text.contains("localhost")
                    || word.text.contains("127.0.0.1")
            });
            if command.program() == Some("curl") && web && !fails && !piped && !command.substituted
            {
                out.span(
                    file.dockerfile,
                    command.span,
                    "una respuesta 500 también pasa esta prueba".to_owned(),
                );
            }
        }
    }
}
