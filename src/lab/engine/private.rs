//! A private engine: a `dockerd` of our own that a hostile submission cannot leave.
//!
//! It lives in its own process, mount, network, IPC, UTS and control group namespaces, in a tree that holds `/usr`
//! read-only and little else, without a way out of its network; its disk, memory, processes and processors are bounded;
//! root in its containers is a user of no rights (`--userns-remap`). It cannot outlive us: the kernel kills its first
//! process when we die (`PR_SET_PDEATHSIG`), and with that one all others, their mounts and their network.

mod bounds;
mod cgroup;
mod hello;
mod obstacles;
mod place;
mod proxy;
mod store;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::error::EngineError;
use super::{Endpoint, Engine, Miss, Origin, Reach, Say};
use crate::lab::tied::{self, Tied};
pub use bounds::{Bounds, Share};
use cgroup::Cgroups;
pub(super) use obstacles::{is_possible, lacking, obstacles};
use place::Place;
pub(super) use place::sweep;
pub use proxy::INDEX_HOSTS;
use proxy::Proxy;
pub(super) use store::{Index, Store};

/// The first of the 65536 user ids on the host that the ids in containers become: far from those that Linux
/// distributions, systemd and rootless engines hand out.
const FIRST_ID: u32 = 0x7000_0000;

/// How long a private engine may take to answer its first ping.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long one that fills the store may take to stop in order before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// How long the control groups of a killed one may take to become empty.
const EMPTY_LIMIT: Duration = Duration::from_millis(500);

/// In a mount namespace: makes standard input a disk at `$1` if there is one, while loop devices are still allowed;
/// joins the control groups named before `--`; becomes the first process of the other namespaces. Nothing on the disk
/// outlives it, so it needs neither journal nor barriers.
const JOIN: &str = r#"
set -e
exec 3>&2 2>&1
if [ -n "$1" ]; then
  mkfs.ext4 -q -F -O ^has_journal -m 0 -E lazy_itable_init=1,nodiscard /proc/self/fd/0
  mount -n -t ext4 -o loop,noatime,nodev,nobarrier /proc/self/fd/0 "$1"
  exec </dev/null
fi
shift
while [ "$1" != -- ]; do echo $$ >"$1"; shift; done
shift
exec 2>&3 3>&-
exec unshare --mount --pid --fork --kill-child=KILL --net --ipc --uts --cgroup -- sh -c "$@"
"#;

/// What that process does there.
const INSIDE: &str = include_str!("private/inside.sh");

/// What a private engine is for.
pub(super) enum Purpose {
    /// Submissions: a disk of its own that goes with it, the images of the store, and the index of packages.
    Work(Bounds),
    /// Filling the store, which is its data root.
    Store,
}

/// A running private engine. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Private {
    process: Option<Tied>,
    place: Place,
    proxy: Option<Proxy>,
    /// The store that it fills.
    fills: Option<Store>,
    /// Held on the store.
    _store: File,
}

impl Private {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// [`EngineError::Private`], with the last lines of its log.
    pub(super) async fn start(
        purpose: Purpose,
        say: Say<'_>,
    ) -> Result<(Self, Engine), EngineError> {
        let obstacles = obstacles();
        if !obstacles.is_empty() {
            return Err(failed(obstacles.join("; ") + "."));
        }
        let unprepared = |error: std::io::Error| failed(format!("no pude prepararlo: {error}."));
        let store = Store::here().map_err(unprepared)?;
        let fills = matches!(purpose, Purpose::Store);
        let held = if fills {
            store.own(say).await
        } else {
            store.share(say).await
        }
        .map_err(unprepared)?;
        let (place, log) = Place::make().await.map_err(unprepared)?;
        let mut private = Self {
            process: None,
            place,
            proxy: None,
            fills: fills.then(|| store.clone()),
            _store: held,
        };
        private.launch(&purpose, &store, log).await?;
        let engine = private.ready().await?;
        if !fills {
            let proxy = Proxy::start(&engine.facts.reach).await;
            let why = |error| {
                failed(format!(
                    "no pude abrir su salida al índice de paquetes: {error}."
                ))
            };
            private.proxy = Some(proxy.map_err(why)?);
        }
        Ok((private, engine))
    }

