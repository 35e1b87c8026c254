//! The submission with words in it that only the checker knows.

use std::collections::BTreeMap;

use crate::course::Exercise;
use crate::lab::layers::MARK_PREFIX;
use crate::lab::token;
use crate::submission::Snapshot;
use crate::submission::compose::{Loaded, Provider};
use crate::submission::snapshot::Entry;

/// What the experiments of an exercise want in the submission before anything is built.
#[derive(Clone, Debug, Default)]
pub struct Plants {
    /// Files in which a mark is planted.
    pub canaries: Vec<String>,
    /// JSON files that are stamped, see [`Stamp`].
    pub stamped: Vec<String>,
}

/// The two words that only the checker knows and that a JSON file has as its `version`: whoever says one of them has
/// read that copy of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// In what is built.
    pub built: String,
    /// In what lies around the project when it runs.
    pub around: String,
}

/// The mark of the `index`th canary of a run.
fn mark(run: &str, index: usize) -> String {
    format!("{MARK_PREFIX}{run}-{index:02}")
}

/// Shorter contents of the course's own secrets may be meant otherwise where they stand again.
const SECRET_LENGTH: usize = 16;

/// Puts the mark of a canary wherever else the submission says what the course's own file at that path holds: a
/// secret that was copied by hand is a secret.
pub(super) fn said_elsewhere(
    mut files: Snapshot,
    exercise: &Exercise,
    canaries: &[String],
    run: &str,
) -> Snapshot {
    for (index, path) in canaries.iter().enumerate() {
        let held = exercise.course_files.file(path);
        let Some(held) = held.and_then(|bytes| std::str::from_utf8(bytes).ok()) else {
            continue;
        };
        let held = held.trim();
        if held.len() < SECRET_LENGTH {
            continue;
        }
        let said: Vec<(String, String, bool)> = files
            .entries()
            .filter_map(|(path, entry)| match entry {
                Entry::File { bytes, executable } => {
                    let text = std::str::from_utf8(bytes).ok()?;
                    let text = text
                        .contains(held)
                        .then(|| text.replace(held, &mark(run, index)))?;
                    Some((path.to_owned(), text, *executable))
                }
                _ => None,
            })
            .collect();
        for (path, text, executable) in said {
            files.insert(&path, text, executable);
        }
    }
    files
}

/// The files, inside the submission, that the project's secrets come from.
pub(super) fn secret_files(loaded: &Loaded) -> Vec<String> {
    let files = loaded
        .project
        .secrets
        .values()
        .filter_map(|secret| match &secret.provider.value {
            Provider::File(path) if !path.starts_with(['/', '~']) && !path.starts_with("..") => {
                Some(path.clone())
            }
            _ => None,
        });
    files.collect()
}

/// The submission with marks planted.
pub(super) struct Planted {
    /// What is built: a mark in every file that was asked for.
    pub(super) planted: Snapshot,
    /// What stands around the project when it runs: as the student has it, but for the secrets.
    pub(super) outside: Snapshot,
    /// Mark → path.
    pub(super) marks: BTreeMap<String, String>,
    /// Path → stamp.
    pub(super) stamps: BTreeMap<String, Stamp>,
}

impl Planted {
    pub(super) fn new(files: Snapshot, plants: &Plants, secrets: &[String], run: &str) -> Self {
        let mut all = Self {
            planted: files.clone(),
            outside: files,
            marks: BTreeMap::new(),
            stamps: BTreeMap::new(),
        };
        for path in &plants.stamped {
            all.stamp(path);
        }
        let canaries = plants.canaries.iter();
        let others = secrets
            .iter()
            .filter(|path| !plants.canaries.contains(path));
        for (index, path) in canaries.chain(others).enumerate() {
            let mark = mark(run, index);
            if secrets.contains(path) || path.starts_with("secretos/") {
                // The whole content is the secret.
                for files in [&mut all.planted, &mut all.outside] {
                    files.remove(path);
                    files.insert(path, mark.clone(), false);
                }
            } else {
                append(&mut all.planted, path, &mark);
            }
            all.marks.insert(mark, path.clone());
        }
        all
    }

    /// Gives the JSON file at `path`, where it is one, another `version` in each of the two places.
    fn stamp(&mut self, path: &str) {
        let stamp = Stamp {
            built: format!("construida-{}", token(8)),
            around: format!("anfitrion-{}", token(8)),
        };
        for (files, version) in [
            (&mut self.planted, &stamp.built),
            (&mut self.outside, &stamp.around),
        ] {
            let Some(Ok(serde_json::Value::Object(mut content))) =
                files.file(path).map(|bytes| serde_json::from_slice(bytes))
            else {
                return;
            };
            content.insert("version".to_owned(), version.clone().into());
            files.insert(path, serde_json::Value::from(content).to_string(), false);
        }
        self.stamps.insert(path.to_owned(), stamp);
    }
}

/// Puts `mark` at `path`, at the end of what the student has there.
fn append(files: &mut Snapshot, path: &str, mark: &str) {
    let mut content = files
        .file(path)
        .map(|bytes| bytes.to_vec())
        .unwrap_or_default();
    if !content.is_empty() && !content.ends_with(b"\n") {
        content.push(b'\n');
    }
    content.extend_from_slice(format!("# {mark}\n").as_bytes());
    files.insert(path, content, false);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(files: &Snapshot, path: &str) -> String {
        let bytes = files.file(path).expect("there");
        let json: serde_json::Value = serde_json::from_slice(bytes).expect("JSON");
        json["version"].as_str().unwrap_or_default().to_owned()
    }

    #[test]
    fn a_stamped_file_has_another_version_where_it_is_built_than_around_the_project() {
        let mut files = Snapshot::default();
        files.insert("modelo.json", r#"{"version": "1", "clases": []}"#, false);
        files.insert("notas.txt", "no es JSON", false);
        let plants = Plants {
            stamped: vec!["modelo.json".into(), "notas.txt".into(), "falta".into()],
            ..Plants::default()
        };
        let all = Planted::new(files, &plants, &[], "prueba");
        assert_eq!(all.stamps.len(), 1);
        let stamp = &all.stamps["modelo.json"];
        assert_ne!(stamp.built, stamp.around);
        assert_eq!(version(&all.planted, "modelo.json"), stamp.built);
        assert_eq!(version(&all.outside, "modelo.json"), stamp.around);
    }
}
