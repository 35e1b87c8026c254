//! `docker compose run`: one container of a service for one command.

use std::time::Duration;

use super::fault::blame;
use super::translate::Role;
use super::{Stack, UpError};
use crate::lab::container::Container;
use crate::lab::token;
use crate::submission::Location;
use crate::submission::compose::{Command, CommandForm, Located, Service};

/// What `docker compose run` is told beyond the service's name.
#[derive(Clone, Debug, Default)]
pub struct OneOff {
    /// The command in place of the service's.
    pub command: Option<Vec<String>>,
    /// `--entrypoint`; it clears the service's own command.
    pub entrypoint: Option<Vec<String>>,
    /// `-e NAME=value`, over the service's environment.
    pub environment: Vec<(String, String)>,
    /// `-u`.
    pub user: Option<String>,
    /// `-w`.
    pub working_dir: Option<String>,
    /// `--no-deps`: nothing that the service depends on is started.
    pub no_deps: bool,
    /// `--service-ports`.
    pub service_ports: bool,
    /// Not `--rm`: the container stays until the stack is brought down.
    pub keep: bool,
}

/// How a one-off command went.
#[derive(Clone, Debug)]
pub struct Ran {
    /// Its exit code; nothing when it was still running and was ended.
    pub code: Option<i64>,
    /// What it printed, both streams.
    pub output: String,
}

impl<'lab> Stack<'lab> {
    /// Brings up what `service` depends on and runs one container of it until it ends, at most for `limit`; as
    /// `docker compose run --rm -T`.
    ///
    /// # Errors
    /// See [`UpError`].
    pub async fn run(
        &self,
        service: &str,
        one_off: &OneOff,
        limit: Duration,
    ) -> Result<Ran, UpError> {
        let container = self.start_one_off(service, one_off).await?;
        let code = container
            .exit_within(limit)
            .await
            .map_err(UpError::Engine)?;
        let output = container.logs().await.map_err(UpError::Engine)?;
        if !one_off.keep {
            let mut made = self.made.lock().await;
            made.one_offs.retain(|it| it.id() != container.id());
            drop(made);
            container.remove().await.map_err(UpError::Engine)?;
        }
        Ok(Ran { code, output })
    }

    /// The same, but does not wait for its end, as `run -d`.
    ///
    /// # Errors
    /// See [`UpError`].
    pub async fn start_one_off(
        &self,
        service: &str,
        one_off: &OneOff,
    ) -> Result<Container<'lab>, UpError> {
        let service = self.service(service)?;
        let changed = one_off.applied_to(service);
        self.review(&[service]).await?;
        if one_off.no_deps {
            self.prepare(&[service]).await?;
        } else {
            let mut others = self.with_dependencies(&service.name)?;
            others.retain(|other| other.name != service.name);
            self.up_services(&others).await?;
            self.prepare(&[service]).await?;
            let names: Vec<&str> = others.iter().map(|it| it.name.as_str()).collect();
            self.await_dependencies(service, &names).await?;
        }
        let slug = token(12).to_lowercase();
        let name = format!("{}-run-{slug}", service.name);
        let compose_name = format!("{}-{name}", self.project.name);
        let role = Role::OneOff {
            ports: one_off.service_ports,
        };
        let container = self.create(&changed, role, &name, &compose_name).await?;
        self.made.lock().await.one_offs.push(container.clone());
        self.inject(service, &container).await?;
        let started = container.start().await;
        started.map_err(|error| blame(service, error))?;
        Ok(container)
    }
}

impl OneOff {
    fn applied_to(&self, service: &Service) -> Service {
        let mut service = service.clone();
        let at = service.location.clone();
        let words = |words: &[String]| Command {
            location: at.clone(),
            words: words.to_vec(),
            form: CommandForm::List,
        };
        if let Some(entrypoint) = &self.entrypoint {
            service.entrypoint = Some(words(entrypoint));
            service.command = Some(words(&[]));
        }
        if let Some(command) = &self.command {
            service.command = Some(words(command));
        }
        let located = |value: &String, at: &Location| Located {
            value: value.clone(),
            location: at.clone(),
        };
        for (name, value) in &self.environment {
            let value = Located {
                value: Some(value.clone()),
                location: at.clone(),
            };
            service.environment.insert(name.clone(), value);
        }
        if let Some(user) = &self.user {
            service.user = Some(located(user, &at));
        }
        if let Some(dir) = &self.working_dir {
            service.working_dir = Some(located(dir, &at));
        }
        service
    }
}
