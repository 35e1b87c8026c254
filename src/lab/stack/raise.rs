//! Containers made and started, up to the number of replicas.

use std::collections::BTreeMap;
use std::time::Duration;

use bollard::models::NetworkConnectRequest;
use futures_util::future::try_join_all;

use super::fault::blame;
use super::order::waves;
use super::translate::{Role, Translation};
use super::unsupported::at_creation;
use super::{Replica, Stack, Tweaks, UpError};
use crate::lab::container::Container;
use crate::submission::compose::Service;

impl<'lab> Stack<'lab> {
    /// Brings `service` to `replicas` containers, as `docker compose scale SERVICE=N` on a running project.
    ///
    /// # Errors
    /// See [`UpError`].
    pub async fn scale(&self, service: &str, replicas: u64) -> Result<(), UpError> {
        let service = self.service(service)?;
        self.make(&[service], |_| replicas).await?;
        self.start(service).await
    }

    /// Restarts the containers of `service`, and then those of the services that depend on it with `restart: true`,
    /// as `docker compose restart SERVICE`.
    ///
    /// # Errors
    /// See [`UpError`].
    pub async fn restart(&self, service: &str) -> Result<(), UpError> {
        let mut wanted = vec![self.service(service)?];
        let mut next = 0;
        while let Some(service) = wanted.get(next).copied() {
            next += 1;
            for dependent in self.project.services.values() {
                let follows = dependent.depends_on.iter();
                let follows = follows
                    .filter(|it| it.restart)
                    .any(|it| it.service == service.name);
                if follows && !wanted.iter().any(|it| it.name == dependent.name) {
                    wanted.push(dependent);
                }
            }
        }
        for wave in waves(&wanted) {
            for service in wave {
                let grace = self.grace(&service.name);
                for container in self.containers(&service.name).await {
                    container.stop(grace).await.map_err(UpError::Engine)?;
                    let started = container.start().await;
                    started.map_err(|error| blame(service, error))?;
                }
            }
        }
        Ok(())
    }

    /// Makes what `services` need and their containers, each service after its dependencies, until each has as
    /// many as `replicas` says; those beyond are removed.
    pub(super) async fn make(
        &self,
        services: &[&Service],
        replicas: impl Fn(&Service) -> u64,
    ) -> Result<(), UpError> {
        self.review(services).await?;
        self.prepare(services).await?;
        for wave in waves(services) {
            let wave = wave.into_iter();
            try_join_all(wave.map(|service| self.make_service(service, replicas(service)))).await?;
        }
        Ok(())
    }

    async fn make_service(&self, service: &Service, replicas: u64) -> Result<(), UpError> {
        if let Some(fixed) = service.container_name.as_ref().filter(|_| replicas > 1) {
            return Err(UpError::failed(
                format!(
                    "Compose se niega a escalar `{}`: tiene el nombre fijo `container_name: {}`, y un nombre solo puede ser de un contenedor (Compose dice: `The \"{}\" service is using the custom container name \"{}\"`)",
                    service.name, fixed.value, service.name, fixed.value
                ),
                &fixed.location,
            ));
        }
        let surplus = {
            let mut made = self.made.lock().await;
            let present = made.replicas.entry(service.name.clone()).or_default();
            let keep = usize::try_from(replicas).unwrap_or(usize::MAX);
            present.split_off(present.len().min(keep))
        };
        let removed = surplus
            .into_iter()
            .map(|it| self.remove(&service.name, it.container));
        try_join_all(removed).await.map_err(UpError::Engine)?;
        let (present, highest) = {
            let made = self.made.lock().await;
            let present = made.replicas.get(&service.name).into_iter().flatten();
            let numbers: Vec<u64> = present.map(|replica| replica.number).collect();
            (numbers.len() as u64, numbers.into_iter().max().unwrap_or(0))
        };
        let numbers = (highest + 1..).take(usize::try_from(replicas - present).unwrap_or(0));
        let new = numbers.map(|number| self.make_replica(service, number));
        let new = try_join_all(new).await?;
        let mut made = self.made.lock().await;
        made.replicas
            .entry(service.name.clone())
            .or_default()
            .extend(new);
        Ok(())
    }

