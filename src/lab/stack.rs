//! Compose's `up`, `down` and `--scale` over the engine's API.
//!
//! The engine knows no Compose: a [`Stack`] makes the networks, volumes and containers that
//! `docker compose` would make of the same project, names and host ports rewritten so that many
//! stacks run side by side.

mod readiness;
mod translate;

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use bollard::errors::Error;
use bollard::models::{EndpointSettings, NetworkConnectRequest, VolumeCreateRequest};
use bollard::query_parameters::RemoveVolumeOptions;
use futures_util::future::try_join_all;
use tokio::sync::{Mutex, watch};

use super::Lab;
use super::container::Container;
use super::fault;
use crate::submission::Location;
use crate::submission::compose::{Condition, Project, Service};

pub use readiness::{HealthTiming, Pace, ProbeCount, never_probed};
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

/// Why a stack does not come up.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// The submission is to blame.
    #[error("{message}")]
    Failed {
        /// What happened, in Spanish, with the engine's own words.
        message: String,
        /// The part of the compose file that asked for it.
        location: Location,
    },
    /// The engine lacks something, so that it cannot be tried here.
    #[error("{0}")]
    Unable(String),
    /// The engine or the machine is to blame.
    #[error("el motor falló: {0}")]
    Engine(anyhow::Error),
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
    ports: Mutex<HashMap<u16, u16>>,
}

