//! The bench: what the experiments of one submission share, each part made once, when first asked for.

mod alone;
pub mod as_app;
mod history;
mod image;
mod inside;
mod mortal;
pub mod patient;
pub mod program;
mod published;
mod risen;
mod scaled;
pub mod stopped;

use std::collections::BTreeMap;
use std::path::PathBuf;

use anyhow::Context;
use tokio::sync::{OnceCell, RwLock};

use crate::course::Exercise;
use crate::lab::Lab;
use crate::lab::layers::{Layers, MARK_PREFIX};
use crate::lab::token;
use crate::policy::Allowance;
use crate::submission::compose::{self, ComposeError, Loaded, Provider, Service};
use crate::submission::{Location, Snapshot};
use crate::verdict::{Event, Finding};

pub use alone::{ANSWER_LIMIT, Alone, wait_for_answer};
pub use image::{Image, StepError};
pub use inside::{Inside, look_inside};
pub use mortal::Fate;
pub use patient::Patient;
pub use published::Published;
pub use risen::{Front, JobRun, Risen};
pub use scaled::Scaled;
pub use stopped::Stopped;

/// The port that the course's app serves on.
pub const APP_PORT: u16 = 8000;

/// The header that carries the key of the app's break switch.
pub const KEY_HEADER: &str = "X-Aula";

/// The role, in an exercise's `[services]`, of the service that serves the app.
pub const API_ROLE: &str = "api";

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
    risen: OnceCell<Result<Risen<'lab>, Finding>>,
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
        let compose = load(&files, &BTreeMap::new());
        let secrets = match &compose {
            Ok(Some(loaded)) => secret_files(loaded),
            _ => Vec::new(),
        };
        let Planted {
            planted,
            mut outside,
            marks,
            stamps,
        } = Planted::new(files, plants, &secrets);
        // A `.env` that says the same as the shell, so that either way from outside leads in.
        outside.insert(".env", dotenv_saying(&outside, &shell), false);
        let tuned = match &compose {
            Ok(Some(_)) => load(&outside, &shell).ok().flatten(),
            _ => None,
        };
        let dir = lab.shared_dir().join("entrega");
        std::fs::create_dir(&dir)?;
        outside.write(&dir)?;
        lab.hand_over(lab.shared_dir())?;
        Ok(Self {
            lab,
            exercise,
            planted,
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
            risen: OnceCell::new(),
            scaled: OnceCell::new(),
            stack_turn: RwLock::default(),
            patient_turn: tokio::sync::Mutex::default(),
        })
    }

    /// Says what the checker turns to.
    pub fn say(&self, what: impl Into<String>) {
        (self.tell)(Event::Doing(what.into()));
    }

    /// The name that the exercise asks the service of `role` to have.
    pub fn service_name<'a>(&'a self, role: &'a str) -> &'a str {
        self.exercise
            .services
            .get(role)
            .map_or(role, String::as_str)
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
        let Some(tuned) = &mut self.tuned else {
            return Ok(());
        };
        let dir = self.lab.dir().join("aparte");
        std::fs::create_dir(&dir)?;
        let project = &mut tuned.project;
        let all = project
            .secrets
            .values_mut()
            .chain(project.configs.values_mut());
        for (index, provided) in all.enumerate() {
            if let Provider::File(path) = &mut provided.provider.value
                && let Ok(real) = self.dir.join(&*path).canonicalize()
                && real.is_file()
            {
                let copy = dir.join(index.to_string());
                std::fs::copy(real, &copy)?;
                *path = copy.to_string_lossy().into_owned();
            }
        }
        Ok(())
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
        project: "entrega",
    })
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
    fn new(files: Snapshot, plants: &Plants, secrets: &[String]) -> Self {
        let run = token(12);
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
            let mark = format!("{MARK_PREFIX}{run}-{index:02}");
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

/// The student's `.env` with the variables of `shell` as they are there.
fn dotenv_saying(files: &Snapshot, shell: &BTreeMap<String, String>) -> String {
    let own = files
        .file(".env")
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let named = |line: &str| {
        let line = line.trim_start().trim_start_matches("export ");
        shell.keys().any(|name| {
            line.strip_prefix(name.as_str())
                .is_some_and(|rest| rest.starts_with('='))
        })
    };
    let own = own.unwrap_or_default();
    let kept = own
        .lines()
        .filter(|line| !named(line))
        .map(|line| format!("{line}\n"));
    kept.chain(
        shell
            .iter()
            .map(|(name, value)| format!("{name}={value}\n")),
    )
    .collect()
}

/// The start of the compose file, for faults that have no better place.
pub fn compose_start(bench: &Bench<'_>) -> Option<Location> {
    let loaded = bench.compose.as_ref().ok()?.as_ref()?;
    Some(Location::line(loaded.project.files.first()?, 1))
}
