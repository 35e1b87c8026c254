//! One exercise: what is asked, what the student starts from, and how it is checked.

pub(crate) mod manifest;
mod validate;

use std::collections::{BTreeMap, BTreeSet};

use toml::de::DeTable;

pub use self::manifest::BuildNetwork;
use self::manifest::Manifest;
use super::catalogue::ExperimentSpec;
use super::fault::{Fault, Text};
use super::glob;
use super::source::{Folder, MANIFEST};
use crate::submission::snapshot::Entry;
use crate::submission::{Location, Snapshot};

/// One line of an exercise's checklist.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Unique within the exercise.
    pub id: String,
    /// A short statement that can be checked.
    pub title: String,
    /// What it is worth; 0 when it only blocks others.
    pub points: f64,
    /// The experiment that decides it.
    pub experiment: String,
    /// The experiment's parameters, already checked against it.
    pub params: toml::Table,
    /// Items that must pass before this one can be tried.
    pub blocked_by: Vec<String>,
    /// Page of the book, with an anchor where there is one.
    pub lesson: String,
}

/// An exercise, ready to be tried.
#[derive(Clone, Debug)]
pub struct Exercise {
    /// Unique within the course.
    pub id: String,
    /// Its folder below `exercises/`: `NN-tema/NN-nombre`.
    pub path: String,
    /// Where its `exercise.toml` names its id.
    pub location: Location,
    /// What the student sees as its name.
    pub title: String,
    /// Page of the book.
    pub lesson: String,
    /// What it is about, in one line.
    pub summary: String,
    /// What to reach, in Markdown.
    pub goal: String,
    /// From the vaguest to the one that all but solves it.
    pub hints: [String; 3],
    /// Base images that a submission may use.
    pub images: Vec<String>,
    /// What the addresses that `ADD` may fetch begin with; none: `ADD` fetches nothing.
    pub add_urls: Vec<String>,
    /// What network the steps of a build have.
    pub build_network: BuildNetwork,
    /// The port that the app must serve on.
    pub port: u16,
    /// The compose services that the goal asks for: role and name.
    pub services: BTreeMap<String, String>,
    /// The checklist, in order.
    pub items: Vec<Item>,
    /// What the student starts from: the app, then the exercise's own files.
    pub starter: Snapshot,
    /// The part of the starter that is the course's: laid pristine over every submission.
    pub course_files: Snapshot,
    /// The files that solve it, without the course's; empty when there is no solution.
    pub solution: Snapshot,
    omitted: Vec<String>,
}

/// The files that are the student's when an exercise does not say.
pub const STUDENT_FILES: [&str; 8] = [
    "**/Dockerfile*",
    "**/*.Dockerfile",
    "**/*.dockerignore",
    "**/compose*.yaml",
    "**/compose*.yml",
    "**/docker-compose*.yaml",
    "**/docker-compose*.yml",
    "**/.env*",
];

/// The port that the course's app serves on when nobody says otherwise.
pub const APP_PORT: u16 = 8000;

impl Exercise {
    /// Understands the folder of one exercise.
    ///
    /// # Errors
    /// Every fault of its `exercise.toml`.
    pub fn load(
        folder: &Folder,
        app: &Snapshot,
        experiments: &[ExperimentSpec],
    ) -> Result<Self, Vec<Fault>> {
        let file = format!("exercises/{}/{MANIFEST}", folder.path);
        let start = Location::line(&file, 1);
        let bytes = folder
            .files
            .file(MANIFEST)
            .ok_or_else(|| vec![Fault::new(start.clone(), "falta el archivo")])?;
        let text = std::str::from_utf8(bytes).map_err(|_| {
            vec![Fault::new(
                start,
                "el archivo no está en UTF-8: guárdalo con esa codificación",
            )]
        })?;
        let text = Text { file: &file, text };

        let tree = DeTable::parse(text.text).map_err(|e| vec![text.toml_fault(&e, 0..0)])?;
        let manifest: Manifest =
            toml::from_str(text.text).map_err(|e| vec![text.toml_fault(&e, 0..0)])?;
        let faults = validate::faults(&manifest, &tree, app, experiments, text);
        if faults.is_empty() {
            Ok(Self::build(manifest, folder, app, text))
        } else {
            Err(faults)
        }
    }

