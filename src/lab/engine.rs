//! The engine: a Docker Engine, or Podman's compatible socket, found as Docker's own clients find it.

mod endpoint;
mod error;
mod facts;
mod linux;
mod machine;
mod private;
mod reach;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bollard::query_parameters::ListImagesOptions;
use bollard::{API_DEFAULT_VERSION, Docker};
use tokio::net::TcpStream;

pub use endpoint::{Endpoint, Origin};
pub use error::EngineError;
pub use facts::{Builder, Facts};
pub use linux::Linux;
pub use machine::{Machine, is_root, program};
pub use reach::Reach;

use super::images::{self, BaseImage};
use endpoint::Surroundings;
pub use private::{Bounds, INDEX_HOSTS, Share};
use private::{Private, Purpose, Store};

/// Says something to whoever is waiting: one line, in Spanish.
pub type Say<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// How long an engine may take to answer a ping.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the engine may take to begin an answer. Generous: each use has a shorter limit of its own.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(600);

/// A running engine.
#[derive(Debug)]
pub struct Engine {
    docker: Docker,
    facts: Facts,
    endpoint: Endpoint,
    private: Option<Private>,
    /// The images that were copied into it, and their ids where they came from.
    copied: BTreeMap<String, String>,
}

impl Engine {
    /// The engine of this machine, or, where none of the default ones answers and we may, a private one.
    ///
    /// # Errors
    /// As [`Engine::find`], or why the private engine could not be started.
    pub async fn connect(say: Say<'_>) -> Result<Self, EngineError> {
        match Self::find().await {
            Err(EngineError::NoEngine { .. }) if Self::can_be_private() => {
                say("No hay ningún motor de Docker en marcha.");
                Self::connect_private(Bounds::default(), say).await
            }
            result => result,
        }
    }

    /// As [`Engine::connect`], but to prepare images, which stay: where none answers, the private engine that fills the
    /// store of the others. Keep to the order: prepare, then [`Engine::stop`].
    ///
    /// # Errors
    /// As [`Engine::connect`].
    pub async fn connect_to_prepare(say: Say<'_>) -> Result<Self, EngineError> {
        match Self::find().await {
            Err(EngineError::NoEngine { .. }) if Self::can_be_private() => {
                say(
                    "No hay ningún motor de Docker en marcha; guardo las imágenes para el motor privado.",
                );
                Self::start_private(Purpose::Store, say).await
            }
            result => result,
        }
    }

    /// Finds the engine of this machine, in the order of Docker's own clients: `DOCKER_HOST`, the current docker
    /// context, the default sockets.
    ///
    /// # Errors
    /// When none answers. The text of the error is the whole message for the user, way out included.
    pub async fn find() -> Result<Self, EngineError> {
        let var = |name: &str| std::env::var(name).ok();
        let around = Surroundings {
            var: &var,
            home: std::env::home_dir(),
        };
        let mut tried = Vec::new();
        let mut refused = None;
        for endpoint in endpoint::candidates(&around)? {
            match Self::open(&endpoint, None).await {
                Ok(engine) => return Ok(engine),
                Err(Miss::Fatal(error)) => return Err(error),
                Err(Miss::Silent(why)) if endpoint.origin != Origin::Default => {
                    return Err(EngineError::NotAnswering {
                        host: endpoint.host,
                        origin: endpoint.origin,
                        why,
                    });
                }
                Err(Miss::Silent(why)) => tried.push(format!("{}: {why}", endpoint.host)),
                Err(Miss::Refused) => {
                    refused.get_or_insert(endpoint.host.trim_start_matches("unix://").to_owned());
                }
            }
        }
        if let Some(socket) = refused {
            return Err(EngineError::PermissionDenied { socket });
        }
        Err(EngineError::NoEngine {
            tried,
            installed: program("dockerd").is_some(),
        })
    }

    /// Whether a private engine may be started here: on Linux, as root, with `dockerd` installed.
    #[must_use]
    pub fn can_be_private() -> bool {
        private::is_possible()
    }

