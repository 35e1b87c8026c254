//! Waiting for what `depends_on` asks for.

use std::time::{Duration, Instant};

use bollard::models::{ContainerStateStatusEnum, HealthStatusEnum};
use futures_util::future::try_join_all;

use super::probes::never_probed;
use super::{Phase, ProbeCount, Stack, UpError};
use crate::lab::container::{Container, GLANCE};
use crate::submission::compose::{Condition, Dependency, Service, Warning};

/// Longest wait for one condition.
const CONDITION_LIMIT: Duration = Duration::from_secs(60);

/// Failed probes of an app that nobody keeps ill after which it counts as never healthy.
const FAILURES_ENOUGH: usize = 4;

impl Stack<'_> {
    /// Waits until all that `service` depends on, of the `wanted` services, is as it asks.
    pub(super) async fn await_dependencies(
        &self,
        service: &Service,
        wanted: &[&str],
    ) -> Result<(), UpError> {
        let dependencies = || {
            let all = service.depends_on.iter();
            all.filter(|it| wanted.contains(&it.service.as_str()))
        };
        // Nothing is waited for before everything that comes first was started.
        for dependency in dependencies() {
            let mut phases = self.phases();
            // The sender lives as long as the stack, so the wait cannot be cut off.
            let _ = phases
                .wait_for(|phases| phases.get(&dependency.service) == Some(&Phase::Started))
                .await;
        }
        let conditions = dependencies().filter(|it| it.condition != Condition::Started);
        try_join_all(conditions.map(|dependency| self.await_condition(service, dependency)))
            .await?;
        Ok(())
    }

    async fn await_condition(
        &self,
        service: &Service,
        dependency: &Dependency,
    ) -> Result<(), UpError> {
        self.set_phase(
            &service.name,
            Phase::Waiting {
                on: dependency.service.clone(),
                condition: dependency.condition,
            },
        );
        let containers = self.containers(&dependency.service).await;
        let met = match dependency.condition {
            Condition::Completed => completed(&containers, dependency).await,
            _ => {
                let all = containers.iter().map(|it| self.healthy(it, dependency));
                try_join_all(all).await.map(|_| ())
            }
        };
        match met {
            Ok(()) => Ok(()),
            Err(Unmet::Engine(error)) => Err(UpError::Engine(error)),
            Err(Unmet::Unable(why)) => Err(UpError::Unable(why)),
            Err(Unmet::Endless(told)) => Err(UpError::failed(told, &dependency.location)),
            Err(Unmet::Fault { told, said }) if dependency.required => {
                let said = match dependency.condition {
                    Condition::Completed => format!("service {said}"),
                    _ => format!("dependency failed to start: {said}"),
                };
                let message = format!("{told} (Compose dice: `{said}`)");
                Err(UpError::failed(message, &dependency.location))
            }
            Err(Unmet::Fault { told, said }) => {
                let name = &dependency.service;
                let said = match dependency.condition {
                    Condition::Completed => format!("optional dependency {said}"),
                    _ => format!("optional dependency \"{name}\" failed to start: {said}"),
                };
                self.warn(Warning {
                    message: format!(
                        "`{}` arranca aunque su dependencia opcional no está como pide: {told} (Compose avisa: `{said}`)",
                        service.name
                    ),
                    location: dependency.location.clone(),
                });
                Ok(())
            }
        }
    }

    async fn healthy(
        &self,
        container: &Container<'_>,
        dependency: &Dependency,
    ) -> Result<(), Unmet> {
        let name = &dependency.service;
        let compose_name = self.name_of(container).await;
        let begun = Instant::now();
        let mut probes = ProbeCount::default();
        loop {
            let state = container.state().await?;
            if state.running != Some(true) && state.restarting != Some(true) {
                let code = state.exit_code.unwrap_or(-1);
                return Err(Unmet::Fault {
                    told: format!(
                        "`{name}` terminó con código {code} antes de estar sano. Sus últimas líneas: {}",
                        container.last_lines(3).await
                    ),
                    said: format!("container {compose_name} exited ({code})"),
                });
            }
            let Some(health) = container.health().await? else {
                return Err(Unmet::Fault {
                    told: format!(
                        "se espera a que `{name}` esté sano (`service_healthy`), pero no tiene chequeo de salud: nunca lo estará"
                    ),
                    said: format!("container {compose_name} has no healthcheck configured"),
                });
            };
            if *self.held.borrow() {
                probes = ProbeCount::default();
            }
            probes.look(&health);
            if health.status == HealthStatusEnum::HEALTHY {
                return Ok(());
            }
            if probes.none_for(begun.elapsed()) {
                return Err(Unmet::Unable(never_probed(self.lab.engine().facts())));
            }
            let never = probes.verdicts().count() >= FAILURES_ENOUGH
                && probes.verdicts().all(|code| code != 0);
            let unhealthy = health.status == HealthStatusEnum::UNHEALTHY && !*self.held.borrow();
            // A container that ends meanwhile is unhealthy too; the next look tells.
            let ended = container.state().await?.running != Some(true);
            if !ended && (never || unhealthy || begun.elapsed() > CONDITION_LIMIT) {
                return Err(Unmet::Fault {
                    told: format!(
                        "`{name}` no llega a estar sano, así que no arranca quien lo espera. Su chequeo: {}",
                        health.last_words()
                    ),
                    said: format!("container {compose_name} is unhealthy"),
                });
            }
            tokio::time::sleep(GLANCE).await;
        }
    }
}

/// Why a dependency is not as it should be.
enum Unmet {
    /// The submission is to blame.
    Fault {
        /// What happened, in Spanish.
        told: String,
        /// What Compose says of it, behind how it begins.
        said: String,
    },
    /// It goes on and on: Compose says nothing at all.
    Endless(String),
    /// The engine lacks something, so that it cannot be tried here.
    Unable(String),
    /// The engine or the machine is to blame.
    Engine(anyhow::Error),
}

impl From<anyhow::Error> for Unmet {
    fn from(error: anyhow::Error) -> Self {
        Self::Engine(error)
    }
}

/// Waits for the first of `containers` to end; without any there is nothing to wait for.
async fn completed(containers: &[Container<'_>], dependency: &Dependency) -> Result<(), Unmet> {
    let name = &dependency.service;
    let unsuccessful = |told: String, code: i64| Unmet::Fault {
        told,
        said: format!("\"{name}\" didn't complete successfully: exit {code}"),
    };
    let begun = Instant::now();
    while !containers.is_empty() {
        for container in containers {
            let state = container.state().await?;
            if state.status != Some(ContainerStateStatusEnum::EXITED) {
                continue;
            }
            let code = state.exit_code.unwrap_or(-1);
            let told = format!("`{name}` debía terminar bien y terminó con código {code}");
            return if code == 0 {
                Ok(())
            } else {
                Err(unsuccessful(told, code))
            };
        }
        if begun.elapsed() > CONDITION_LIMIT {
            let told = format!(
                "`{name}` debía terminar y sigue en marcha tras {} s; Compose lo esperaría siempre",
                CONDITION_LIMIT.as_secs()
            );
            return Err(Unmet::Endless(told));
        }
        tokio::time::sleep(GLANCE).await;
    }
    Ok(())
}