    fn build(manifest: Manifest, folder: &Folder, app: &Snapshot, text: Text<'_>) -> Self {
        let lesson = manifest.lesson.into_inner();
        let omitted: Vec<String> = manifest
            .files
            .omit
            .into_iter()
            .map(toml::Spanned::into_inner)
            .collect();
        let starter = starter(folder, app, manifest.files.app, &omitted);
        let is_students = |path: &str| match &manifest.files.student {
            Some(patterns) => patterns.iter().any(|pattern| glob::matches(pattern, path)),
            None => STUDENT_FILES
                .iter()
                .any(|pattern| glob::matches(pattern, path)),
        };
        let course_files = only_files(&starter, |path| !is_students(path));
        let mut hints = manifest.hints.into_inner().into_iter();
        let mut hint = || hints.next().unwrap_or_default();
        Self {
            location: text.at(&manifest.id.span()),
            id: manifest.id.into_inner(),
            path: folder.path.clone(),
            title: manifest.title.into_inner(),
            summary: manifest.summary.into_inner(),
            goal: manifest.goal.into_inner(),
            hints: [hint(), hint(), hint()],
            images: manifest.images.into_inner(),
            add_urls: manifest.add_urls,
            build_network: manifest.build_network,
            port: manifest.port.unwrap_or(APP_PORT),
            services: manifest.services,
            items: manifest
                .items
                .into_inner()
                .into_iter()
                .map(|item| Item {
                    id: item.id.into_inner(),
                    title: item.title.into_inner(),
                    points: item.points.into_inner(),
                    experiment: item.experiment.into_inner(),
                    params: item.with,
                    blocked_by: item
                        .blocked_by
                        .into_iter()
                        .map(toml::Spanned::into_inner)
                        .collect(),
                    lesson: item
                        .lesson
                        .map_or_else(|| lesson.clone(), toml::Spanned::into_inner),
                })
                .collect(),
            lesson,
            starter,
            course_files,
            solution: folder.solution.clone(),
            omitted,
        }
    }

    /// All points of the checklist together.
    pub fn max_points(&self) -> f64 {
        self.items.iter().map(|item| item.points).sum()
    }

    /// The item of that id.
    pub fn item(&self, id: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    /// The solved exercise as a whole folder: the course's files and those of the solution.
    pub fn solved(&self) -> Snapshot {
        lay(&self.solution, self)
    }
}

/// `submission` with the course's own files laid pristine over it, and without the files of the
/// app that the exercise does not have. Whatever else the student added stays.
pub fn lay(submission: &Snapshot, exercise: &Exercise) -> Snapshot {
    let mut laid = submission.clone();
    for path in &exercise.omitted {
        laid.remove(path);
    }
    for (path, entry) in exercise.course_files.entries() {
        if let Entry::File { bytes, executable } = entry {
            // Also when the student's entry of that name is a folder or a link.
            laid.remove(path);
            laid.insert(path, bytes.clone(), *executable);
        }
    }
    laid
}

fn starter(folder: &Folder, app: &Snapshot, with_app: bool, omitted: &[String]) -> Snapshot {
    let omitted: BTreeSet<&str> = omitted.iter().map(String::as_str).collect();
    let mut starter = if with_app {
        only_files(app, |path| !omitted.contains(path))
    } else {
        Snapshot::default()
    };
    starter.lay(&only_files(&folder.files, |path| path != MANIFEST));
    starter
}

/// The files of `all` whose paths are wanted, with the folders above them and no others.
fn only_files(all: &Snapshot, wanted: impl Fn(&str) -> bool) -> Snapshot {
    let mut some = Snapshot::default();
    for (path, entry) in all.entries() {
        if let Entry::File { bytes, executable } = entry
            && wanted(path)
        {
            some.insert(path, bytes.clone(), *executable);
        }
    }
    some
}
