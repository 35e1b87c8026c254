//! What folders and archives have in common on their way into a snapshot: every limit is kept here.

use std::io::Read;

use super::{Entry, Limits, Snapshot, SnapshotError, describe_io, is_parsed};

/// A snapshot in the making.
pub(super) struct Intake {
    pub snapshot: Snapshot,
    limits: Limits,
    total: u64,
}

impl Intake {
    pub fn new(limits: Limits) -> Self {
        Self {
            snapshot: Snapshot::default(),
            limits,
            total: 0,
        }
    }

    /// Makes sure that there is room for one more entry at `path`.
    pub fn admit(&self, path: &str) -> Result<(), SnapshotError> {
        if self.snapshot.entries.len() >= self.limits.entries {
            return Err(SnapshotError::Refused(format!(
                "la entrega tiene más de {} archivos: ¿quedó dentro un entorno virtual o `node_modules`?",
                self.limits.entries
            )));
        }
        if path.matches('/').count() > self.limits.depth {
            let end = path.char_indices().nth(60).map_or(path.len(), |(at, _)| at);
            return Err(SnapshotError::Refused(format!(
                "la entrega tiene más de {} carpetas una dentro de otra (en `{}…`)",
                self.limits.depth,
                shown(&path[..end])
            )));
        }
        Ok(())
    }

    /// Takes in a file that says to have `size` bytes; what `content` really has counts.
    pub fn file(
        &mut self,
        path: &str,
        size: u64,
        executable: bool,
        content: impl Read,
    ) -> Result<(), SnapshotError> {
        let cap = if is_parsed(path) {
            self.limits.text
        } else {
            self.limits.total
        };
        if size > cap {
            return Err(too_large(path, size, cap));
        }
        // What it says is not believed: a bomb says little.
        let mut bytes = Vec::with_capacity(usize::try_from(size.min(1 << 20)).unwrap_or_default());
        let left = cap.min(self.limits.total.saturating_sub(self.total));
        content
            .take(left + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| {
                SnapshotError::Unreadable(format!(
                    "no puedo leer `{}`: {}",
                    shown(path),
                    describe_io(&error)
                ))
            })?;
        let read = bytes.len() as u64;
        if read > cap {
            return Err(too_large(path, read, cap));
        }
        self.total += read;
        if self.total > self.limits.total {
            return Err(SnapshotError::Refused(format!(
                "la entrega pesa más de {} MB: deja fuera modelos y datos grandes",
                self.limits.total >> 20
            )));
        }
        self.snapshot.insert(path, bytes, executable);
        Ok(())
    }

    /// Takes in a folder.
    pub fn folder(&mut self, path: &str) {
        self.snapshot.entries.insert(path.to_owned(), Entry::Dir);
    }

    /// Takes in a link, as it is written.
    pub fn link(&mut self, path: &str, target: &[u8]) {
        let target = String::from_utf8_lossy(target).into_owned();
        self.snapshot
            .entries
            .insert(path.to_owned(), Entry::Link(target));
    }
}

fn too_large(path: &str, size: u64, cap: u64) -> SnapshotError {
    SnapshotError::Refused(format!(
        "`{}` pesa {} MB y el máximo para este archivo es {} MB",
        shown(path),
        size.div_ceil(1 << 20),
        cap >> 20
    ))
}

/// What is neither file, folder nor link.
pub(super) fn not_normal(path: &str) -> SnapshotError {
    SnapshotError::Refused(format!(
        "`{}` no es un archivo normal (es un dispositivo, un socket o una tubería): quítalo de la entrega",
        shown(path)
    ))
}

/// A name that has no text.
pub(super) fn not_text(name: &[u8]) -> SnapshotError {
    SnapshotError::Refused(format!(
        "el nombre `{}` no es UTF-8: cámbialo y vuelve a entregar",
        shown(&String::from_utf8_lossy(name))
    ))
}

/// A name on one line: control characters are shown, not obeyed.
pub(super) fn shown(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_control() {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}