    /// The Debian packages that a private engine still needs here.
    #[must_use]
    pub fn lacking_for_private() -> Vec<&'static str> {
        private::lacking()
    }

    /// Removes what killed private engines left: empty control groups and a few files.
    pub fn sweep_private() {
        private::sweep();
    }

    /// What keeps a private engine from being started here, each with its way out; empty when nothing does.
    #[must_use]
    pub fn private_obstacles() -> Vec<String> {
        private::obstacles()
    }

    /// Starts a private engine, whatever else runs on this machine, with the images of its store. It ends with this
    /// value, and with this process.
    ///
    /// # Errors
    /// When it cannot be started: not root, something not installed, or what its log says.
    pub async fn connect_private(bounds: Bounds, say: Say<'_>) -> Result<Self, EngineError> {
        say("Arranco un motor propio y privado, que solo dura lo que dura esta orden.");
        Self::start_private(Purpose::Work(bounds), say).await
    }

    /// As [`Engine::connect_private`], with those of `images` that the machine's own engine has: what its store lacks
    /// of them is taken from there first.
    ///
    /// # Errors
    /// As [`Engine::connect_private`]; or an image could not be copied.
    pub async fn connect_sandbox(images: &[BaseImage], say: Say<'_>) -> Result<Self, EngineError> {
        if let Ok(machine) = Self::find().await {
            Self::stock(&machine, images, say).await?;
        }
        let engine = Self::connect_private(Bounds::default(), say).await?;
        let references: Vec<&str> = images
            .iter()
            .map(|image| image.reference.as_str())
            .collect();
        let missing = images::missing(&engine, &references).await;
        match missing.map_err(|error| EngineError::private(&error))?[..] {
            [] => Ok(engine),
            ref missing => Err(EngineError::NoImages(images::missing_message(missing))),
        }
    }

    /// Copies from `machine` what the store lacks of `images`.
    async fn stock(machine: &Self, images: &[BaseImage], say: Say<'_>) -> Result<(), EngineError> {
        let mut wanted = Vec::new();
        let store = Store::here().map_err(|error| EngineError::private(&error))?;
        let index = store.index();
        for image in images {
            let here = machine.docker.inspect_image(&image.reference).await;
            let id = here.ok().and_then(|image| image.id);
            if let Some(id) = id.filter(|id| index.get(&image.reference) != Some(id)) {
                wanted.push((image.reference.clone(), id));
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        say("Guardo para el motor privado las imágenes base que le faltan (solo esta vez)…");
        let mut filler = Self::start_private(Purpose::Store, say).await?;
        for (reference, id) in wanted {
            let copied = images::copy(machine, &filler, &reference).await;
            copied.map_err(|error| EngineError::private(&error))?;
            filler.copied.insert(reference, id);
        }
        // What it had before, and still has, came from where it came.
        for (reference, id) in index {
            filler.copied.entry(reference).or_insert(id);
        }
        filler.finish().await
    }

    async fn start_private(purpose: Purpose, say: Say<'_>) -> Result<Self, EngineError> {
        let (private, mut engine) = Private::start(purpose, say).await?;
        engine.private = Some(private);
        Ok(engine)
    }

    /// Connects to one address and asks it for its facts.
    async fn open(endpoint: &Endpoint, reach: Option<Reach>) -> Result<Self, Miss> {
        let docker = client(endpoint)?.with_timeout(ANSWER_TIMEOUT);
        match tokio::time::timeout(PING_TIMEOUT, docker.ping()).await {
            Err(_) => {
                return Err(Miss::Silent(format!(
                    "sin respuesta en {} s",
                    PING_TIMEOUT.as_secs()
                )));
            }
            Ok(Err(error)) => return Err(Miss::of(endpoint, &error)),
            Ok(Ok(_)) => {}
        }
        let facts = Facts::probe(&docker, endpoint, reach)
            .await
            .map_err(Miss::Fatal)?;
        Ok(Self {
            docker,
            facts,
            endpoint: endpoint.clone(),
            private: None,
            copied: BTreeMap::new(),
        })
    }

    /// The client to talk to it with.
    #[must_use]
    pub fn docker(&self) -> &Docker {
        &self.docker
    }

    /// What it is and can do.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Where it listens, and who said so.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Opens a TCP connection to a container's address (or, when the engine needs published ports, to a published one).
    ///
    /// # Errors
    /// As for any connection; `TimedOut` after five seconds.
    pub async fn connect_tcp(&self, addr: SocketAddr) -> io::Result<TcpStream> {
        self.facts.reach.connect_tcp(addr).await
    }

    /// Whether it is one of our own, gone with this process.
    #[must_use]
    pub fn is_private(&self) -> bool {
        self.private.is_some()
    }

    /// The arguments that every build needs here to reach the index of packages.
    #[must_use]
    pub fn build_args(&self) -> Vec<(String, String)> {
        self.private
            .as_ref()
            .map(Private::build_args)
            .unwrap_or_default()
    }

    /// The folder that it sees under the same path as we do; nothing where it sees all that we see.
    #[must_use]
    pub fn shared_folder(&self) -> Option<PathBuf> {
        self.private.as_ref().map(Private::labs)
    }

    /// Lets go of the engine. A private one ends: at once, or, when images were prepared in it, in order.
    pub async fn stop(self) {
        // A store that is not finished counts as empty, and is filled again.
        let _ = self.finish().await;
    }

    async fn finish(self) -> Result<(), EngineError> {
        let Some(private) = self.private else {
            return Ok(());
        };
        let Some(store) = private.fills().cloned() else {
            private.stop().await;
            return Ok(());
        };
        let listed = self.docker.list_images(None::<ListImagesOptions>).await;
        let images = listed.map_err(|error| EngineError::private(&error))?;
        let mut index = BTreeMap::new();
        for image in images {
            for reference in image.repo_tags {
                let id = self.copied.get(&reference).unwrap_or(&image.id);
                index.insert(reference.clone(), id.clone());
            }
        }
        private.finish(&store, &index).await
    }
}

/// Why one address gave no engine.
enum Miss {
    /// Nothing answers there.
    Silent(String),
    /// Something listens, but not to us.
    Refused,
    /// No use in looking further.
    Fatal(EngineError),
}

impl Miss {
    fn of(endpoint: &Endpoint, error: &bollard::errors::Error) -> Self {
        use bollard::errors::Error;
        if let Error::DockerResponseServerError { .. } = error {
            return Self::Fatal(EngineError::Facts {
                host: endpoint.host.clone(),
                why: error.to_string(),
            });
        }
        match io_kind(error) {
            Some(io::ErrorKind::PermissionDenied) => Self::Refused,
            Some(io::ErrorKind::NotFound) => Self::Silent("no existe".to_owned()),
            Some(io::ErrorKind::ConnectionRefused) => Self::Silent("nadie escucha ahí".to_owned()),
            _ => Self::Silent(root_cause(error)),
        }
    }
}

/// The kind of the I/O error at the bottom of an error of bollard's.
fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<io::Error>() {
            return Some(io.kind());
        }
        next = error.source();
    }
    None
}

