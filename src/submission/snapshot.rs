//! The snapshot: a submission's files, read once; every later step works on this copy.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use bytes::Bytes;

use super::reading::is_dockerfile;

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
}

/// Folders that a survey names but does not enter: made by tools, large, and never the student's own.
const NOT_ENTERED: [&str; 12] = [
    ".cache",
    ".git",
    ".hg",
    ".mypy_cache",
    ".pytest_cache",
    ".svn",
    ".tox",
    ".venv",
    "__pycache__",
    "node_modules",
    "target",
    "venv",
];
/// Entries of a survey at most.
const MOST_SURVEYED: usize = 50_000;
/// Bytes of a file that a survey reads although `muelle` does not parse it (scripts, requirements).
const MOST_BESIDE: u64 = 64 << 10;

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

/// Whether a survey reads a file of that name, which `muelle` does not parse: what starts a container, what it installs.
fn is_beside(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.ends_with(".sh")
        || name.ends_with(".env")
        || name.ends_with(".yml")
        || name.ends_with(".yaml")
        || (name.ends_with(".txt") && name.contains("requirements"))
        || !name.contains('.')
}

impl Snapshot {
    /// Reads `root` within `limits`. Links are kept as links; devices, sockets and FIFOs are refused.
    ///
    /// # Errors
    /// [`SnapshotError::Unreadable`] when `root` is no readable folder, [`SnapshotError::Refused`]
    /// when it exceeds `limits` or holds something that is neither file, folder nor link.
    pub fn read(root: &Path, limits: Limits) -> Result<Self, SnapshotError> {
        let meta = fs::metadata(root).map_err(|e| {
            SnapshotError::Unreadable(format!(
                "no puedo leer la carpeta `{}`: {}",
                root.display(),
                describe_io(&e)
            ))
        })?;
        if !meta.is_dir() {
            return Err(SnapshotError::Unreadable(format!(
                "`{}` no es una carpeta: indica la carpeta de la entrega, no un archivo suelto",
                root.display()
            )));
        }
        let mut snapshot = Self::default();
        let mut total = 0;
        snapshot.read_dir(root, "", 0, &mut total, limits)?;
        Ok(snapshot)
    }