    async fn make_replica(&self, service: &Service, number: u64) -> Result<Replica<'lab>, UpError> {
        let compose_name = self.compose_name(service, number);
        let name = match &service.container_name {
            Some(fixed) => fixed.value.clone(),
            None => format!("{}-{number}", service.name),
        };
        let container = self
            .create(service, Role::Replica(number), &name, &compose_name)
            .await?;
        Ok(Replica {
            number,
            container,
            started: false,
        })
    }

    /// Makes one container, attached to its networks, but does not start it.
    pub(super) async fn create(
        &self,
        service: &Service,
        role: Role,
        name: &str,
        compose_name: &str,
    ) -> Result<Container<'lab>, UpError> {
        at_creation(service)?;
        self.warn_of_missing(service);
        let tweaks: Tweaks = self
            .tweaks
            .lock()
            .map(|tweaks| tweaks.clone())
            .unwrap_or_default();
        let (networks, volumes): (BTreeMap<_, _>, BTreeMap<_, _>) = {
            let made = self.made.lock().await;
            (made.networks.clone(), made.volumes.clone())
        };
        let name = format!("{}-{name}", self.name);
        let translation = Translation {
            stack: self,
            service,
            role,
            compose_name,
            tweaks: &tweaks,
            networks: &networks,
            volumes: &volumes,
            links: &self.links(service, role).await,
            published: &self.ports.of(service, &name)?,
        };
        let blame = |error| blame(service, error);
        let body = translation.body()?;
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
                endpoint_config: Some(translation.endpoint(attachment)),
            };
            self.lab
                .docker()
                .connect_network(network, request)
                .await
                .map_err(blame)?;
        }
        Ok(container)
    }

    /// The containers that `links` names, each under the names that Compose gives it.
    async fn links(&self, service: &Service, role: Role) -> Vec<String> {
        let number = match role {
            Role::Replica(number) => number,
            Role::OneOff { .. } => 1,
        };
        let made = self.made.lock().await;
        let mut links = Vec::new();
        for written in &service.links {
            let (target, alias) = written.split_once(':').unwrap_or((written, written));
            for replica in made.replicas.get(target).into_iter().flatten() {
                let name = replica.container.name();
                links.push(format!("{name}:{alias}"));
                links.push(format!("{name}:{target}-{number}"));
                links.push(format!("{name}:{}-{target}-{number}", self.project.name));
            }
        }
        links
    }

    /// Starts the containers of `service` that do not run, one after the other as Compose does.
    pub(super) async fn start(&self, service: &Service) -> Result<(), UpError> {
        let replicas = {
            let made = self.made.lock().await;
            made.replicas
                .get(&service.name)
                .cloned()
                .unwrap_or_default()
        };
        try_join_all(replicas.into_iter().map(|replica| async move {
            if !replica.started {
                self.inject(service, &replica.container).await?;
            }
            let started = replica.container.start().await;
            started.map_err(|error| blame(service, error))
        }))
        .await?;
        let mut made = self.made.lock().await;
        for replica in made.replicas.entry(service.name.clone()).or_default() {
            replica.started = true;
        }
        Ok(())
    }

    /// What Compose would call `container`, one of the stack.
    pub(super) async fn name_of(&self, container: &Container<'_>) -> String {
        let made = self.made.lock().await;
        for (service, replicas) in &made.replicas {
            let replica = replicas
                .iter()
                .find(|it| it.container.id() == container.id());
            if let (Some(replica), Ok(service)) = (replica, self.service(service)) {
                return self.compose_name(service, replica.number);
            }
        }
        container.name().to_owned()
    }

    /// The time that the containers of `service` have to end by themselves.
    pub(super) fn grace(&self, service: &str) -> Duration {
        /// What the engine gives when nobody says anything.
        const USUAL: Duration = Duration::from_secs(10);
        /// More is never waited for.
        const MOST: Duration = Duration::from_secs(30);
        let service = self.project.services.get(service);
        let own = service.and_then(|service| service.stop_grace_period.as_ref());
        own.map_or(USUAL, |grace| grace.value).min(MOST)
    }
}
