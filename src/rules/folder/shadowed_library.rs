//! A script that is started from a folder in which a file has the name of a module of Python's own library.

use super::copies;
use crate::rules::Out;
use crate::rules::files;
use crate::submission::Reading;
use crate::submission::location::Location;

/// Modules that nearly every library imports, and whose names invite to be used again.
const LIBRARY: [&str; 14] = [
    "calendar", "code", "copy", "email", "http", "json", "logging", "queue", "random", "secrets",
    "select", "signal", "types", "typing",
];

pub(super) fn check(reading: &Reading, out: &mut Out<'_>) {
    for build in copies::builds(reading) {
        let Some(file) = files::of_build(reading, build) else {
            continue;
        };
        let Some(stage) = copies::last_stage(file.dockerfile, build) else {
            continue;
        };
        for line in file.started(stage) {
            let commands = &line.script.commands;
            let python = |program: &str| matches!(program, "python" | "python3");
            let scripts = commands
                .iter()
                .filter(|command| command.program().is_some_and(python))
                .filter_map(|command| command.args().first())
                .filter(|word| !word.expands && word.text.ends_with(".py"));
            for word in scripts {
                let path = word.text.trim_start_matches("./");
                let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
                // Only a script of the context, named as it stands there, is sure to be in that folder.
                if path.starts_with('/')
                    || !reading.snapshot.contains(&copies::in_context(build, path))
                {
                    continue;
                }
                let beside = LIBRARY.iter().find_map(|module| {
                    let name = match folder {
                        "" => format!("{module}.py"),
                        folder => format!("{folder}/{module}.py"),
                    };
                    let at = copies::in_context(build, &name);
                    reading.snapshot.contains(&at).then_some((at, module))
                });
                if let Some((at, module)) = beside {
                    let message = format!(
                        "con `{}` en marcha, `import {module}` trae este archivo y no el de Python",
                        word.text
                    );
                    out.at(Location::line(at, 1), message).related(
                        file.dockerfile.location(line.instruction.span),
                        "aquí arranca el guion",
                    );
                }
            }
        }
    }
}
