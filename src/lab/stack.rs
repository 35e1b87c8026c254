//! Compose's `up`, `down`, `scale`, `run` and `restart` over the engine's API.
//!
//! The engine knows no Compose: a [`Stack`] makes the networks, volumes and containers that
//! `docker compose` would make of the same project, names and host ports rewritten so that many
//! stacks run side by side.

mod down;
mod fault;
mod grants;
mod objects;
mod order;
mod ports;
mod probes;
mod raise;
mod readiness;
mod run;
mod translate;
mod unsupported;

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures_util::future::try_join_all;
use tokio::sync::{Mutex, watch};

use super::Lab;
use super::container::Container;
use crate::submission::Location;
use crate::submission::compose::{Condition, Project, Service, Warning};
use ports::HostPorts;

pub use fault::UpError;
pub use probes::{HealthTiming, Pace, ProbeCount, never_probed};
pub use run::{OneOff, Ran};
pub use translate::{inherited_health, no_health};

/// What the checker changes in a service beyond what the student wrote.
#[derive(Clone, Debug, Default)]
pub struct Tweaks {
    /// Environment added to a service, by the service's name.
    pub environment: BTreeMap<String, Vec<(String, String)>>,
    /// Ports of a service that the checker must reach where containers have no address of their own.
    pub reached: BTreeMap<String, Vec<u16>>,
    /// How often health checks run; nothing keeps the student's timing.
    pub health: Option<Pace>,
}

/// How far a service is on its way up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Nothing happened yet, or a dependency is on its way up.
    Pending,
    /// A dependency runs but is not yet what `depends_on` asks for.
    Waiting {
        /// The dependency.
        on: String,
        /// What is waited for.
        condition: Condition,
    },
    /// Its containers were started.
    Started,
}

/// A compose project brought to life in a lab.
pub struct Stack<'lab> {
    lab: &'lab Lab,
    name: String,
    project: Project,
    images: BTreeMap<String, String>,
    dir: PathBuf,
    tweaks: std::sync::Mutex<Tweaks>,
    held: watch::Sender<bool>,
    phases: watch::Sender<BTreeMap<String, Phase>>,
    made: Mutex<Made<'lab>>,
    ports: HostPorts,
    warnings: std::sync::Mutex<Vec<Warning>>,
}

/// What the stack has on the engine now.
#[derive(Default)]
struct Made<'lab> {
    replicas: BTreeMap<String, Vec<Replica<'lab>>>,
    one_offs: Vec<Container<'lab>>,
    networks: BTreeMap<String, String>,
    volumes: BTreeMap<String, String>,
}

/// One container of a service.
#[derive(Clone)]
struct Replica<'lab> {
    number: u64,
    container: Container<'lab>,
    /// Whether it was started; before, it is only made.
    started: bool,
}

impl<'lab> Stack<'lab> {
    /// A stack called `name` in `lab`, not yet up.
    ///
    /// `images` holds an image for every service; `dir` holds the submission's files, the source
    /// of its bind mounts and secrets.
    pub fn new(
        lab: &'lab Lab,
        name: &str,
        project: Project,
        images: BTreeMap<String, String>,
        dir: PathBuf,
        tweaks: Tweaks,
    ) -> Self {
        let phases = project
            .services
            .keys()
            .map(|name| (name.clone(), Phase::Pending))
            .collect();
        Self {
            lab,
            name: name.to_owned(),
            project,
            images,
            dir,
            tweaks: std::sync::Mutex::new(tweaks),
            held: watch::Sender::new(false),
            phases: watch::Sender::new(phases),
            made: Mutex::default(),
            ports: HostPorts::default(),
            warnings: std::sync::Mutex::default(),
        }
    }

    /// The project that it runs.
    pub fn project(&self) -> &Project {
        &self.project
    }

    /// Changes the tweaks for containers that are made from now on.
    pub fn set_tweaks(&self, tweaks: Tweaks) {
        if let Ok(mut current) = self.tweaks.lock() {
            *current = tweaks;
        }
    }

