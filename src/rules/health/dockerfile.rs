//! The `HEALTHCHECK` of a Dockerfile.

use super::instead;
use crate::rules::Out;
use crate::rules::effects;
use crate::rules::files::{self, File, Line};
use crate::submission::Reading;
use crate::submission::shell::Joined;

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

pub(super) fn absent(reading: &Reading, out: &mut Out<'_>) {
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
                let finding = out.span(
                    file.dockerfile,
                    word.span,
                    format!(
                        "`{program}` no está en esta imagen de `{}` ni se instala",
                        base.name
                    ),
                );
                if let Some(help) = instead(base, "HEALTHCHECK CMD [") {
                    finding.help(help);
                }
            }
        }
    }
}

pub(super) fn never_fails(reading: &Reading, out: &mut Out<'_>) {
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
                    "con `{}` el chequeo siempre acaba bien",
                    file.text(last.span)
                ),
            );
        }
    }
}

pub(super) fn curl(reading: &Reading, out: &mut Out<'_>) {
    for (file, stage, line) in probes(reading) {
        // Of a `curl` that is not there another rule tells.
        let base = file.known(stage);
        if base.is_some_and(|base| effects::is_absent(base, &file.lineage(stage), "curl")) {
            continue;
        }
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
                    "a este `curl` también le vale un error 500",
                );
            }
        }
    }
}

pub(super) fn reserved_code(reading: &Reading, out: &mut Out<'_>) {
    for (file, _, line) in probes(reading) {
        for command in &line.script.commands {
            let code = command.args().first().map(|word| word.text.as_str());
            if let (Some("exit"), Some(code)) = (command.program(), code)
                && code.parse::<u32>().is_ok_and(|code| code > 1)
            {
                let message =
                    format!("`exit {code}` no es una de las respuestas que Docker define");
                out.span(file.dockerfile, command.span, message);
            }
        }
    }
}
