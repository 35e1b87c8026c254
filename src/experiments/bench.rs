//! The bench: what the experiments of one submission share, each part made once, when first asked for.

mod alone;
pub mod as_app;
mod health_check;
mod history;
mod image;
mod inside;
pub mod instant;
mod keyed;
pub mod modes;
mod mortal;
pub mod patient;
pub mod program;
mod published;
mod risen;
mod scaled;
pub mod scene;
mod slow_start;
pub mod spoken;
pub mod stopped;
pub mod views;
mod warning;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::Context;
use sha2::{Digest, Sha256};
use tokio::sync::{OnceCell, RwLock};

use crate::course::Exercise;
use crate::lab::Lab;
use crate::lab::layers::{Layers, MARK_PREFIX};
use crate::lab::token;
use crate::policy::Allowance;
use crate::submission::compose::{self, ComposeError, Loaded, Project, Provider, Service};
use crate::submission::snapshot::Entry;
use crate::submission::{Location, Snapshot};
use crate::verdict::{Event, Finding};

pub use alone::{ANSWER_LIMIT, Alone, wait_for_answer};
pub use health_check::HealthCheck;
pub use image::{Image, StepError};
pub use inside::{Inside, look_inside};
pub use keyed::{KEY_VARIABLE, Keyed};
pub use mortal::Fate;
pub use patient::Patient;
pub use published::Published;
pub use risen::{Front, JobRun, Risen, counter, plain};
pub use scaled::Scaled;
pub use scene::{Scene, Setting};
pub use slow_start::{HEALTHY_LIMIT, LOADING, SlowStart, WARNS_SOON};
use spoken::Spoken;
pub use stopped::Stopped;
pub use warning::WARNING_LIMIT;

pub use crate::course::exercise::APP_PORT;

/// The header that carries the key of the app's break switch.
pub const KEY_HEADER: &str = "X-Aula";

/// The role, in an exercise's `[services]`, of the service that serves the app.
pub const API_ROLE: &str = "api";

/// What a project is called that does not say.
const PROJECT: &str = "entrega";

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

/// Takes the events of a check.
pub type Tell<'a> = &'a (dyn Fn(Event) + Send + Sync);

/// Everything that the experiments of one submission share.
pub struct Bench<'lab> {
    /// The lab that all of it lives in.
    pub lab: &'lab Lab,
    /// The exercise.
    pub exercise: &'lab Exercise,
    /// What is built: the submission, the course's files laid over it, with the canaries planted.
    planted: Snapshot,
    /// What stands around the project when it runs: as the student has it, but for the secrets.
    outside: Snapshot,
    /// The compose project as the student would run it, or why there is none.
    pub compose: Result<Option<Loaded>, ComposeError>,
    /// The compose project in the checker's surroundings.
    tuned: Option<Loaded>,
    /// Planted marks: mark → path.
    pub canaries: BTreeMap<String, String>,
    /// Stamped files: path → stamp.
    pub stamps: BTreeMap<String, Stamp>,
    /// The key of the app's break switch.
    pub switch_key: String,
    /// The value that `APP_NAME` has outside.
    pub app_name: String,
    /// The files of bind mounts and secrets on the host.
    dir: PathBuf,
    tell: Tell<'lab>,
    image: OnceCell<Result<Image, Finding>>,
    layers: OnceCell<Layers>,
    alone: OnceCell<Alone<'lab>>,
    patient: OnceCell<Result<Patient<'lab>, Finding>>,
    stopped: OnceCell<Result<Stopped, Finding>>,
    relief: OnceCell<Result<Patient<'lab>, Finding>>,
    slow_start: OnceCell<Result<SlowStart, Finding>>,
    warning: OnceCell<Finding>,
    keyed: OnceCell<Result<Keyed, Finding>>,
    spoken: OnceCell<Result<Spoken, Finding>>,
    risen: OnceCell<Result<Risen<'lab>, Finding>>,
    scenes: scene::Scenes<'lab>,
    views: OnceCell<views::Views>,
    /// Images of services that are built otherwise than the one under test.
    others: tokio::sync::Mutex<Vec<image::Other>>,
    scaled: OnceCell<Result<Scaled, Finding>>,
    /// Held shared while the stack is observed, alone while it is changed.
    pub stack_turn: RwLock<()>,
    /// Held while the patient is made ill.
    pub patient_turn: tokio::sync::Mutex<()>,
}

