//! Secrets that `COPY` takes along.

use super::copies;
use super::secret_file;
use super::wording::listed;
use crate::rules::Out;
use crate::submission::Reading;
use crate::submission::compose::Provider;
use crate::submission::location::Location;
use crate::verdict::Level;

pub(super) fn known(reading: &Reading, out: &mut Out<'_>) {
    for copied in copies::all(reading) {
        if !copied.is_kept() {
            continue;
        }
        for source in copied.sources() {
            let found: Vec<_> = copied
                .brings(reading, &source)
                .filter_map(|path| {
                    let at = copied.in_snapshot(path);
                    Some((path, secret_file::of(&reading.snapshot, &at)?))
                })
                .collect();
            let Some((first, _)) = found.first() else {
                continue;
            };
            let list = listed(found.iter().map(|(path, _)| *path));
            // What gives the secret away is named, never shown: the report may end up in a log that many read.
            let shown = found.iter().find_map(|(path, secret)| {
                let (line, name) = secret.shown.as_ref()?;
                Some(match name {
                    Some(name) => {
                        format!(", y con él el valor de `{name}` (`{path}`, línea {line})")
                    }
                    None => format!(", y con él una clave (`{path}`, línea {line})"),
                })
            });
            let what = match (source.path == *first, &*source.word.written) {
                (true, _) => format!("`{}`", copied.instruction.keyword),
                (false, written) => format!("`{} {written}`", copied.instruction.keyword),
            };
            let message = format!(
                "{what} mete en la imagen {list}{}",
                shown.as_deref().unwrap_or_default()
            );
            let finding = out.span(copied.dockerfile, source.word.span, message);
            if shown.is_some() {
                finding.level(Level::Error);
            }
            let ignore = copied.build.ignore.as_ref();
            if ignore.is_some_and(|ignore| ignore.file().is_none()) && source.path != *first {
                finding.help(format!(
                    "crea un `.dockerignore` con {list} y dáselo al contenedor al arrancar, con `env_file` o `secrets`"
                ));
            }
        }
    }
}

/// The files that the projects give to containers as secrets or variables: path, place and what it is.
fn given_by_compose(reading: &Reading) -> Vec<(String, Location, &'static str)> {
    let mut given = Vec::new();
    for loaded in reading.projects.iter().filter_map(|p| p.loaded.as_ref()) {
        for secret in loaded.project.secrets.values() {
            if let Provider::File(path) = &secret.provider.value {
                given.push((path.clone(), secret.provider.location.clone(), "secreto"));
            }
        }
        for file in loaded
            .project
            .services
            .values()
            .flat_map(|service| &service.env_file)
        {
            given.push((
                file.path.clone(),
                file.location.clone(),
                "archivo de variables",
            ));
        }
    }
    given.retain(|(path, _, _)| !path.starts_with(['/', '~', '.']) || path.starts_with(".env"));
    given
}

pub(super) fn of_compose(reading: &Reading, out: &mut Out<'_>) {
    let given = given_by_compose(reading);
    if given.is_empty() {
        return;
    }
    for copied in copies::all(reading) {
        if !copied.is_kept() || copied.build.ignore.is_none() {
            continue;
        }
        for source in copied.sources().iter().filter(|source| source.is_broad()) {
            let root = copied.in_snapshot("");
            let found = given.iter().find(|(path, _, _)| {
                let inside = match root.as_str() {
                    "" => Some(path.as_str()),
                    root => path
                        .strip_prefix(root)
                        .and_then(|path| path.strip_prefix('/')),
                };
                let told = secret_file::of(&reading.snapshot, path).is_some();
                let empty = reading
                    .snapshot
                    .file(path)
                    .is_some_and(|bytes| bytes.is_empty());
                inside.is_some_and(|inside| copied.takes(inside))
                    && !told
                    && !empty
                    && !secret_file::is_for_publication(path)
            });
            let Some((path, location, what)) = found else {
                continue;
            };
            let finding = out.span(
                copied.dockerfile,
                source.word.span,
                format!(
                    "`{} {}` mete en la imagen `{path}` si está en la carpeta",
                    copied.instruction.keyword, source.word.written
                ),
            );
            finding.related(location.clone(), format!("Compose lo da como {what}"));
            if reading.snapshot.contains(path) {
                finding.message = format!(
                    "`{} {}` mete en la imagen `{path}`",
                    copied.instruction.keyword, source.word.written
                );
                if *what == "secreto" {
                    finding.level(Level::Error);
                }
            }
        }
    }
}
