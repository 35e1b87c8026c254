//! `RUN rm` of a secret that an earlier layer keeps.

use super::copies::{self, InImage};
use super::{Out, secret_file};
use crate::submission::Reading;
use crate::submission::dockerfile::{Form, Instruction, Kind};
use crate::submission::dockerignore::Dockerignore;

pub(super) fn check(reading: &Reading, out: &mut Out<'_>) {
    for build in &reading.builds {
        let dockerfile = &reading.dockerfiles[build.dockerfile];
        let kept = copies::stages_kept(dockerfile, build);
        let removals: Vec<&Instruction> = dockerfile
            .instructions
            .iter()
            .filter(|instruction| instruction.stage.is_some_and(|stage| kept.contains(&stage)))
            .filter(|instruction| !removed(instruction).is_empty())
            .collect();
        if removals.is_empty() {
            continue;
        }
        let files = copies::image_files(reading, build);
        let secrets: Vec<(&String, &InImage<'_>)> = files
            .iter()
            .filter(|(_, file)| is_secret(reading, file))
            .collect();
        for instruction in removals {
            let workdir = copies::workdir_at(dockerfile, instruction);
            let gone = removed(instruction).into_iter().find_map(|path| {
                let path = copies::absolute(&path, workdir.as_deref())?;
                let pattern = Dockerignore::parse(&path).ok()?;
                let (_, file) = secrets.iter().find(|(at, file)| {
                    pattern.decide(at.trim_start_matches('/')).ignored
                        && file.instruction.span.start < instruction.span.start
                })?;
                Some(*file)
            });
            let Some(file) = gone else { continue };
            out.span(
                dockerfile,
                instruction.span,
                format!(
                    "este `rm` no quita `{}` de la imagen: sigue en la capa del `{}`",
                    file.path, file.instruction.keyword
                ),
            )
            .related(
                dockerfile.location(file.instruction.span),
                "esta capa lo guarda",
            );
        }
    }
}

/// A file is taken for a secret by its name or content, or because it is called a key and is removed.
fn is_secret(reading: &Reading, file: &InImage<'_>) -> bool {
    let name = file
        .path
        .rsplit('/')
        .next()
        .unwrap_or(&file.path)
        .to_lowercase();
    let stem = name.split('.').next().unwrap_or(&name);
    let called = [
        "clave",
        "secreto",
        "secret",
        "token",
        "password",
        "contrasena",
        "api_key",
        "apikey",
    ];
    secret_file::of(&reading.snapshot, &file.path).is_some()
        || (called.contains(&stem) && !name.ends_with(".py"))
}

/// The paths that `rm` is given in a `RUN`, patterns and all.
fn removed(instruction: &Instruction) -> Vec<String> {
    let Kind::Run(run) = &instruction.kind else {
        return Vec::new();
    };
    let words: Vec<String> = match &run.command.form {
        Form::Exec(words) => words.iter().map(|word| word.text().to_owned()).collect(),
        Form::Shell(text) => text
            .text
            .replace(['\n', ';', '|', '&', '(', ')'], " ; ")
            .split_whitespace()
            .map(|word| word.trim_matches(['"', '\'']).to_owned())
            .collect(),
    };
    let mut paths = Vec::new();
    let mut removing = false;
    let mut first = true;
    for word in &words {
        match word.as_str() {
            ";" => (removing, first) = (false, true),
            "rm" | "shred" | "unlink" if first => (removing, first) = (true, false),
            "sudo" | "then" | "do" if first => {}
            path if removing && !path.starts_with('-') && !path.contains('$') => {
                paths.push(path.to_owned());
            }
            _ => first = false,
        }
    }
    paths
}
