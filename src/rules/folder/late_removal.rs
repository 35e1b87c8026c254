//! `RUN rm` of a secret that an earlier layer keeps.

use super::copies::{self, InImage};
use super::secret_file;
use crate::rules::Out;
use crate::rules::files;
use crate::submission::Reading;
use crate::submission::dockerfile::{Kind, Word};
use crate::submission::dockerignore::Dockerignore;
use crate::submission::shell::{Script, Simple};
use crate::verdict::Level;

pub(in crate::rules) fn check(reading: &Reading, out: &mut Out<'_>) {
    named(reading, out);
    brought(reading, out);
}

/// A copy that names the secret: the Dockerfile alone tells all.
fn named(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::kept_runs(reading) {
        for command in line
            .run()
            .iter()
            .filter(|command| command.program() == Some("rm"))
        {
            for word in command.args().iter().filter(|word| !word.expands) {
                let name = word.text.trim_end_matches('/');
                let name = name.rsplit('/').next().unwrap_or(name);
                if !is_called_secret(name) {
                    continue;
                }
                let copied = file.before(line).into_iter().find_map(|other| {
                    let transfer = other.transfer().filter(|it| it.from.is_none())?;
                    let mut sources = transfer.sources.iter().map(Word::text);
                    let source = sources.find(|text| text.rsplit('/').next() == Some(name))?;
                    Some((other, level_of(reading, name, source)?))
                });
                if let Some((copied, level)) = copied {
                    out.span(file.dockerfile, command.span, message(name, copied.keyword))
                        .related(
                            file.dockerfile.location(copied.instruction.span),
                            "esta capa lo guarda",
                        )
                        .level(level);
                }
            }
        }
    }
}

/// How sure it is that a file of that name, which is copied and removed, is a secret: what was read decides over the
/// name. Nothing when it is none.
fn level_of(reading: &Reading, name: &str, source: &str) -> Option<Level> {
    let settings = name == ".npmrc" || name.starts_with(".env.");
    let certificate = name.ends_with(".pem");
    let snapshot = &reading.snapshot;
    let read: Vec<_> = snapshot
        .entries()
        .map(|(path, _)| path)
        .filter(|path| path.rsplit('/').next() == Some(name) && snapshot.file(path).is_some())
        .collect();
    if !read.is_empty() && (secret_file::is_named(name) || settings || certificate) {
        let found = read
            .iter()
            .filter_map(|path| secret_file::of(snapshot, path));
        let shown: Vec<bool> = found.map(|secret| secret.shown.is_some()).collect();
        let known = shown.contains(&true) || !name.starts_with(".env");
        return (!shown.is_empty()).then_some(if known { Level::Error } else { Level::Warning });
    }
    match (certificate, settings) {
        (true, _) => secret_file::is_named(source).then_some(Level::Warning),
        (_, true) => Some(Level::Warning),
        _ => Some(Level::Error),
    }
}

fn message(path: &str, keyword: impl std::fmt::Display) -> String {
    format!("este `rm` no quita `{path}` de la imagen: sigue en la capa del `{keyword}`")
}

/// A secret of the context that a wider copy brings along.
fn brought(reading: &Reading, out: &mut Out<'_>) {
    for build in copies::builds(reading) {
        let dockerfile = &reading.dockerfiles[build.dockerfile];
        let kept = copies::stages_kept(dockerfile, build);
        let scripts = &reading.scripts[build.dockerfile];
        let removals: Vec<_> = dockerfile
            .instructions
            .iter()
            .zip(scripts)
            .filter(|(instruction, script)| {
                matches!(instruction.kind, Kind::Run(_))
                    && instruction.stage.is_some_and(|stage| kept.contains(&stage))
                    && !removed(script).is_empty()
            })
            .collect();
        if removals.is_empty() {
            continue;
        }
        let files = copies::image_files(reading, build);
        let secrets: Vec<(&String, &InImage<'_>)> = files
            .iter()
            .filter(|(_, file)| is_secret(reading, file) && !is_told(file))
            .collect();
        for (instruction, script) in removals {
            let workdir = copies::workdir_at(dockerfile, instruction);
            let gone = removed(script).into_iter().find_map(|path| {
                let path = copies::absolute(path, workdir.as_deref())?;
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
                message(&file.path, file.instruction.keyword),
            )
            .related(
                dockerfile.location(file.instruction.span),
                "esta capa lo guarda",
            )
            .level(Level::Warning);
        }
    }
}

/// Whether a file of that name is removed because it is a secret.
fn is_called_secret(name: &str) -> bool {
    let settings = [".npmrc", "credentials.json", "secrets.json"];
    secret_file::is_named(name) || settings.contains(&name)
}

/// Whether the copy names the file itself, and [`named`] tells of it.
fn is_told(file: &InImage<'_>) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    let Kind::Transfer(transfer) = &file.instruction.kind else {
        return false;
    };
    let mut sources = transfer.sources.iter();
    is_called_secret(name) && sources.any(|source| source.text().rsplit('/').next() == Some(name))
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

/// The paths that `rm` is given, patterns and all.
fn removed(script: &Script) -> Vec<&str> {
    script
        .commands
        .iter()
        .filter(|command| matches!(command.program(), Some("rm" | "shred" | "unlink")))
        .flat_map(Simple::args)
        .filter(|word| !word.expands && !word.text.starts_with('-'))
        .map(|word| word.text.as_str())
        .collect()
}
