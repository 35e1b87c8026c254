//! The snapshot: a submission's files, read once; every later step works on this copy.

mod archive;
mod folder;
mod intake;
mod links;
mod survey;

pub use links::Resolved;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use bytes::Bytes;

use super::reading::{FileKind, is_dockerfile};

/// What one submission may hold at most; above this it is refused before anything parses it.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Files, folders and links together.
    pub entries: usize,
    /// Bytes of all files together.
    pub total: u64,
    /// Folders inside folders.
    pub depth: usize,
    /// Bytes of a file that `muelle` parses itself (Dockerfile, compose, `.dockerignore`, `.env`).
    pub text: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            entries: 5_000,
            total: 64 << 20,
            depth: 32,
            text: 1 << 20,
        }
    }
}

/// Why no snapshot could be taken.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The folder is not there, or is no folder.
    #[error("{0}")]
    Unreadable(String),
    /// The folder is larger than the sandbox takes, or holds what it never takes.
    #[error("{0}")]
    Refused(String),
}

/// One entry of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A regular file.
    File {
        /// Content.
        bytes: Bytes,
        /// Whether any execute bit was set.
        executable: bool,
    },
    /// A folder.
    Dir,
    /// A symbolic link, never followed outside of the snapshot.
    Link(String),
    /// A file that is there but was not read, only in a snapshot taken by [`Snapshot::survey`].
    Unread,
}

/// A submission's files by path (`/` as separator, no leading `./`), immutable once taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    entries: BTreeMap<String, Entry>,
    /// Whether there is more in the folder than this.
    partial: bool,
    /// The one file that was asked for, whatever its name, and what it is to be read as.
    asked_for: Option<(String, FileKind)>,
}

/// Names that `muelle` parses itself, so that [`Limits::text`] holds for them.
fn is_parsed(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.starts_with("Dockerfile")
        || name.ends_with("Dockerfile")
        || name.ends_with(".dockerignore")
        || name.starts_with(".env")
        || ((name.ends_with(".yml") || name.ends_with(".yaml")) && name.contains("compose"))
        || is_dockerfile(path)
}

impl Snapshot {
    /// Reads `root`, a folder or an archive (`.zip`, `.tar`, `.tar.gz`, `.tgz`), within `limits`. Links are kept as
    /// links and never followed out; devices, sockets and FIFOs are refused without being opened; an archive is read
    /// where it lies and never unpacked.
    ///
    /// # Errors
    /// [`SnapshotError::Unreadable`] when `root` is no readable folder or archive, [`SnapshotError::Refused`]
    /// when it exceeds `limits` or holds something that is neither file, folder nor link.
    pub fn read(root: &Path, limits: Limits) -> Result<Self, SnapshotError> {
        let meta = fs::metadata(root).map_err(|e| {
            SnapshotError::Unreadable(format!(
                "no puedo leer `{}`: {}",
                root.display(),
                describe_io(&e)
            ))
        })?;
        if meta.is_dir() {
            return folder::read(root, limits);
        }
        match archive::Format::of(root) {
            Some(format) if meta.is_file() => archive::read(root, format, limits),
            _ => Err(SnapshotError::Unreadable(format!(
                "`{}` no es una carpeta: indica la carpeta de la entrega, o su archivo `.zip` o `.tar.gz`, no un archivo suelto",
                root.display()
            ))),
        }
    }

    /// Whether there may be more in the folder than the snapshot names: what is not in it need not be missing.
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    /// Whether this is [one file alone](Self::of_file), with what it names.
    pub fn is_of_one_file(&self) -> bool {
        self.asked_for.is_some()
    }

    /// What the file at `path` is read as, if at all.
    pub(super) fn kind(&self, path: &str) -> Option<FileKind> {
        match &self.asked_for {
            Some((asked_for, kind)) if asked_for == path => Some(*kind),
            _ => FileKind::of(path),
        }
    }