/// What the stack has on the engine now.
#[derive(Default)]
struct Made<'lab> {
    containers: BTreeMap<String, Vec<Container<'lab>>>,
    networks: BTreeMap<String, String>,
    volumes: BTreeMap<String, String>,
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
            ports: Mutex::default(),
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
        self.made
            .lock()
            .await
            .containers
            .get(service)
            .cloned()
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
        let mut wanted = vec![service.to_owned()];
        let mut next = 0;
        while let Some(name) = wanted.get(next).cloned() {
            next += 1;
            for dependency in self.service(&name)?.depends_on.iter() {
                if !wanted.contains(&dependency.service) {
                    wanted.push(dependency.service.clone());
                }
            }
        }
        let services = wanted
            .iter()
            .map(|name| self.service(name))
            .collect::<Result<Vec<_>, _>>()?;
        self.up_services(&services).await
    }

    /// Brings `service` up without anything that it depends on.
    ///
    /// # Errors
    /// See [`UpError`].
    pub async fn up_alone(&self, service: &str) -> Result<(), UpError> {
        let service = self.service(service)?;
        self.prepare(&[service]).await?;
        self.start(service, service.replicas().max(1)).await
    }

    async fn up_services(&self, services: &[&Service]) -> Result<(), UpError> {
        self.prepare(services).await?;
        for service in services {
            self.set_phase(&service.name, Phase::Pending);
        }
        let names: Vec<&str> = services
            .iter()
            .map(|service| service.name.as_str())
            .collect();
        try_join_all(services.iter().map(|service| {
            let names = &names;
            async move {
                self.await_dependencies(service, names).await?;
                self.start(service, service.replicas()).await?;
                self.set_phase(&service.name, Phase::Started);
                Ok(())
            }
        }))
        .await?;
        Ok(())
    }

    /// Brings `service` to `replicas` containers, as `up -d --scale SERVICE=N` on a running project.
    ///
    /// # Errors
    /// See [`UpError`].
    pub async fn scale(&self, service: &str, replicas: u64) -> Result<(), UpError> {
        let service = self.service(service)?;
        self.start(service, replicas).await
    }

    /// Stops and removes containers and networks; volumes only `with_volumes`, as `down -v`.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn down(&self, with_volumes: bool) -> anyhow::Result<()> {
        /// What a container gets to end by itself; Compose gives 10 s.
        const GRACE: Duration = Duration::from_secs(3);
        let mut made = self.made.lock().await;
        let containers = std::mem::take(&mut made.containers).into_values().flatten();
        try_join_all(containers.map(|container| async move {
            container.stop(GRACE).await?;
            container.remove().await
        }))
        .await?;
        let networks = std::mem::take(&mut made.networks).into_values();
        try_join_all(networks.map(|id| async move { self.lab.docker().remove_network(&id).await }))
            .await?;
        if with_volumes {
            let volumes = std::mem::take(&mut made.volumes).into_values();
            try_join_all(volumes.map(|name| async move {
                self.lab
                    .docker()
                    .remove_volume(&name, None::<RemoveVolumeOptions>)
                    .await
            }))
            .await?;
        }
        Ok(())
    }

    fn service(&self, name: &str) -> Result<&Service, UpError> {
        self.project
            .services
            .get(name)
            .ok_or_else(|| UpError::Failed {
                message: format!("el proyecto no tiene ningún servicio `{name}`"),
                location: Location::line(
                    self.project
                        .files
                        .first()
                        .map_or("compose.yaml", String::as_str),
                    1,
                ),
            })
    }

    fn set_phase(&self, service: &str, phase: Phase) {
        self.phases.send_modify(|phases| {
            phases.insert(service.to_owned(), phase);
        });
    }

    /// The name of an object of this stack on the engine.
    fn full_name(&self, key: &str) -> String {
        format!("muelle-{}-{}-{key}", self.lab.id(), self.name)
    }

    /// Makes the networks and volumes that `services` use and that are not there yet.
    async fn prepare(&self, services: &[&Service]) -> Result<(), UpError> {
        let mut made = self.made.lock().await;
        for service in services {
            for attachment in &service.networks {
                let key = &attachment.network;
                if made.networks.contains_key(key) {
                    continue;
                }
                let id = self.make_network(key).await.map_err(engine)?;
                made.networks.insert(key.clone(), id);
            }
            for key in translate::volume_keys(service) {
                if made.volumes.contains_key(key) {
                    continue;
                }
                let mut labels = self.compose_labels();
                labels.insert("com.docker.compose.volume".into(), key.to_owned());
                let request = VolumeCreateRequest {
                    name: Some(self.full_name(key)),
                    labels: Some(labels),
                    ..VolumeCreateRequest::default()
                };
                let volume = self
                    .lab
                    .docker()
                    .create_volume(request)
                    .await
                    .map_err(engine)?;
                made.volumes.insert(key.to_owned(), volume.name);
            }
        }
        Ok(())
    }

    async fn make_network(&self, key: &str) -> Result<String, Error> {
        let declared = self.project.networks.get(key);
        let mut labels = self.compose_labels();
        labels.insert("com.docker.compose.network".into(), key.to_owned());
        let internal = declared.and_then(|network| network.internal.as_ref());
        let internal = internal.map(|yes| yes.value);
        self.lab
            .make_network(self.full_name(key), internal, labels)
            .await
    }

    fn compose_labels(&self) -> HashMap<String, String> {
        let mut labels = self.lab.labels();
        labels.insert(
            "com.docker.compose.project".into(),
            self.project.name.clone(),
        );
        labels
    }

    /// Makes and starts containers of `service` until there are `replicas`.
    async fn start(&self, service: &Service, replicas: u64) -> Result<(), UpError> {
        let present = self.containers(&service.name).await.len() as u64;
        if let Some(fixed) = service.container_name.as_ref().filter(|_| replicas > 1) {
            return Err(UpError::Failed {
                message: format!(
                    "Compose se niega a escalar `{}`: tiene el nombre fijo `container_name: {}`, y un nombre solo puede ser de un contenedor",
                    service.name, fixed.value
                ),
                location: fixed.location.clone(),
            });
        }
        let numbers = present + 1..=replicas;
        let started = numbers.map(|number| self.start_one(service, number));
        let started = try_join_all(started).await?;
        let mut made = self.made.lock().await;
        made.containers
            .entry(service.name.clone())
            .or_default()
            .extend(started);
        Ok(())
    }

    async fn start_one(&self, service: &Service, number: u64) -> Result<Container<'lab>, UpError> {
        let tweaks = self
            .tweaks
            .lock()
            .map(|tweaks| tweaks.clone())
            .unwrap_or_default();
        let (networks, volumes) = {
            let made = self.made.lock().await;
            (made.networks.clone(), made.volumes.clone())
        };
        let published = self
            .host_ports(service, number)
            .await
            .map_err(UpError::Engine)?;
        let translation = translate::Translation {
            stack: self,
            service,
            number,
            tweaks: &tweaks,
            networks: &networks,
            volumes: &volumes,
            published: &published,
        };
        let blame = |error| blame(service, error);
        let body = translation.body().map_err(UpError::Engine)?;
        let name = format!("{}-{}-{number}", self.name, service.name);
        let container = Container::create(self.lab, &name, body)
            .await
            .map_err(blame)?;
        // Engines before 25 take one network at creation; the others are joined before the start.
        for attachment in translation.attachments().into_iter().skip(1) {
            let Some(network) = networks.get(&attachment.network) else {
                continue;
            };
            let request = NetworkConnectRequest {
                container: container.id().to_owned(),
                endpoint_config: Some(EndpointSettings {
                    aliases: Some(translation.aliases(attachment)),
                    ..EndpointSettings::default()
                }),
            };
            self.lab
                .docker()
                .connect_network(network, request)
                .await
                .map_err(engine)?;
        }
        container.start().await.map_err(blame)?;
        Ok(container)
    }

    /// The host port that stands for each one that the student fixed: free here, and the same for
    /// all containers of the stack, so that the engine itself reports a clash.
    async fn host_ports(
        &self,
        service: &Service,
        number: u64,
    ) -> anyhow::Result<HashMap<u16, u16>> {
        let mut ports = self.ports.lock().await;
        let mut mine = HashMap::new();
        for port in &service.ports {
            let Some((first, last)) = port.published else {
                continue;
            };
            let wanted = u64::from(first) + number - 1;
            if first != last && wanted > u64::from(last) {
                anyhow::bail!(
                    "el rango de puertos {first}-{last} de `{}` no alcanza para {number} réplicas",
                    service.name
                );
            }
            // A range gives each container its own; a single port is everyone's.
            let key = if first == last {
                first
            } else {
                u16::try_from(wanted)?
            };
            if let std::collections::hash_map::Entry::Vacant(entry) = ports.entry(key) {
                entry.insert(free_port()?);
            }
            mine.insert(first, ports[&key]);
        }
        Ok(mine)
    }
}

/// A port that nothing listens on at this moment.
fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind(("127.0.0.1", 0))?
        .local_addr()?
        .port())
}

fn engine(error: Error) -> UpError {
    UpError::Engine(error.into())
}

/// Faults at creation and start that come from what the student wrote, and all others.
fn blame(service: &Service, error: Error) -> UpError {
    let Error::DockerResponseServerError { message, .. } = &error else {
        return engine(error);
    };
    if fault::is_machines(message) {
        return engine(error);
    }
    let port = service.ports.iter().find(|port| port.published.is_some());
    match port {
        Some(port)
            if message.contains("port is already allocated")
                || message.contains("address already in use") =>
        {
            UpError::Failed {
                message: format!(
                    "el puerto {} del anfitrión ya es de otro contenedor del mismo servicio: un puerto fijo solo sirve para una réplica (`port is already allocated`)",
                    port.published.map_or(0, |(first, _)| first)
                ),
                location: port.location.clone(),
            }
        }
        _ => UpError::Failed {
            message: format!("`{}` no arranca: {message}", service.name),
            location: service.location.clone(),
        },
    }
}
