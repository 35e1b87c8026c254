//! A folder of this machine laid over the dependencies that the image installed.

use super::built::{Built, built};
use super::copies;
use crate::rules::Out;
use crate::submission::Reading;
use crate::submission::compose::{Mount, MountKind};
use crate::submission::dockerfile::{Instruction, Kind};
use crate::submission::dockerignore;

/// Where a `RUN` leaves the dependencies of the project in its working directory.
fn dependencies<'r>(reading: &Reading, built: &Built<'r>) -> Vec<(String, &'r Instruction)> {
    let scripts = &reading.scripts[built.build.dockerfile];
    let kept = copies::stages_kept(built.dockerfile, built.build);
    let runs = built
        .dockerfile
        .instructions
        .iter()
        .zip(scripts)
        .filter(|(one, _)| {
            matches!(one.kind, Kind::Run(_)) && one.stage.is_some_and(|stage| kept.contains(&stage))
        });
    let mut found = Vec::new();
    for (instruction, script) in runs {
        let Some(at) = copies::workdir_at(built.dockerfile, instruction) else {
            continue;
        };
        for command in &script.commands {
            let global = command.has_arg("-g") || command.has_arg("--global");
            let folder = match (command.program(), command.verb()) {
                (Some("npm"), Some("install" | "ci" | "i"))
                | (Some("pnpm"), Some("install" | "i"))
                    if !global =>
                {
                    "node_modules"
                }
                (Some("yarn"), None | Some("install")) if !command.has_arg("--version") => {
                    "node_modules"
                }
                (Some("uv"), Some("sync")) => ".venv",
                (Some("python" | "python3"), _) if command.has_arg("venv") => {
                    let Some(last) = command.args().last().filter(|word| !word.expands) else {
                        continue;
                    };
                    if let Some(at) = copies::absolute(&last.text, Some(&at)) {
                        found.push((at, instruction));
                    }
                    continue;
                }
                _ => continue,
            };
            found.push((dockerignore::clean(&format!("{at}/{folder}")), instruction));
        }
    }
    found
}

pub(super) fn check(reading: &Reading, out: &mut Out<'_>) {
    for built in built(reading) {
        let moved = built.kept().iter().any(|instruction| {
            instruction
                .pairs()
                .iter()
                .any(|pair| ["UV_PROJECT_ENVIRONMENT", "NODE_PATH"].contains(&pair.name.text()))
        });
        if moved {
            continue;
        }
        for (folder, instruction) in dependencies(reading, &built) {
            let over = |mount: &&Mount| {
                let target = mount.target.trim_end_matches('/');
                !target.is_empty() && folder != target && copies::is_below(&folder, target)
            };
            let volumes = &built.service.volumes;
            let Some(bind) = volumes
                .iter()
                .filter(|m| m.kind == MountKind::Bind)
                .find(over)
            else {
                continue;
            };
            let kept = volumes
                .iter()
                .any(|mount| mount.target.trim_end_matches('/') == folder);
            if kept {
                continue;
            }
            out.at(
                bind.location.clone(),
                format!("`{}` tapa `{folder}`, que la imagen instaló", bind.target),
            )
            .help(format!(
                "añade a `volumes` la línea `- {folder}`, o monta solo el código"
            ))
            .related(
                built.dockerfile.location(instruction.span),
                "aquí se instala",
            );
        }
    }
}
