//! One file that somebody asks to have read, with what it cannot be understood without.

use std::path::Path;

use super::{FileKind, Reading};
use crate::submission::compose::ComposeError;
use crate::submission::snapshot::{Snapshot, SnapshotError};

/// Times that a compose file is read anew because it names one that is there.
const MOST_FETCHED: usize = 32;

impl Reading {
    /// Reads the file at `path`; a compose file with the `.env` beside it and the files that it names.
    ///
    /// # Errors
    /// As [`Snapshot::of_file`].
    pub fn of_file(path: &Path) -> Result<Self, SnapshotError> {
        let name = path.file_name().map(|name| name.to_string_lossy());
        let name = name.unwrap_or_default();
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut snapshot = Snapshot::of_file(path, &name)?;
        if snapshot.kind(&name) == Some(FileKind::Compose) {
            snapshot.fetch(folder, ".env");
        }
        let mut reading = Self::of(snapshot);
        for _ in 0..MOST_FETCHED {
            let mut snapshot = reading.snapshot.clone();
            let errors = reading.projects.iter().flat_map(|project| &project.errors);
            let fetched = errors.filter(|error| match error {
                ComposeError::Missing { path, .. } => snapshot.fetch(folder, path),
                _ => false,
            });
            if fetched.count() == 0 {
                break;
            }
            reading = Self::of(snapshot);
        }
        Ok(reading)
    }
}