impl<'lab> Bench<'lab> {
    /// Lays out `files` (the submission with the course's files laid over it) with `plants` in it.
    ///
    /// # Errors
    /// When the lab's folder cannot be written.
    pub fn lay_out(
        lab: &'lab Lab,
        exercise: &'lab Exercise,
        files: Snapshot,
        plants: &Plants,
        tell: Tell<'lab>,
    ) -> anyhow::Result<Self> {
        let app_name = format!("Clasificador ñ {}", token(6));
        let shell = BTreeMap::from([
            ("APP_NAME".to_owned(), app_name.clone()),
            ("LOG_LEVEL".to_owned(), "DEBUG".to_owned()),
        ]);
        let run = token(12);
        let files = said_elsewhere(files, exercise, &plants.canaries, &run);
        let compose = load(&files, &BTreeMap::new());
        let secrets = match &compose {
            Ok(Some(loaded)) => secret_files(loaded),
            _ => Vec::new(),
        };
        let Planted {
            planted,
            outside,
            marks,
            stamps,
        } = Planted::new(files, plants, &secrets, &run);
        // A `.env` that says the same as the shell, so that either way from outside leads in.
        let mut around = outside.clone();
        scene::define(&mut around, ".env", &shell);
        let tuned = match &compose {
            Ok(Some(_)) => load(&around, &shell).ok().flatten(),
            _ => None,
        };
        let dir = lab.shared_dir().join("entrega");
        std::fs::create_dir(&dir)?;
        around.write(&dir)?;
        lab.hand_over(lab.shared_dir())?;
        Ok(Self {
            lab,
            exercise,
            planted,
            outside,
            compose,
            tuned,
            canaries: marks,
            stamps,
            switch_key: token(24),
            app_name,
            dir,
            tell,
            image: OnceCell::new(),
            layers: OnceCell::new(),
            alone: OnceCell::new(),
            patient: OnceCell::new(),
            stopped: OnceCell::new(),
            relief: OnceCell::new(),
            slow_start: OnceCell::new(),
            warning: OnceCell::new(),
            keyed: OnceCell::new(),
            spoken: OnceCell::new(),
            risen: OnceCell::new(),
            scenes: scene::Scenes::default(),
            views: OnceCell::new(),
            others: tokio::sync::Mutex::default(),
            scaled: OnceCell::new(),
            stack_turn: RwLock::default(),
            patient_turn: tokio::sync::Mutex::default(),
        })
    }

    /// Says what the checker turns to.
    pub fn say(&self, what: impl Into<String>) {
        (self.tell)(Event::Doing(what.into()));
    }

    /// A word that only this check knows, the same for all its experiments.
    pub fn word(&self) -> &str {
        let last = self.app_name.rsplit(' ').next();
        last.unwrap_or(&self.app_name)
    }

    /// The name that the exercise asks the service of `role` to have.
    pub fn service_name<'a>(&'a self, role: &'a str) -> &'a str {
        self.exercise
            .services
            .get(role)
            .map_or(role, String::as_str)
    }

    /// The port that the exercise asks the app to serve on.
    pub fn port(&self) -> u16 {
        self.exercise.port
    }

