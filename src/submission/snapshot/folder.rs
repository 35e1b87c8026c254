//! A folder read into a snapshot. Between looking and reading, a hostile program may swap what is there: every step
//! goes by what is already open, and never through a link.

#[cfg(not(unix))]
mod other;
#[cfg(unix)]
mod unix;

use std::ffi::OsString;
use std::io;
use std::path::Path;

#[cfg(not(unix))]
use other::Dir;
#[cfg(unix)]
use unix::Dir;

use super::intake::{Intake, not_normal, not_text, shown};
use super::{Limits, Snapshot, SnapshotError, describe_io};

/// What a name in a folder stands for, links not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    File,
    Dir,
    Link,
    /// A device, a socket, a FIFO.
    Special,
}

/// One name of a folder.
struct Found {
    name: OsString,
    kind: Kind,
}

/// Reads the folder `root`.
pub(super) fn read(root: &Path, limits: Limits) -> Result<Snapshot, SnapshotError> {
    let dir = Dir::open(root).map_err(|error| {
        SnapshotError::Unreadable(format!(
            "no puedo leer la carpeta `{}`: {}",
            root.display(),
            describe_io(&error)
        ))
    })?;
    let mut intake = Intake::new(limits);
    walk(&mut intake, &dir, "", limits)?;
    Ok(intake.snapshot)
}

fn walk(intake: &mut Intake, dir: &Dir, prefix: &str, limits: Limits) -> Result<(), SnapshotError> {
    // One more than there is room for: enough to say that there are too many.
    let here = if prefix.is_empty() { "." } else { prefix };
    let mut found = dir
        .list(limits.entries + 1)
        .map_err(|error| unreadable(here, &error))?;
    found.sort_by(|one, other| one.name.cmp(&other.name));
    for Found { name, kind } in found {
        let Some(text) = name.to_str() else {
            return Err(not_text(name.as_encoded_bytes()));
        };
        let path = match prefix {
            "" => text.to_owned(),
            prefix => format!("{prefix}/{text}"),
        };
        intake.admit(&path)?;
        let failed = |error: io::Error| unreadable(&path, &error);
        match kind {
            Kind::Link => {
                let target = dir.link(&name).map_err(failed)?;
                intake.link(&path, &target);
            }
            Kind::Dir => {
                intake.folder(&path);
                let inner = dir.enter(&name).map_err(failed)?;
                walk(intake, &inner, &path, limits)?;
            }
            Kind::File => match dir.file(&name).map_err(failed)? {
                Some((file, meta)) => {
                    intake.file(&path, meta.len(), super::is_executable(&meta), file)?;
                }
                None => return Err(not_normal(&path)),
            },
            Kind::Special => return Err(not_normal(&path)),
        }
    }
    Ok(())
}

fn unreadable(path: &str, error: &io::Error) -> SnapshotError {
    SnapshotError::Unreadable(format!(
        "no puedo leer `{}`: {}",
        shown(path),
        describe_io(error)
    ))
}

#[cfg(all(test, unix))]
mod tests;