    fn read_dir(
        &mut self,
        dir: &Path,
        prefix: &str,
        depth: usize,
        total: &mut u64,
        limits: Limits,
    ) -> Result<(), SnapshotError> {
        let unreadable = |path: &Path, e: &std::io::Error| {
            SnapshotError::Unreadable(format!(
                "no puedo leer `{}`: {}",
                path.display(),
                describe_io(e)
            ))
        };
        if depth > limits.depth {
            return Err(SnapshotError::Refused(format!(
                "la entrega tiene más de {} carpetas una dentro de otra (en `{prefix}`)",
                limits.depth
            )));
        }
        for entry in fs::read_dir(dir).map_err(|e| unreadable(dir, &e))? {
            let entry = entry.map_err(|e| unreadable(dir, &e))?;
            let path = entry.path();
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(SnapshotError::Refused(format!(
                    "el nombre `{}` no es UTF-8: cámbialo y vuelve a entregar",
                    path.display()
                )));
            };
            let relative = if prefix.is_empty() {
                name.to_owned()
            } else {
                format!("{prefix}/{name}")
            };
            if self.entries.len() >= limits.entries {
                return Err(SnapshotError::Refused(format!(
                    "la entrega tiene más de {} archivos: ¿quedó dentro un entorno virtual o `node_modules`?",
                    limits.entries
                )));
            }
            let kind = entry.file_type().map_err(|e| unreadable(&path, &e))?;
            if kind.is_symlink() {
                let target = fs::read_link(&path).map_err(|e| unreadable(&path, &e))?;
                let target = target.to_string_lossy().into_owned();
                self.entries.insert(relative, Entry::Link(target));
            } else if kind.is_dir() {
                self.entries.insert(relative.clone(), Entry::Dir);
                self.read_dir(&path, &relative, depth + 1, total, limits)?;
            } else if kind.is_file() {
                let meta = entry.metadata().map_err(|e| unreadable(&path, &e))?;
                let cap = if is_parsed(&relative) {
                    limits.text
                } else {
                    limits.total
                };
                if meta.len() > cap {
                    return Err(SnapshotError::Refused(format!(
                        "`{relative}` pesa {} MB y el máximo para este archivo es {} MB",
                        meta.len().div_ceil(1 << 20),
                        cap >> 20
                    )));
                }
                let mut bytes = Vec::with_capacity(meta.len() as usize);
                fs::File::open(&path)
                    .and_then(|f| f.take(cap + 1).read_to_end(&mut bytes))
                    .map_err(|e| unreadable(&path, &e))?;
                *total += bytes.len() as u64;
                if *total > limits.total || bytes.len() as u64 > cap {
                    return Err(SnapshotError::Refused(format!(
                        "la entrega pesa más de {} MB: deja fuera modelos y datos grandes",
                        limits.total >> 20
                    )));
                }
                self.insert(&relative, bytes, is_executable(&meta));
            } else {
                return Err(SnapshotError::Refused(format!(
                    "`{relative}` no es un archivo normal (es un dispositivo, un socket o una tubería): quítalo de la entrega"
                )));
            }
        }
        Ok(())
    }

    /// Looks through `root`, any folder of any size: names everything but what tools have made, and reads only what
    /// reading can judge. What cannot be read is passed over, and the snapshot [is partial](Self::is_partial).
    ///
    /// # Errors
    /// [`SnapshotError::Unreadable`] when `root` is no readable folder.
    pub fn survey(root: &Path) -> Result<Self, SnapshotError> {
        let limits = Limits::default();
        let mut survey = Self::default();
        let mut folders = vec![(root.to_owned(), String::new(), 0)];
        while let Some((dir, prefix, depth)) = folders.pop() {
            let entries = match fs::read_dir(&dir) {
                Ok(entries) => entries,
                Err(error) if prefix.is_empty() => {
                    return Err(SnapshotError::Unreadable(format!(
                        "no puedo leer la carpeta `{}`: {}",
                        root.display(),
                        describe_io(&error)
                    )));
                }
                Err(_) => {
                    survey.partial = true;
                    continue;
                }
            };
            for entry in entries {
                let known = entry.ok().and_then(|entry| {
                    let name = entry.file_name().into_string().ok()?;
                    Some((entry.file_type().ok()?, name, entry.path()))
                });
                let Some((kind, name, path)) = known else {
                    survey.partial = true;
                    continue;
                };
                if survey.entries.len() >= MOST_SURVEYED {
                    survey.partial = true;
                    return Ok(survey);
                }
                let relative = match prefix.as_str() {
                    "" => name.clone(),
                    prefix => format!("{prefix}/{name}"),
                };
                let entry = if kind.is_symlink() {
                    let target = fs::read_link(&path).unwrap_or_default();
                    Entry::Link(target.to_string_lossy().into_owned())
                } else if kind.is_dir() {
                    if depth < limits.depth && !NOT_ENTERED.contains(&name.as_str()) {
                        folders.push((path, relative.clone(), depth + 1));
                    } else {
                        survey.partial |= depth >= limits.depth;
                    }
                    Entry::Dir
                } else if kind.is_file() && (is_parsed(&relative) || is_beside(&relative)) {
                    let cap = if is_parsed(&relative) {
                        limits.text
                    } else {
                        MOST_BESIDE
                    };
                    read_small(&path, cap).unwrap_or(Entry::Unread)
                } else {
                    Entry::Unread
                };
                survey.entries.insert(relative, entry);
            }
        }
        Ok(survey)
    }

    /// One file alone, whose surroundings are not known.
    ///
    /// # Errors
    /// When it cannot be read, or is larger than any file that `muelle` parses.
    pub fn of_file(path: &Path, name: &str) -> Result<Self, SnapshotError> {
        let unreadable = |why: &str| {
            SnapshotError::Unreadable(format!("no puedo leer `{}`: {why}", path.display()))
        };
        let cap = Limits::default().text;
        let meta = fs::metadata(path).map_err(|error| unreadable(&describe_io(&error)))?;
        if !meta.is_file() {
            return Err(unreadable("no es un archivo normal"));
        }
        if meta.len() > cap {
            return Err(unreadable(&format!(
                "pesa más de {} MB, y ningún archivo de Docker pesa tanto",
                cap >> 20
            )));
        }
        let entry = read_small(path, cap).ok_or_else(|| unreadable("no tengo permiso"))?;
        let mut snapshot = Self {
            partial: true,
            ..Self::default()
        };
        snapshot.entries.insert(name.to_owned(), entry);
        Ok(snapshot)
    }

    /// Whether there may be more in the folder than the snapshot names: what is not in it need not be missing.
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    /// Every path and its entry, in order.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries
            .iter()
            .map(|(path, entry)| (path.as_str(), entry))
    }

    /// The content of the file at `path`, or nothing when there is no such file.
    pub fn file(&self, path: &str) -> Option<&Bytes> {
        match self.entries.get(path) {
            Some(Entry::File { bytes, .. }) => Some(bytes),
            _ => None,
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
                // A link could point anywhere; nothing that is written here needs one.
                Entry::Link(_) | Entry::Unread => {}
            }
        }
        Ok(())
    }
}

/// The content of a regular file of at most `cap` bytes.
fn read_small(path: &Path, cap: u64) -> Option<Entry> {
    let file = fs::File::open(path).ok()?;
    let meta = file.metadata().ok()?;
    if !meta.is_file() || meta.len() > cap {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).ok()?);
    file.take(cap + 1).read_to_end(&mut bytes).ok()?;
    (bytes.len() as u64 <= cap).then(|| Entry::File {
        bytes: bytes.into(),
        executable: is_executable(&meta),
    })
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