/// The text of the error at the bottom, which is the one that says something.
fn root_cause(error: &dyn std::error::Error) -> String {
    let mut last = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        last = error.to_string();
        next = error.source();
    }
    last
}

/// A client for one address.
fn client(endpoint: &Endpoint) -> Result<Docker, Miss> {
    let host = endpoint.host.as_str();
    let unsupported = || {
        Miss::Fatal(EngineError::Unsupported {
            host: host.to_owned(),
            origin: endpoint.origin.clone(),
        })
    };
    let seconds = ANSWER_TIMEOUT.as_secs();
    let client = if host.starts_with("tcp://") || host.starts_with("http://") {
        Docker::connect_with_http(host, seconds, API_DEFAULT_VERSION)
    } else if cfg!(unix) && host.starts_with("unix://") {
        #[cfg(unix)]
        {
            Docker::connect_with_unix(host, seconds, API_DEFAULT_VERSION)
        }
        #[cfg(not(unix))]
        return Err(unsupported());
    } else if cfg!(windows) && host.starts_with("npipe://") {
        #[cfg(windows)]
        {
            Docker::connect_with_named_pipe(host, seconds, API_DEFAULT_VERSION)
        }
        #[cfg(not(windows))]
        return Err(unsupported());
    } else {
        return Err(unsupported());
    };
    client.map_err(|error| match error {
        bollard::errors::Error::SocketNotFoundError(_) => Miss::Silent("no existe".to_owned()),
        other => Miss::Silent(root_cause(&other)),
    })
}
