//! What `COPY` names and is not in the context.

use super::copies::{self, Copied};
use crate::rules::Out;
use crate::submission::Reading;
use crate::submission::dockerignore;
use crate::verdict::Level;

pub(super) fn missing(reading: &Reading, out: &mut Out<'_>) {
    for copied in copies::all(reading) {
        if reading.snapshot.is_partial() || !additional_contexts_are_none(reading, &copied) {
            continue;
        }
        for source in copied.sources() {
            let at = copied.in_snapshot(&source.path);
            let climbs = source.word.text().contains("..");
            if source.is_broad()
                || source.is_pattern()
                || climbs
                || reading.snapshot.contains(&at)
                || copies::is_unsure(reading, &at)
                || copies::is_git_ignored(reading, &at)
            {
                continue;
            }
            let near = near(reading, &copied, &source.path);
            // Without a compose file the context is a guess, and a folder may be laid over another one: there only a
            // name that is nearly right tells a mistake.
            let complete = copied.build.service.is_some() && others_are_there(reading, &copied);
            if !complete && near.is_none() {
                continue;
            }
            let folder = match copied.build.context.as_str() {
                "" => "la carpeta que se envía al constructor".to_owned(),
                context => format!("`{context}/`, la carpeta que se envía al constructor"),
            };
            let finding = out.span(
                copied.dockerfile,
                source.word.span,
                format!("`{}` no está en {folder}", source.word.written),
            );
            if let Some(near) = near {
                finding.help(format!(
                    "¿quisiste decir `{near}`? {}",
                    capital(finding.help.clone())
                ));
            }
        }
    }
}

fn capital(text: String) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => text,
    }
}

fn additional_contexts_are_none(reading: &Reading, copied: &Copied<'_>) -> bool {
    let Some((project, service)) = &copied.build.service else {
        return true;
    };
    reading
        .services()
        .find(|(index, _, one)| index == project && one.name == *service)
        .and_then(|(_, _, service)| service.build.as_ref())
        .is_none_or(|build| build.additional_contexts.is_empty())
}

/// Whether most of what the same Dockerfile copies is in the context: else the folder is only a part of one.
fn others_are_there(reading: &Reading, copied: &Copied<'_>) -> bool {
    let mut there = 0;
    let mut absent = 0;
    for other in copies::of_build(reading, copied.build) {
        for source in other.sources() {
            if source.is_broad() || source.is_pattern() {
                continue;
            }
            if reading.snapshot.contains(&other.in_snapshot(&source.path)) {
                there += 1;
            } else {
                absent += 1;
            }
        }
    }
    there > absent
}

/// What lies beside where `path` should be and has nearly its name.
fn near(reading: &Reading, copied: &Copied<'_>, path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |parts| parts);
    let beside = copied.in_snapshot(folder);
    let prefix = if beside.is_empty() {
        String::new()
    } else {
        format!("{beside}/")
    };
    let names = reading.snapshot.entries().filter_map(|(path, _)| {
        let name = path.strip_prefix(&prefix)?;
        (!name.contains('/')).then_some(name)
    });
    let alike = |other: &&str| {
        let extension = |name: &str| name.rsplit_once('.').map(|(_, end)| end.to_lowercase());
        let same = other.to_lowercase() == name.to_lowercase();
        let typo = name.len() > 4
            && extension(other) == extension(name)
            && strsim::damerau_levenshtein(other, name) <= 2
            && !name.chars().any(|c| c.is_ascii_digit());
        same || typo
    };
    let found = names.filter(alike).min()?;
    Some(match folder {
        "" => found.to_owned(),
        folder => format!("{folder}/{found}"),
    })
}

pub(super) fn outside(reading: &Reading, out: &mut Out<'_>) {
    for copied in copies::all(reading) {
        for source in copied.sources() {
            let climbs = dockerignore::clean(source.word.text()).starts_with("../");
            // BuildKit, unlike the builder before it, drops what climbs out and looks inside of the context.
            let at = copied.in_snapshot(&source.path);
            if !climbs || source.is_pattern() || reading.snapshot.contains(&at) {
                continue;
            }
            let finding = out.span(
                copied.dockerfile,
                source.word.span,
                format!(
                    "`{}` está fuera del contexto, y ahí no llega `{}`",
                    source.word.written, copied.instruction.keyword
                ),
            );
            let guess = copied.build.service.is_none()
                && (reading.snapshot.is_partial()
                    || may_be_of_another(reading, &copied, &source.path));
            if guess {
                finding.level(Level::Warning);
            }
        }
    }
}

/// Whether the context that is taken for `copied` may be another one, in which `path` stands as well.
pub(super) fn may_be_of_another(reading: &Reading, copied: &Copied<'_>, path: &str) -> bool {
    let mut folder = copied.build.context.as_str();
    while copied.build.service.is_none() && !folder.is_empty() {
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        let there = match folder {
            "" => path.to_owned(),
            folder => format!("{folder}/{path}"),
        };
        if reading.snapshot.contains(&there) {
            return true;
        }
    }
    false
}
