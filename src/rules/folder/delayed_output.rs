//! Python that keeps what it prints: `PYTHONUNBUFFERED` is set in another stage, or nowhere and the script goes on printing.

use super::copies;
use crate::rules::Out;
use crate::rules::files::{self, File, Line};
use crate::submission::Reading;
use crate::submission::dockerfile::Kind;
use crate::submission::location::Location;
use crate::submission::reading::ImageBuild;

const NAME: &str = "PYTHONUNBUFFERED";

pub(in crate::rules) fn check(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for stage in file.outputs() {
            let Some(line) = kept_back(file, stage) else {
                continue;
            };
            let there = file.lines().find(|line| {
                matches!(line.instruction.kind, Kind::Env(_))
                    && line
                        .instruction
                        .pairs()
                        .iter()
                        .any(|pair| pair.name.text() == NAME)
            });
            if let Some(there) = there {
                out.span(
                    file.dockerfile,
                    line.instruction.keyword_span,
                    format!("esta etapa no tiene `{NAME}`"),
                )
                .related(
                    file.dockerfile.location(there.instruction.span),
                    "solo vale en esta etapa".to_owned(),
                );
            }
        }
    }
    for build in copies::builds(reading) {
        printing(reading, build, out);
    }
}

/// What starts the stage, when it is Python and nothing makes it write at once.
fn kept_back(file: File<'_>, stage: usize) -> Option<Line<'_>> {
    if file.sets(stage, NAME, None)
        || file.known(stage).is_none_or(|base| base.name != "python")
        || file.compose_names(NAME)
    {
        return None;
    }
    file.started(stage).last().filter(|line| {
        line.script.commands.last().is_some_and(|command| {
            matches!(
                command.program(),
                Some("python" | "python3" | "uvicorn" | "gunicorn" | "flask")
            ) && !command.has_arg("-u")
        })
    })
}

/// A script of the folder that prints over and over.
fn printing(reading: &Reading, build: &ImageBuild, out: &mut Out<'_>) {
    let Some(file) = files::of_build(reading, build) else {
        return;
    };
    let Some(stage) = copies::last_stage(file.dockerfile, build) else {
        return;
    };
    // A terminal gets every line at once.
    if file.dockerfile.text.contains(NAME) || file.compose_names("tty") {
        return;
    }
    let Some(line) = kept_back(file, stage) else {
        return;
    };
    let [command] = line.script.commands.as_slice() else {
        return;
    };
    let word = command.args().first().filter(|word| !word.expands);
    let Some(word) = word.filter(|word| word.text.ends_with(".py")) else {
        return;
    };
    let workdir = copies::workdir_of(file.dockerfile, stage);
    let files = copies::image_files(reading, build);
    let script = copies::absolute(&word.text, workdir.as_deref()).and_then(|at| files.get(&at));
    let Some(script) = script else { return };
    if let Some(number) = prints(reading.text(&script.path)) {
        let message = format!("lo que imprime `{}` llega con retraso", word.text);
        out.span(file.dockerfile, line.instruction.keyword_span, message)
            .related(
                Location::line(script.path.clone(), number),
                "aquí se imprime",
            );
    }
}

/// The line of `text` inside of an endless loop that prints, when nothing in it has to do with how output is written.
fn prints(text: &str) -> Option<usize> {
    const OTHERWISE: [&str; 9] = [
        "flush", "buffer", "stdout", "stderr", "logging", "execv", "input(", "redirect", NAME,
    ];
    if OTHERWISE.iter().any(|word| text.contains(word)) || text.contains("def print") {
        return None;
    }
    let depth = |line: &str| line.len() - line.trim_start().len();
    let lines = text.lines().enumerate();
    let mut within: Option<usize> = None;
    let mut quoted = false;
    for (index, line) in lines {
        let code = line.trim_start();
        let opens = (line.matches("\"\"\"").count() + line.matches("'''").count()) % 2 == 1;
        if quoted || code.is_empty() || code.starts_with('#') {
            quoted ^= opens;
            continue;
        }
        quoted = opens;
        if within.is_some_and(|outer| depth(line) <= outer) {
            within = None;
        }
        if code.starts_with("while True:") || code.starts_with("while 1:") {
            within.get_or_insert(depth(line));
        }
        if within.is_some() && code.starts_with("print(") && !code.contains("file=") {
            return Some(index + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::Snapshot;

    const LOOP: &str = "import time\nwhile True:\n    print('hola')\n    time.sleep(1)\n";

    fn told(dockerfile: &str, script: &str) -> bool {
        let mut files = Snapshot::default();
        files.insert("Dockerfile", dockerfile.to_owned(), false);
        files.insert("app/bucle.py", script.to_owned(), false);
        let reading = Reading::of(files);
        let mut found = crate::rules::judge(&reading).into_iter();
        found.any(|one| one.rule == "salida-con-retraso")
    }

    #[test]
    fn a_script_that_goes_on_printing_is_told_unless_something_writes_at_once() {
        let from = "FROM python:3.11-slim\nWORKDIR /srv\nCOPY . .\n";
        let starts = |command: &str| format!("{from}CMD [{command}]\n");
        let plain = starts("\"python\", \"app/bucle.py\"");
        assert!(told(&plain, LOOP));
        assert!(told(&plain.replace("COPY . .", "COPY app /srv/app"), LOOP));
        for (dockerfile, script) in [
            (
                starts("\"python\", \"-u\", \"app/bucle.py\""),
                LOOP.to_owned(),
            ),
            (
                plain.replace("COPY", "ENV PYTHONUNBUFFERED=1\nCOPY"),
                LOOP.to_owned(),
            ),
            (
                plain.replace("python:3.11-slim", "mi/base:1"),
                LOOP.to_owned(),
            ),
            (plain.clone(), LOOP.replace("'hola'", "'hola', flush=True")),
            (plain.clone(), "print('hola')\n".to_owned()),
            (
                plain.clone(),
                "while True:\n    break\nprint('hola')\n".to_owned(),
            ),
            (plain.clone(), format!("\"\"\"\n{LOOP}\"\"\"\n")),
            (
                plain.clone(),
                LOOP.replace("import time", "import logging, time"),
            ),
        ] {
            assert!(!told(&dockerfile, &script), "{dockerfile}{script}");
        }
    }
}