    /// Every path and its entry, in order.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries
            .iter()
            .map(|(path, entry)| (path.as_str(), entry))
    }

    /// The content of the file at `path`, through links that stay inside; nothing when there is no such file.
    pub fn file(&self, path: &str) -> Option<&Bytes> {
        match self.entries.get(path) {
            Some(Entry::File { bytes, .. }) => Some(bytes),
            Some(Entry::Dir | Entry::Unread) => None,
            Some(Entry::Link(_)) | None => match self.resolve(path) {
                Resolved::Inside(real) if real != path => match self.entries.get(&real) {
                    Some(Entry::File { bytes, .. }) => Some(bytes),
                    _ => None,
                },
                _ => None,
            },
        }
    }

    /// What is at `path`.
    pub fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether `path` is in it, as anything.
    pub fn contains(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    /// Adds or replaces a file, with the folders above it.
    pub fn insert(&mut self, path: &str, bytes: impl Into<Bytes>, executable: bool) {
        let mut parent = path;
        while let Some((dir, _)) = parent.rsplit_once('/') {
            // A file or link in the way of a folder gives way: what is laid on top wins.
            self.entries.insert(dir.to_owned(), Entry::Dir);
            parent = dir;
        }
        let bytes = bytes.into();
        self.entries
            .insert(path.to_owned(), Entry::File { bytes, executable });
    }

    /// Adds a link, for tests.
    #[cfg(test)]
    pub(crate) fn put_link(&mut self, path: &str, target: &str) {
        self.insert(path, "", false);
        self.entries
            .insert(path.to_owned(), Entry::Link(target.to_owned()));
    }

    /// Removes `path` and all below it.
    pub fn remove(&mut self, path: &str) {
        let below = format!("{path}/");
        self.entries
            .retain(|entry, _| entry != path && !entry.starts_with(&below));
    }

    /// Lays `other` over this snapshot: its files replace those of the same path.
    pub fn lay(&mut self, other: &Snapshot) {
        for (path, entry) in other.entries() {
            match entry {
                Entry::File { bytes, executable } => self.insert(path, bytes.clone(), *executable),
                Entry::Dir => {
                    if !matches!(self.entries.get(path), Some(Entry::Dir)) {
                        self.remove(path);
                        self.entries.insert(path.to_owned(), Entry::Dir);
                    }
                }
                Entry::Link(_) | Entry::Unread => {
                    self.entries.insert(path.to_owned(), entry.clone());
                }
            }
        }
    }

    /// What is below the folder `dir` (empty: everything) and wanted by `keep`, with paths relative to `dir`
    /// and the folders above what is kept.
    pub fn below(&self, dir: &str, keep: impl Fn(&str) -> bool) -> Snapshot {
        let prefix = if dir.is_empty() {
            String::new()
        } else {
            format!("{dir}/")
        };
        let mut kept = Self::default();
        for (path, entry) in &self.entries {
            let Some(path) = path.strip_prefix(&prefix) else {
                continue;
            };
            if keep(path) {
                for (end, _) in path.match_indices('/') {
                    kept.entries.insert(path[..end].to_owned(), Entry::Dir);
                }
                kept.entries.insert(path.to_owned(), entry.clone());
            }
        }
        kept
    }

    /// Writes everything below `root`, which must exist and be empty.
    ///
    /// # Errors
    /// Any fault of the disk.
    pub fn write(&self, root: &Path) -> std::io::Result<()> {
        for (path, entry) in &self.entries {
            let target = root.join(path);
            match entry {
                Entry::Dir => fs::create_dir_all(&target)?,
                Entry::File { bytes, executable } => {
                    if let Some(parent) = target.parent() {
                        fs::create_dir_all(parent)?;
                    }
                    fs::write(&target, bytes)?;
                    set_mode(&target, if *executable { 0o755 } else { 0o644 })?;
                }
                // One that leads out, or nowhere, is left away: whoever mounts this folder must not follow it.
                Entry::Link(to) => {
                    if !to.starts_with('/') && matches!(self.resolve(path), Resolved::Inside(_)) {
                        set_link(to, &target)?;
                    }
                }
                Entry::Unread => {}
            }
        }
        Ok(())
    }
}

#[cfg(unix)]
fn is_executable(meta: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o111 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    // Docker's own client marks every file of a context sent from Windows as executable.
    true
}

#[cfg(unix)]
fn set_link(to: &str, path: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(to, path)
}

#[cfg(not(unix))]
fn set_link(_: &str, _: &Path) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}

/// The usual faults of the disk, in Spanish.
fn describe_io(e: &std::io::Error) -> String {
    use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    match e.kind() {
        NotFound => "no existe".to_owned(),
        PermissionDenied => "no tengo permiso".to_owned(),
        NotADirectory => "no es una carpeta".to_owned(),
        _ => e.to_string(),
    }
}
