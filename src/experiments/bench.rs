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
mod planted;
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
use crate::lab::layers::Layers;
use crate::lab::token;
use crate::policy::Allowance;
use crate::submission::compose::{self, ComposeError, Loaded, Project, Provider, Service};
use crate::submission::{Location, Snapshot};
use crate::verdict::{Event, Finding};

pub use alone::{ANSWER_LIMIT, Alone, wait_for_answer};
pub use health_check::HealthCheck;
pub use image::{Image, StepError};
pub use inside::{Inside, look_inside};
pub use keyed::{KEY_VARIABLE, Keyed};
pub use mortal::Fate;
pub use patient::Patient;
use planted::{Planted, said_elsewhere, secret_files};
pub use planted::{Plants, Stamp};
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

/// What `/config` shows of a key: the first 8 hexadecimal digits of its SHA-256.
pub fn fingerprint(key: &str) -> String {
    let digest = Sha256::digest(key.as_bytes());
    digest
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
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

/// The start of the compose file, for faults that have no better place.
pub fn compose_start(bench: &Bench<'_>) -> Option<Location> {
    let loaded = bench.compose.as_ref().ok()?.as_ref()?;
    Some(Location::line(loaded.project.files.first()?, 1))
}
