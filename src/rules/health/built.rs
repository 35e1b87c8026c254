//! A health check of a compose file that uses what the image built here does not have.

use super::compose::tries_another;
use super::instead;
use crate::rules::folder::built::{Built, built};
use crate::rules::folder::copies;
use crate::rules::{Out, effects, files};
use crate::submission::Reading;
use crate::submission::compose::{Located, Test};
use crate::submission::known_images::KnownImage;

/// A test whose program is missing from the image that is built for its service.
pub(super) struct Lack<'r> {
    pub(super) test: &'r Located<Test>,
    program: &'r str,
    built: Built<'r>,
    stage: usize,
    base: KnownImage,
}

/// Every one of them.
pub(super) fn lacks(reading: &Reading) -> Vec<Lack<'_>> {
    built(reading)
        .into_iter()
        .filter_map(|built| {
            let healthcheck = built.service.healthcheck.as_ref();
            let test = healthcheck.filter(|check| !check.disable)?.test.as_ref()?;
            let first = match &test.value {
                Test::None => None,
                Test::Cmd(words) => words.first().map(String::as_str),
                Test::Shell(text) if tries_another(text) => None,
                Test::Shell(text) => text.split_whitespace().next(),
            };
            // A program that is named with its path may be anything.
            let program = first.filter(|word| {
                word.chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
            })?;
            let file =
                files::all(reading).find(|file| std::ptr::eq(file.dockerfile, built.dockerfile))?;
            let stage = copies::last_stage(built.dockerfile, built.build)?;
            let base = file.known(stage)?;
            let mut volumes = built.service.volumes.iter();
            let mounted = volumes.any(|mount| mount.target.contains("/bin"));
            // What is run at the start may install it.
            let commands = built.service.command.iter();
            let installs = commands
                .chain(&built.service.entrypoint)
                .flat_map(|command| &command.words)
                .any(|word| word.contains(program));
            let absent = effects::is_absent(base, &file.lineage(stage), program);
            (absent && !mounted && !installs).then_some(Lack {
                test,
                program,
                built,
                stage,
                base,
            })
        })
        .collect()
}

pub(super) fn program(reading: &Reading, out: &mut Out<'_>) {
    for lack in lacks(reading) {
        let dockerfile = lack.built.dockerfile;
        let message = format!(
            "la imagen de `{}` no tiene `{}`",
            dockerfile.path, lack.program
        );
        let finding = out.at(lack.test.location.clone(), message);
        let from = dockerfile.stages.get(lack.stage);
        if let Some(lowest) = dockerfile.lineage(lack.stage).last().or(from) {
            let from = &dockerfile.instructions[lowest.from];
            finding.related(
                dockerfile.location(from.span),
                "esta imagen no lo trae, y ningún `RUN` lo instala",
            );
        }
        if let Some(help) = instead(lack.base, "[\"CMD\", ") {
            finding.help(help);
        }
    }
}