    async fn launch(
        &mut self,
        purpose: &Purpose,
        store: &Store,
        log: File,
    ) -> Result<(), EngineError> {
        let cgroups = Cgroups::here(&self.place.id).map_err(|why| failed(why + "."))?;
        let unprepared = |error: std::io::Error| failed(format!("no pude prepararlo: {error}."));
        let (bounds, data, seed) = match purpose {
            Purpose::Store => (Bounds::default(), store.data(), PathBuf::new()),
            Purpose::Work(bounds) if store.index().is_empty() => {
                (bounds.clone(), PathBuf::new(), PathBuf::new())
            }
            Purpose::Work(bounds) => (bounds.clone(), PathBuf::new(), store.folder().to_owned()),
        };
        let disk_at = match purpose {
            Purpose::Store => PathBuf::new(),
            Purpose::Work(_) => self.place.folder().join("disk"),
        };
        cgroups.make(&bounds).map_err(unprepared)?;
        let mut command = tied::command("unshare");
        command
            .args(["--mount", "--", "sh", "-c", JOIN, "muelle"])
            .arg(disk_at)
            .args(cgroups.doors())
            .args(["--", INSIDE, "muelle"])
            .args([self.place.folder(), &data, &seed])
            .arg(FIRST_ID.to_string())
            .arg(cgroups.names())
            .arg(cgroups.settings(&bounds))
            .current_dir("/")
            .env_clear()
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("LC_ALL", "C.UTF-8")
            .stdout(log)
            .stderr(self._store.try_clone().map_err(unprepared)?);
        match purpose {
            Purpose::Store => command.stdin(Stdio::piped()),
            Purpose::Work(bounds) => {
                command.stdin(disk(store.folder(), bounds).map_err(unprepared)?)
            }
        };
        self.run(command).await.map_err(unprepared)
    }

    async fn run(&mut self, command: Command) -> std::io::Result<()> {
        let process = Tied::spawn(command).await?;
        self.place.link_labs(process.pid())?;
        self.process = Some(process);
        Ok(())
    }

    /// Waits until it answers.
    async fn ready(&self) -> Result<Engine, EngineError> {
        let begun = Instant::now();
        let Some(process) = &self.process else {
            return Err(failed("no lo arranqué.".to_owned()));
        };
        let endpoint = Endpoint {
            host: format!("unix://{}", self.place.socket(process.pid()).display()),
            origin: Origin::Default,
        };
        let reach = Reach::Namespace(PathBuf::from(format!("/proc/{}/ns/net", process.pid())));
        loop {
            match Engine::open(&endpoint, Some(reach.clone())).await {
                Ok(engine) => return Ok(engine),
                Err(Miss::Fatal(error)) => return Err(error),
                Err(Miss::Silent(_) | Miss::Refused) => {}
            }
            let ended = process.has_ended();
            if ended || begun.elapsed() > START_LIMIT {
                let why = if ended {
                    "se cerró al arrancar"
                } else {
                    "no respondió en un minuto"
                };
                return Err(failed(format!(
                    "{why}. Lo último que dijo:\n{}",
                    self.place.last_words()
                )));
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The build arguments that lead to the index of packages.
    pub(super) fn build_args(&self) -> Vec<(String, String)> {
        self.proxy
            .as_ref()
            .map(Proxy::build_args)
            .unwrap_or_default()
    }

    /// The folder that the engine sees under the same path as we do.
    pub(super) fn labs(&self) -> PathBuf {
        self.place.labs()
    }

    /// The store, if it is there to fill it.
    pub(super) fn fills(&self) -> Option<&Store> {
        self.fills.as_ref()
    }

    /// Stops one that fills the store, and finishes the store while nobody else can use it.
    pub(super) async fn finish(mut self, store: &Store, index: &Index) -> Result<(), EngineError> {
        self.end().await;
        store.finish(index).await.map_err(|why| {
            failed(format!(
                "no pude guardar las imágenes en {}: {why}.",
                store.folder().display()
            ))
        })
    }

    /// Ends it: one that fills the store in order, so that what it wrote is whole; any other at once.
    pub(super) async fn stop(mut self) {
        self.end().await;
    }

    async fn end(&mut self) {
        self.proxy = None;
        if let Some(process) = self.process.take() {
            match self.fills {
                Some(_) => process.stop(STOP_LIMIT).await,
                None => drop(process),
            }
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        drop(self.process.take());
        let begun = Instant::now();
        while self.place.folder().exists() && begun.elapsed() < EMPTY_LIMIT {
            self.place.remove();
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

/// An empty file of the disk's size that has no name: it goes with the last one who has it open.
fn disk(folder: &Path, bounds: &Bounds) -> std::io::Result<File> {
    let file = tempfile::tempfile_in(folder)?;
    file.set_len(bounds.disk)?;
    Ok(file)
}

fn failed(why: String) -> EngineError {
    EngineError::Private { why }
}
