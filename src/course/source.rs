//! Where exercises come from: the binary, or a course folder on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rust_embed::RustEmbed;

use super::CourseError;
use crate::submission::Snapshot;
use crate::submission::snapshot::{Entry, Limits};

#[derive(RustEmbed)]
#[folder = "exercises/"]
#[exclude = "**/__pycache__/*"]
struct Exercises;

#[derive(RustEmbed)]
#[folder = "solutions/"]
#[exclude = "**/__pycache__/*"]
struct Solutions;

/// The file that makes a folder an exercise.
pub const MANIFEST: &str = "exercise.toml";

/// One exercise's folder, not yet understood.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// `NN-tema/NN-nombre`.
    pub path: String,
    /// What is in it, `exercise.toml` included.
    pub files: Snapshot,
    /// What stands at the same path under `solutions/`.
    pub solution: Snapshot,
}

/// The folders of a course.
#[derive(Clone, Debug, Default)]
pub struct Source {
    app: Snapshot,
    folders: Vec<Folder>,
}

impl Source {
    /// What is inside the binary.
    pub fn embedded() -> Self {
        let mut exercises = Snapshot::default();
        for path in Exercises::iter() {
            if let Some(file) = Exercises::get(&path) {
                exercises.insert(&path, file.data.into_owned(), false);
            }
        }
        let mut solutions = Snapshot::default();
        for path in Solutions::iter() {
            if let Some(file) = Solutions::get(&path) {
                solutions.insert(&path, file.data.into_owned(), false);
            }
        }
        Self::of(&exercises, &solutions)
    }

    /// What is under `root`'s `exercises/` and `solutions/`.
    ///
    /// # Errors
    /// [`CourseError::Unreadable`] when `root` has no `exercises/`, or something in it cannot be read.
    pub fn folder(root: &Path) -> Result<Self, CourseError> {
        Self::default().with(root)
    }

    /// This course, with the exercises of `root` whose paths it lacks. The folders of those that it
    /// has are not even read: a student may keep anything there.
    ///
    /// # Errors
    /// As for [`Source::folder`].
    pub fn with(mut self, root: &Path) -> Result<Self, CourseError> {
        let known = |path: &str| self.folders.iter().any(|folder| folder.path == path);
        let exercises = read(&root.join("exercises"), &known)?;
        let solutions = root.join("solutions");
        let solutions = if solutions.is_dir() {
            read(&solutions, &known)?
        } else {
            Snapshot::default()
        };
        let added = Self::of(&exercises, &solutions);
        self.folders.extend(added.folders);
        self.folders
            .sort_by_key(|folder| teaching_order(&folder.path));
        if self.app.is_empty() {
            self.app = added.app;
        }
        Ok(self)
    }

    /// The course whose `exercises/` and `solutions/` hold these files.
    pub fn of(exercises: &Snapshot, solutions: &Snapshot) -> Self {
        let mut all = by_folder(exercises);
        let mut solutions = by_folder(solutions);
        let app = below(exercises, "_app");
        all.retain(|_, files| files.contains(MANIFEST));
        let mut folders: Vec<Folder> = all
            .into_iter()
            .map(|(path, files)| Folder {
                solution: solutions.remove(&path).unwrap_or_default(),
                path,
                files,
            })
            .collect();
        folders.sort_by_key(|folder| teaching_order(&folder.path));
        Self { app, folders }
    }

    /// The shared app, `exercises/_app`.
    pub fn app(&self) -> &Snapshot {
        &self.app
    }

    /// The exercises' folders, in teaching order.
    pub fn folders(&self) -> &[Folder] {
        &self.folders
    }
}

/// The nearest folder at or above `start` that holds `exercises/`.
pub fn find_folder(start: &Path) -> Option<PathBuf> {
    start
        .ancestors()
        .find(|dir| dir.join("exercises").is_dir())
        .map(Path::to_path_buf)
}

/// Reads a tree folder by folder, but for those that are `known`, so that the limits of a submission
/// hold for each exercise and not for the course as a whole.
fn read(root: &Path, known: &dyn Fn(&str) -> bool) -> Result<Snapshot, CourseError> {
    let mut all = Snapshot::default();
    for topic in subfolders(root)? {
        let topic_root = root.join(&topic);
        if topic.starts_with('_') {
            add(&mut all, &topic_root, &topic)?;
            continue;
        }
        for name in subfolders(&topic_root)? {
            let path = format!("{topic}/{name}");
            if !known(&path) {
                add(&mut all, &topic_root.join(&name), &path)?;
            }
        }
    }
    Ok(all)
}

fn add(all: &mut Snapshot, dir: &Path, prefix: &str) -> Result<(), CourseError> {
    let files = Snapshot::read(dir, Limits::default())
        .map_err(|e| CourseError::Unreadable(e.to_string()))?;
    for (path, entry) in files.entries() {
        if let Entry::File { bytes, executable } = entry {
            all.insert(&format!("{prefix}/{path}"), bytes.clone(), *executable);
        }
    }
    Ok(())
}

fn subfolders(dir: &Path) -> Result<Vec<String>, CourseError> {
    let unreadable = |e: std::io::Error| {
        CourseError::Unreadable(format!("no puedo leer la carpeta `{}`: {e}", dir.display()))
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        if entry.path().is_dir() {
            names.extend(entry.file_name().into_string());
        }
    }
    names.sort();
    Ok(names)
}

/// Groups files by the two folders above them; what Python left behind is no part of a course.
fn by_folder(all: &Snapshot) -> BTreeMap<String, Snapshot> {
    let mut folders: BTreeMap<String, Snapshot> = BTreeMap::new();
    for (path, entry) in all.entries() {
        let mut names = path.splitn(3, '/');
        let (Some(topic), Some(name), Some(rest)) = (names.next(), names.next(), names.next())
        else {
            continue;
        };
        if topic.starts_with('_') || rest.split('/').any(|name| name == "__pycache__") {
            continue;
        }
        if let Entry::File { bytes, executable } = entry {
            let files = folders.entry(format!("{topic}/{name}")).or_default();
            files.insert(rest, bytes.clone(), *executable);
        }
    }
    folders
}

fn below(all: &Snapshot, folder: &str) -> Snapshot {
    let mut files = Snapshot::default();
    for (path, entry) in all.entries() {
        let rest = path
            .strip_prefix(folder)
            .and_then(|rest| rest.strip_prefix('/'));
        if let (Some(rest), Entry::File { bytes, executable }) = (rest, entry)
            && !rest.contains("__pycache__")
        {
            files.insert(rest, bytes.clone(), *executable);
        }
    }
    files
}

/// By the exercise's own number, as a number: `9-…` comes before `10-…`, and an exercise keeps its place in the
/// course whatever topic its folder is in (`03-seguridad/15-…` comes after `04-multietapa/12-…`).
fn teaching_order(path: &str) -> (u32, u32, String) {
    let number = |name: &str| {
        let digits: String = name.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or(u32::MAX)
    };
    let (topic, name) = path.split_once('/').unwrap_or((path, ""));
    (number(name), number(topic), path.to_owned())
}
