//! A look through any folder of any size, for reading alone; or at one file.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::Path;

use super::{
    Entry, FileKind, Limits, Snapshot, SnapshotError, describe_io, is_dockerfile, is_executable,
    is_parsed,
};

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

/// Scripts in Python of a survey that are read at most.
const MOST_STARTED: usize = 64;

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
        survey.read_started(root);
        Ok(survey)
    }

    /// Reads the Python scripts that the Dockerfiles name where they say what a container starts: no other one.
    fn read_started(&mut self, root: &Path) {
        let dockerfiles = self.entries.iter().filter_map(|(path, entry)| match entry {
            Entry::File { bytes, .. } if is_dockerfile(path) => std::str::from_utf8(bytes).ok(),
            _ => None,
        });
        let started = dockerfiles
            .flat_map(str::lines)
            .filter(|line| line.starts_with("CMD") || line.starts_with("ENTRYPOINT"))
            .flat_map(|line| line.split(|c: char| c.is_whitespace() || "\"',[]/".contains(c)))
            .filter(|name| name.ends_with(".py"));
        let started: BTreeSet<String> = started.map(str::to_owned).collect();
        if started.is_empty() {
            return;
        }
        let mut left = MOST_STARTED;
        for (path, entry) in &mut self.entries {
            let name = path.rsplit('/').next().unwrap_or(path);
            if left > 0 && *entry == Entry::Unread && started.contains(name) {
                left -= 1;
                if let Some(read) = read_small(&root.join(path), MOST_BESIDE) {
                    *entry = read;
                }
            }
        }
    }

    /// One file alone, whose surroundings are not known.
    ///
    /// # Errors
    /// When it cannot be read, is larger than any file that `muelle` parses, or is of no kind that `muelle` reads.
    pub fn of_file(path: &Path, name: &str) -> Result<Self, SnapshotError> {
        let unreadable = |why: &str| {
            SnapshotError::Unreadable(format!("no puedo leer `{}`: {why}", path.display()))
        };
        let cap = Limits::default().text;
        let meta = fs::metadata(path).map_err(|error| unreadable(&describe_io(&error)))?;
        if !meta.is_file() {
            return Err(unreadable("no es un archivo normal"));
        }
        let kind = FileKind::asked_for(name).ok_or_else(|| {
            unreadable(
                "sé leer un Dockerfile, un archivo de Compose (`.yml` o `.yaml`), un `.dockerignore` y un archivo de variables (`.env`), y por su nombre no es ninguno",
            )
        })?;
        if meta.len() > cap {
            return Err(unreadable(&format!(
                "pesa más de {} MB, y ningún archivo de Docker pesa tanto",
                cap >> 20
            )));
        }
        let entry = read_small(path, cap).ok_or_else(|| unreadable("no tengo permiso"))?;
        let mut snapshot = Self {
            partial: true,
            asked_for: Some((name.to_owned(), kind)),
            ..Self::default()
        };
        snapshot.entries.insert(name.to_owned(), entry);
        Ok(snapshot)
    }

    /// Adds the file at `path` of `folder`, which a file of the snapshot names; whether there is one to add.
    /// Links are not followed: they may lead anywhere.
    pub(in crate::submission) fn fetch(&mut self, folder: &Path, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(end, _)| end);
        let linked = ends.chain([path.len()]).any(|end| {
            let meta = fs::symlink_metadata(folder.join(&path[..end]));
            meta.is_ok_and(|meta| meta.is_symlink())
        });
        if linked || self.entries.contains_key(path) {
            return false;
        }
        let entry = read_small(&folder.join(path), Limits::default().text);
        entry.is_some_and(|entry| {
            self.entries.insert(path.to_owned(), entry);
            true
        })
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
