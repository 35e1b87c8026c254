//! The lab: everything that one submission owns on the engine, and its end.

mod anchor;
mod apt;
pub mod build;
pub mod container;
pub mod doctor;
pub mod engine;
pub mod fault;
pub mod http;
pub mod images;
pub mod layers;
pub mod limits;
pub mod lock;
mod network;
pub mod reaper;
pub mod stack;
pub mod tied;
mod watch;
mod witness;

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bollard::Docker;
use rand::distr::{Alphanumeric, SampleString};
use tempfile::TempDir;
use tokio::sync::{Mutex, OnceCell, Semaphore, SemaphorePermit, watch as channel};

use crate::verdict::Timing;
use anchor::Anchor;
use engine::Engine;
use watch::Course;

pub use watch::Halt;

/// Label that every object of a lab carries; its value is the lab's id.
pub const RUN_LABEL: &str = "dev.muelle.run";

/// Heavy pieces of work (builds, image reads) that run at once in one lab.
const HEAVY_AT_ONCE: u32 = 3;

/// How long after it was given up the engine may still finish what it was asked for.
const GIVEN_UP: Duration = Duration::from_secs(1);

/// What one submission owns on the engine: images, containers, networks, volumes.
///
/// Call [`Lab::close`] at the end, whatever happened; what a killed process leaves is found by
/// its label and removed by [`reaper::reap`].
pub struct Lab {
    engine: Arc<Engine>,
    id: String,
    dir: TempDir,
    shared: Option<TempDir>,
    heavy: Semaphore,
    opened: Instant,
    timings: std::sync::Mutex<Vec<Timing>>,
    network: OnceCell<String>,
    anchor: Mutex<Option<Anchor>>,
    /// Held by a witness while it looks: two of one container's would see each other among its processes.
    witness_turn: Mutex<()>,
    moored: AtomicBool,
    course: channel::Sender<Course>,
}

impl Lab {
    /// Opens an empty lab on `engine`, which does not hear of it before [`Lab::moor`].
    ///
    /// # Errors
    /// When no folder for it can be made.
    pub fn open(engine: Arc<Engine>) -> anyhow::Result<Self> {
        let id = token(10).to_lowercase();
        Ok(Self {
            dir: tempfile::Builder::new().prefix("muelle-").tempdir()?,
            shared: match engine.shared_folder() {
                Some(folder) => Some(tempfile::tempdir_in(folder)?),
                None => None,
            },
            engine,
            id,
            heavy: Semaphore::new(HEAVY_AT_ONCE as usize),
            opened: Instant::now(),
            timings: std::sync::Mutex::default(),
            network: OnceCell::new(),
            anchor: Mutex::default(),
            witness_turn: Mutex::default(),
            moored: AtomicBool::new(false),
            course: channel::Sender::default(),
        })
    }

    /// Puts down what shows to everyone that this process lives, made from one of `images`: before anything else of
    /// the lab is made. [`Lab::watch`] starts it.
    ///
    /// # Errors
    /// When the engine does not make it.
    pub async fn moor(&self, images: &[String]) -> anyhow::Result<()> {
        let anchor = Anchor::create(self, images).await?;
        self.moored.store(anchor.is_some(), Ordering::Relaxed);
        *self.anchor.lock().await = anchor;
        Ok(())
    }

    /// The engine that it lives on.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine's API.
    pub fn docker(&self) -> &Docker {
        self.engine.docker()
    }

    /// Random, unique to this lab; lower-case letters and digits.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A folder of its own on the host, removed with it.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A folder of its own that the engine sees under the same path, for the sources of bind mounts.
    pub fn shared_dir(&self) -> &Path {
        self.shared.as_ref().unwrap_or(&self.dir).path()
    }

    /// Gives what we wrote to root in containers, where root there is somebody else here.
    ///
    /// # Errors
    /// When it cannot be given away.
    pub fn hand_over(&self, folder: &Path) -> std::io::Result<()> {
        #[cfg(unix)]
        if let Some(first) = self.engine.facts().first_id.filter(|_| engine::is_root()) {
            let mut folders = vec![folder.to_owned()];
            while let Some(folder) = folders.pop() {
                std::os::unix::fs::lchown(&folder, Some(first), Some(first))?;
                for entry in std::fs::read_dir(&folder)? {
                    let entry = entry?;
                    if entry.file_type()?.is_dir() {
                        folders.push(entry.path());
                    } else {
                        std::os::unix::fs::lchown(entry.path(), Some(first), Some(first))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The labels of everything that it makes.
    pub fn labels(&self) -> HashMap<String, String> {
        HashMap::from([(RUN_LABEL.to_owned(), self.id.clone())])
    }

    /// Waits for a turn at heavy work.
    pub(crate) async fn work_slot(&self) -> SemaphorePermit<'_> {
        self.heavy
            .acquire()
            .await
            .expect("the semaphore is never closed")
    }

    /// Waits until no heavy work of this lab runs, and keeps it from starting meanwhile: for what
    /// would look too slow only because the machine is busy.
    pub(crate) async fn quiet(&self) -> SemaphorePermit<'_> {
        self.heavy
            .acquire_many(HEAVY_AT_ONCE)
            .await
            .expect("the semaphore is never closed")
    }

    /// Runs `work` and notes when it began and how long it took.
    pub async fn timed<T>(&self, what: impl Into<String>, work: impl Future<Output = T>) -> T {
        let start = self.opened.elapsed();
        let result = work.await;
        self.note_timing(what, self.opened.elapsed() - start);
        result
    }

    /// Notes a piece of work that ended just now and took `took`.
    pub fn note_timing(&self, what: impl Into<String>, took: Duration) {
        if let Ok(mut timings) = self.timings.lock() {
            timings.push(Timing {
                what: what.into(),
                start: self.opened.elapsed().saturating_sub(took),
                duration: took,
            });
        }
    }

    /// Everything that was [`timed`](Self::timed), by start.
    pub fn timings(&self) -> Vec<Timing> {
        let mut timings = self
            .timings
            .lock()
            .map(|timings| timings.clone())
            .unwrap_or_default();
        timings.sort_by_key(|timing| timing.start);
        timings
    }

    /// Removes everything of it from the engine. A lab whose work was cut `short` is looked at once more, a little
    /// later: what was asked of the engine and then given up may still come about.
    ///
    /// # Errors
    /// When the engine does not answer; `muelle clean` finds the rest later.
    pub async fn close(&self, short: bool) -> anyhow::Result<()> {
        let (halted, limit) = match &*self.course.borrow() {
            Course::Halted(Halt::Machine(_)) => (true, limits::CLOSE_IN_TROUBLE),
            Course::Halted(_) => (true, limits::CLOSE),
            _ => (false, limits::CLOSE),
        };
        reaper::remove_run(self.docker(), &self.id, limit).await?;
        if short || halted {
            tokio::time::sleep(GIVEN_UP).await;
            reaper::remove_run(self.docker(), &self.id, limit).await?;
        }
        Ok(())
    }
}

/// A random word of `length` letters and digits.
pub fn token(length: usize) -> String {
    Alphanumeric.sample_string(&mut rand::rng(), length)
}
