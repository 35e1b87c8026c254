//! A health check of a compose file that uses what the image built here does not have.

use super::compose_build::built;
use super::copies;
use crate::rules::compose::health;
use crate::rules::{Out, effects, files};
use crate::submission::Reading;
use crate::submission::compose::Test;

pub(super) fn check(reading: &Reading, out: &mut Out<'_>) {
    let files: Vec<_> = files::all(reading).collect();
    for built in built(reading) {
        let healthcheck = built
            .service
            .healthcheck
            .as_ref()
            .filter(|check| !check.disable);
        let Some(test) = healthcheck.and_then(|check| check.test.as_ref()) else {
            continue;
        };
        let first = match &test.value {
            Test::None => None,
            Test::Cmd(words) => words.first().map(String::as_str),
            Test::Shell(text) if health::tries_another(text) => None,
            Test::Shell(text) => text.split_whitespace().next(),
        };
        // A program that is named with its path may be anything.
        let Some(program) = first.filter(|word| {
            word.chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        }) else {
            continue;
        };
        let file = files[built.build.dockerfile];
        let Some(stage) = copies::last_stage(built.dockerfile, built.build) else {
            continue;
        };
        let Some(known) = file.known(stage) else {
            continue;
        };
        let mounted = built
            .service
            .volumes
            .iter()
            .any(|mount| mount.target.contains("/bin"));
        // What is run at the start may install it.
        let installs = built
            .service
            .command
            .iter()
            .chain(&built.service.entrypoint)
            .flat_map(|command| &command.words)
            .any(|word| word.contains(program));
        if mounted || installs || !effects::is_absent(known, &file.lineage(stage), program) {
            continue;
        }
        let finding = out.at(
            test.location.clone(),
            format!(
                "la imagen de `{}` no tiene `{program}`",
                built.dockerfile.path
            ),
        );
        let from = built.dockerfile.stages.get(stage);
        let lowest = built.dockerfile.lineage(stage).last().or(from);
        if let Some(lowest) = lowest {
            let from = &built.dockerfile.instructions[lowest.from];
            finding.related(
                built.dockerfile.location(from.span),
                "esta imagen no lo trae, y ningún `RUN` lo instala",
            );
        }
        if known.has("python") == Some(true) {
            finding.help("usa Python, que sí está: `[\"CMD\", \"python\", \"-c\", \"import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=2)\"]`");
        }
    }
}
