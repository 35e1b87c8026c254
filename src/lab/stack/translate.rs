//! From a service of the compose model to what the engine's API wants.

mod health;
mod host;
mod mounts;
mod network;

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;
use bollard::models::{ContainerCreateBody, NetworkingConfig};

use super::objects::texts;
use super::{Stack, Tweaks, UpError};
use crate::submission::compose::command::Form;
use crate::submission::compose::{Command, Condition, Located, Service};

pub use health::{inherited_health, no_health};

/// What makes a container a service's own, or only a guest of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// A replica, by its number.
    Replica(u64),
    /// What `docker compose run` starts.
    OneOff {
        /// Whether it publishes the service's ports (`--service-ports`).
        ports: bool,
    },
}

/// One container of one service on its way to the engine.
pub(super) struct Translation<'a, 'lab> {
    pub stack: &'a Stack<'lab>,
    pub service: &'a Service,
    pub role: Role,
    /// What Compose would call it.
    pub compose_name: &'a str,
    pub tweaks: &'a Tweaks,
    pub networks: &'a BTreeMap<String, String>,
    pub volumes: &'a BTreeMap<String, String>,
    /// The containers that `links` name, as `NAME:ALIAS`.
    pub links: &'a [String],
    /// The host port of each of the service's ports.
    pub published: &'a [String],
}

impl Translation<'_, '_> {
    /// The whole request.
    pub fn body(&self) -> Result<ContainerCreateBody, UpError> {
        let service = self.service;
        let image = self.stack.images.get(&service.name);
        let image = image
            .with_context(|| format!("no hay imagen para `{}`", service.name))
            .map_err(UpError::Engine)?;
        let (exposed, bindings) = self.ports();
        let endpoint = self.attachments().into_iter().next();
        let endpoint = endpoint.and_then(|attachment| {
            let network = self.networks.get(&attachment.network)?;
            Some((network.clone(), self.endpoint(attachment)))
        });
        Ok(ContainerCreateBody {
            image: Some(image.clone()),
            cmd: words(service.command.as_ref()),
            entrypoint: words(service.entrypoint.as_ref()),
            env: Some(self.environment()),
            hostname: value(service.hostname.as_ref()),
            domainname: value(service.domainname.as_ref()),
            user: value(service.user.as_ref()),
            working_dir: value(service.working_dir.as_ref()),
            tty: service.tty.as_ref().map(|yes| yes.value),
            open_stdin: service.stdin_open.as_ref().map(|yes| yes.value),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            stop_signal: value(service.stop_signal.as_ref()),
            stop_timeout: service
                .stop_grace_period
                .as_ref()
                .and_then(|grace| i64::try_from(grace.as_secs()).ok()),
            healthcheck: health::health(service.healthcheck.as_ref(), self.tweaks.health),
            labels: Some(self.labels()),
            exposed_ports: Some(exposed),
            host_config: Some(self.host_config(bindings)),
            networking_config: endpoint.map(|endpoint| NetworkingConfig {
                endpoints_config: Some(HashMap::from([endpoint])),
            }),
            ..ContainerCreateBody::default()
        })
    }

    /// `NAME=value`; a bare `NAME` takes the image's own variable away.
    fn environment(&self) -> Vec<String> {
        let tweaks = self.tweaks.environment.get(&self.service.name);
        let ours = tweaks.into_iter().flatten();
        let ours = ours.map(|(name, value)| (name, Some(value)));
        let theirs = self.service.environment.iter();
        let theirs = theirs.map(|(name, value)| (name, value.value.as_ref()));
        let all: BTreeMap<_, _> = theirs.chain(ours).collect();
        all.into_iter()
            .map(|(name, value)| match value {
                Some(value) => format!("{name}={value}"),
                None => name.clone(),
            })
            .collect()
    }

    fn labels(&self) -> HashMap<String, String> {
        let service = self.service;
        let depends_on = service.depends_on.iter().map(|it| {
            let condition = match it.condition {
                Condition::Started => "service_started",
                Condition::Healthy => "service_healthy",
                Condition::Completed => "service_completed_successfully",
            };
            format!("{}:{condition}:{}", it.service, it.restart)
        });
        let mut labels = texts(&service.labels);
        labels.extend(self.stack.compose_labels());
        let mut set = |key: &str, value: String| {
            labels.insert(format!("com.docker.compose.{key}"), value);
        };
        set("service", service.name.clone());
        set("depends_on", depends_on.collect::<Vec<_>>().join(","));
        set("project.config_files", self.stack.project.files.join(","));
        match self.role {
            Role::Replica(number) => {
                set("container-number", number.to_string());
                set("oneoff", "False".into());
            }
            Role::OneOff { .. } => set("oneoff", "True".into()),
        }
        labels
    }
}

fn value(located: Option<&Located<String>>) -> Option<String> {
    located.map(|located| located.value.clone())
}

/// The values of a list, without their places; nothing when it is empty.
fn list(located: &[Located<String>]) -> Option<Vec<String>> {
    let values = located.iter().map(|it| it.value.clone());
    (!located.is_empty()).then(|| values.collect())
}

/// What the API gets for a `command` or `entrypoint`; an empty list clears the image's own.
fn words(command: Option<&Command>) -> Option<Vec<String>> {
    command
        .filter(|command| command.form != Form::Null)
        .map(|command| command.words.clone())
}