    /// While held, failing health checks are not held against anyone: the checker itself keeps an app ill.
    pub fn hold(&self, held: bool) {
        self.held.send_replace(held);
    }

    /// How far each service is; changes are seen by waiting on it.
    pub fn phases(&self) -> watch::Receiver<BTreeMap<String, Phase>> {
        self.phases.subscribe()
    }

    /// The running or ended containers of `service`, in their order.
    pub async fn containers(&self, service: &str) -> Vec<Container<'lab>> {
        let made = self.made.lock().await;
        let replicas = made.replicas.get(service).into_iter().flatten();
        let started = replicas.filter(|replica| replica.started);
        started.map(|replica| replica.container.clone()).collect()
    }

    /// What Compose would have warned about while it brought the project up.
    pub fn warnings(&self) -> Vec<Warning> {
        let warnings = self.warnings.lock();
        warnings
            .map(|warnings| warnings.clone())
            .unwrap_or_default()
    }

    /// The engine's id of a network of the project.
    pub async fn network(&self, key: &str) -> Option<String> {
        self.made.lock().await.networks.get(key).cloned()
    }

    /// Brings all services up, each after its dependencies, as `docker compose up -d`.
    ///
    /// # Errors
    /// See [`UpError`]; what was started so far stays.
    pub async fn up(&self) -> Result<(), UpError> {
        let services: Vec<_> = self.project.services.values().collect();
        self.up_services(&services).await
    }

    /// Brings `service` up with what it depends on, as `docker compose up -d SERVICE`.
    ///
    /// # Errors
    /// See [`UpError`].
    pub async fn up_one(&self, service: &str) -> Result<(), UpError> {
        self.up_services(&self.with_dependencies(service)?).await
    }

    /// Brings `service` up without anything that it depends on, as `up -d --no-deps SERVICE`.
    ///
    /// # Errors
    /// See [`UpError`].
    pub async fn up_alone(&self, service: &str) -> Result<(), UpError> {
        let service = self.service(service)?;
        self.make(&[service], |service| service.replicas().max(1))
            .await?;
        self.start(service).await
    }

    async fn up_services(&self, services: &[&Service]) -> Result<(), UpError> {
        for service in services {
            self.set_phase(&service.name, Phase::Pending);
        }
        self.make(services, Service::replicas).await?;
        let names: Vec<&str> = services
            .iter()
            .map(|service| service.name.as_str())
            .collect();
        try_join_all(services.iter().map(|service| {
            let names = &names;
            async move {
                self.await_dependencies(service, names).await?;
                self.start(service).await?;
                self.set_phase(&service.name, Phase::Started);
                Ok(())
            }
        }))
        .await?;
        Ok(())
    }

    /// `service` and everything that it depends on, directly or not.
    fn with_dependencies(&self, service: &str) -> Result<Vec<&Service>, UpError> {
        let mut wanted = vec![self.service(service)?];
        let mut next = 0;
        while let Some(service) = wanted.get(next).copied() {
            next += 1;
            for dependency in &service.depends_on {
                if !wanted.iter().any(|it| it.name == dependency.service) {
                    wanted.push(self.service(&dependency.service)?);
                }
            }
        }
        Ok(wanted)
    }

    fn service(&self, name: &str) -> Result<&Service, UpError> {
        self.project.services.get(name).ok_or_else(|| {
            let file = self.project.files.first();
            UpError::failed(
                format!("el proyecto no tiene ningún servicio `{name}`"),
                &Location::line(file.map_or("compose.yaml", String::as_str), 1),
            )
        })
    }

    fn set_phase(&self, service: &str, phase: Phase) {
        self.phases.send_modify(|phases| {
            phases.insert(service.to_owned(), phase);
        });
    }

    fn warn(&self, warning: Warning) {
        if let Ok(mut warnings) = self.warnings.lock() {
            warnings.push(warning);
        }
    }
}
