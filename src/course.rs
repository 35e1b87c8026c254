//! The course: its exercises in teaching order, from the binary or from a folder.

pub mod catalogue;
pub mod exercise;
pub mod fault;
pub mod glob;
pub mod schema;
pub mod source;

use std::fmt;
use std::path::Path;

pub use catalogue::ExperimentSpec;
pub use exercise::{BuildNetwork, Exercise, Item};
pub use fault::{Fault, did_you_mean};
pub use source::{Source, find_folder};

/// Why there is no course to work with.
#[derive(Debug, thiserror::Error)]
pub enum CourseError {
    /// The course folder is not there or cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// Some `exercise.toml` is wrong; every fault found is here.
    #[error("{}", fault::lines(.0))]
    Faults(Vec<Fault>),
}

/// There is no exercise of that name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnknownExercise {
    /// What was asked for.
    pub asked: String,
    /// The id that looks most like it.
    pub suggestion: Option<String>,
}

impl fmt::Display for UnknownExercise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no hay ningún ejercicio `{}`: ", self.asked)?;
        match &self.suggestion {
            Some(id) => write!(f, "¿quisiste decir `{id}`?"),
            None => write!(f, "`muelle list` muestra los que hay"),
        }
    }
}

/// All exercises, in teaching order.
#[derive(Clone, Debug)]
pub struct Course {
    /// The exercises, in the order of their own folders' numbers, whatever topic they are in.
    pub exercises: Vec<Exercise>,
}

impl Course {
    /// The course inside the binary.
    ///
    /// # Errors
    /// [`CourseError::Faults`] when an embedded exercise is wrong; a test keeps that from happening.
    pub fn embedded(experiments: &[ExperimentSpec]) -> Result<Self, CourseError> {
        Self::load(&Source::embedded(), experiments)
    }

    /// The course as it stands in `root` (the folder that holds `exercises/`) and nothing else:
    /// what authors of exercises want, whose folder is the course.
    ///
    /// # Errors
    /// [`CourseError`] when the folder is unreadable or an exercise is wrong.
    pub fn in_folder(root: &Path, experiments: &[ExperimentSpec]) -> Result<Self, CourseError> {
        Self::load(&Source::folder(root)?, experiments)
    }

    /// The course inside the binary, plus the exercises that only `root` has: what students and
    /// teachers want. In a student's folder the starter files are being edited, so that for an
    /// exercise that the binary knows, the binary's pristine copy is the one to go by.
    ///
    /// # Errors
    /// [`CourseError`] when the folder is unreadable or an added exercise is wrong.
    pub fn with_folder(root: &Path, experiments: &[ExperimentSpec]) -> Result<Self, CourseError> {
        Self::load(&Source::embedded().with(root)?, experiments)
    }

    /// Loads every exercise of `source`, and reports all faults of all of them together.
    ///
    /// # Errors
    /// [`CourseError::Faults`].
    pub fn load(source: &Source, experiments: &[ExperimentSpec]) -> Result<Self, CourseError> {
        let mut exercises: Vec<Exercise> = Vec::new();
        let mut faults = Vec::new();
        for folder in source.folders() {
            match Exercise::load(folder, source.app(), experiments) {
                Ok(exercise) => match exercises.iter().find(|e| e.id == exercise.id) {
                    Some(twin) => faults.push(Fault::new(
                        exercise.location.clone(),
                        format!("el id `{}` ya lo tiene `exercises/{}`", twin.id, twin.path),
                    )),
                    None => exercises.push(exercise),
                },
                Err(found) => faults.extend(found),
            }
        }
        if faults.is_empty() {
            Ok(Self { exercises })
        } else {
            Err(CourseError::Faults(faults))
        }
    }

    /// The exercise of that id, or whose folder is `name` (`10-proyecto/32-proyecto-final`, with or
    /// without `exercises/` in front).
    ///
    /// # Errors
    /// [`UnknownExercise`], with the nearest id.
    pub fn find(&self, name: &str) -> Result<&Exercise, UnknownExercise> {
        let folder = name
            .trim_start_matches("./")
            .trim_start_matches("exercises/");
        let folder = folder.trim_end_matches('/');
        self.exercises
            .iter()
            .find(|e| e.id == name || e.path == folder)
            .ok_or_else(|| UnknownExercise {
                asked: name.to_owned(),
                suggestion: did_you_mean(name, self.exercises.iter().map(|e| e.id.as_str())),
            })
    }
}

#[cfg(test)]
mod tests;