    /// What the policy lets a submission of this exercise do.
    pub fn allowance(&self) -> Allowance<'_> {
        allowance(self.exercise)
    }

    /// The submission's files as they are built.
    pub(crate) fn files(&self) -> &Snapshot {
        &self.planted
    }

    /// Gives the project's secrets and configs copies of their own, where no container that mounts the folder around
    /// them for writing can put a link in their place.
    pub(crate) fn set_secrets_apart(&mut self) -> std::io::Result<()> {
        match &mut self.tuned {
            Some(tuned) => {
                let apart = self.lab.shared_dir().join("aparte");
                set_apart(&mut tuned.project, &self.dir, &apart)?;
                self.lab.hand_over(&apart)
            }
            None => Ok(()),
        }
    }

    /// The project that is brought up: as the student has it, in the checker's surroundings.
    pub(crate) fn tuned(&self) -> Option<&Loaded> {
        self.tuned.as_ref()
    }

    /// The service that serves the app, as the student would run it.
    pub fn api(&self) -> Option<&Service> {
        let loaded = self.compose.as_ref().ok()?.as_ref()?;
        loaded.project.services.get(self.service_name(API_ROLE))
    }

    /// The course's base image, which the submission cannot change: what a witness runs.
    ///
    /// # Errors
    /// When the exercise names none.
    pub fn base_image(&self) -> anyhow::Result<&str> {
        let first = self.exercise.images.first().map(String::as_str);
        first.context("el ejercicio no nombra ninguna imagen base")
    }

    /// The mark planted at `path`.
    pub fn canary(&self, path: &str) -> Option<&str> {
        let mut marks = self.canaries.iter();
        marks
            .find(|(_, at)| *at == path)
            .map(|(mark, _)| mark.as_str())
    }

    /// What is in the image's own layers.
    ///
    /// # Errors
    /// When the engine does not hand the image out.
    pub async fn layers(&self, image: &Image) -> anyhow::Result<&Layers> {
        self.layers
            .get_or_try_init(|| async {
                let _slot = self.lab.work_slot().await;
                self.say("leo las capas de la imagen, byte a byte");
                let read = self.lab.layers(&image.built.image, &self.exercise.images);
                self.lab.timed("leer las capas", read).await
            })
            .await
    }
}

/// What the policy lets a submission of `exercise` do.
pub fn allowance(exercise: &Exercise) -> Allowance<'_> {
    Allowance {
        images: &exercise.images,
        add_urls: &exercise.add_urls,
        api: exercise
            .services
            .get(API_ROLE)
            .map_or(API_ROLE, String::as_str),
    }
}

/// The project of `files` in the surroundings of `shell`.
pub(crate) fn load(
    files: &Snapshot,
    shell: &BTreeMap<String, String>,
) -> Result<Option<Loaded>, ComposeError> {
    compose::load(&compose::Request {
        snapshot: files,
        shell,
        files: &[],
        env_files: &[],
        profiles: &[],
        project: PROJECT,
    })
}

/// Copies the files of the secrets and configs of `project`, which lie below `dir`, into the new folder `apart`.
fn set_apart(project: &mut Project, dir: &Path, apart: &Path) -> std::io::Result<()> {
    std::fs::create_dir(apart)?;
    let all = project
        .secrets
        .values_mut()
        .chain(project.configs.values_mut());
    for (index, provided) in all.enumerate() {
        if let Provider::File(path) = &mut provided.provider.value
            && let Ok(real) = dir.join(&*path).canonicalize()
            && real.is_file()
        {
            let copy = apart.join(index.to_string());
            std::fs::copy(real, &copy)?;
            *path = copy.to_string_lossy().into_owned();
        }
    }
    Ok(())
}

/// What `/config` shows of a key: the first 8 hexadecimal digits of its SHA-256.
pub fn fingerprint(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    digest
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// The mark of the `index`th canary of a run.
fn mark(run: &str, index: usize) -> String {
    format!("{MARK_PREFIX}{run}-{index:02}")
}

/// Shorter contents of the course's own secrets may be meant otherwise where they stand again.
const SECRET_LENGTH: usize = 16;

/// Puts the mark of a canary wherever else the submission says what the course's own file at that path holds: a
/// secret that was copied by hand is a secret.
fn said_elsewhere(
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
fn secret_files(loaded: &Loaded) -> Vec<String> {
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
struct Planted {
    /// What is built: a mark in every file that was asked for.
    planted: Snapshot,
    /// What stands around the project when it runs: as the student has it, but for the secrets.
    outside: Snapshot,
    /// Mark → path.
    marks: BTreeMap<String, String>,
    /// Path → stamp.
    stamps: BTreeMap<String, Stamp>,
}

impl Planted {
    fn new(files: Snapshot, plants: &Plants, secrets: &[String], run: &str) -> Self {
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

/// The start of the compose file, for faults that have no better place.
pub fn compose_start(bench: &Bench<'_>) -> Option<Location> {
    let loaded = bench.compose.as_ref().ok()?.as_ref()?;
    Some(Location::line(loaded.project.files.first()?, 1))
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
