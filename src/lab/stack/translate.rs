//! From a service of the compose model to what the engine's API wants.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use anyhow::Context;
use bollard::models::{
    ContainerCreateBody, EndpointSettings, HealthConfig, HostConfig, Mount, MountTmpfsOptions,
    MountType, MountVolumeOptions, NetworkingConfig, PortBinding, ResourcesUlimits, RestartPolicy,
    RestartPolicyNameEnum,
};

use super::{HealthTiming, Pace, Stack, Tweaks};
use crate::lab::engine::Reach;
use crate::submission::compose::command::Form;
use crate::submission::compose::{
    Attachment, Command, Grant, Healthcheck, MountKind, Provider, Service, Test,
};

/// One container of one service on its way to the engine.
pub(super) struct Translation<'a, 'lab> {
    pub stack: &'a Stack<'lab>,
    pub service: &'a Service,
    pub number: u64,
    pub tweaks: &'a Tweaks,
    pub networks: &'a BTreeMap<String, String>,
    pub volumes: &'a BTreeMap<String, String>,
    /// The student's fixed host port → the one that stands for it here.
    pub published: &'a HashMap<u16, u16>,
}

/// The keys of the named volumes that `service` mounts.
pub(super) fn volume_keys(service: &Service) -> impl Iterator<Item = &str> {
    service
        .volumes
        .iter()
        .filter(|mount| mount.kind == MountKind::Volume)
        .filter_map(|mount| mount.source.as_deref())
}

impl Translation<'_, '_> {
    /// The whole request.
    pub fn body(&self) -> anyhow::Result<ContainerCreateBody> {
        let service = self.service;
        let image = self
            .stack
            .images
            .get(&service.name)
            .with_context(|| format!("no hay imagen para `{}`", service.name))?;
        let first = self.attachments().into_iter().next();
        let endpoints = first.and_then(|attachment| {
            let network = self.networks.get(&attachment.network)?;
            let settings = EndpointSettings {
                aliases: Some(self.aliases(attachment)),
                ..EndpointSettings::default()
            };
            Some(HashMap::from([(network.clone(), settings)]))
        });
        let (exposed, bindings) = self.ports();
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
            stop_signal: value(service.stop_signal.as_ref()),
            stop_timeout: service
                .stop_grace_period
                .as_ref()
                .and_then(|grace| i64::try_from(grace.as_secs()).ok()),
            healthcheck: health(service.healthcheck.as_ref(), self.tweaks.health),
            labels: Some(self.labels()),
            exposed_ports: Some(exposed),
            host_config: Some(self.host_config(bindings)?),
            networking_config: endpoints.map(|endpoints| NetworkingConfig {
                endpoints_config: Some(endpoints),
            }),
            ..ContainerCreateBody::default()
        })
    }

    /// The service's networks, the one to attach first in front.
    pub fn attachments(&self) -> Vec<&Attachment> {
        let mut attachments: Vec<_> = self.service.networks.iter().collect();
        attachments.sort_by_key(|attachment| std::cmp::Reverse(attachment.priority));
        attachments
    }

    /// The names under which siblings find the container in a network.
    pub fn aliases(&self, attachment: &Attachment) -> Vec<String> {
        let mut aliases = vec![self.service.name.clone()];
        aliases.extend(attachment.aliases.iter().cloned());
        aliases.extend(value(self.service.container_name.as_ref()));
        aliases
    }

    fn environment(&self) -> Vec<String> {
        let tweaks = self.tweaks.environment.get(&self.service.name);
        let ours = tweaks
            .into_iter()
            .flatten()
            .map(|(name, value)| (name, value));
        let theirs = self
            .service
            .environment
            .iter()
            .filter_map(|(name, value)| Some((name, value.value.as_ref()?)));
        let all: BTreeMap<_, _> = theirs.chain(ours).collect();
        all.into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect()
    }

    fn labels(&self) -> HashMap<String, String> {
        let service = self.service;
        let mut labels: HashMap<_, _> = service
            .labels
            .iter()
            .map(|(name, value)| (name.clone(), value.value.clone()))
            .collect();
        labels.extend(self.stack.compose_labels());
        labels.insert("com.docker.compose.service".into(), service.name.clone());
        labels.insert(
            "com.docker.compose.container-number".into(),
            self.number.to_string(),
        );
        labels.insert("com.docker.compose.oneoff".into(), "False".into());
        labels.insert(
            "com.docker.compose.project.config_files".into(),
            self.stack.project.files.join(","),
        );
        labels
    }

    /// Ports to open, on this machine's loopback only.
    fn ports(&self) -> (Vec<String>, HashMap<String, Option<Vec<PortBinding>>>) {
        let mut exposed: Vec<String> = self
            .service
            .expose
            .iter()
            .map(|port| {
                if port.contains('/') {
                    port.value.clone()
                } else {
                    format!("{}/tcp", port.value)
                }
            })
            .filter(|port| !port.contains('-'))
            .collect();
        let mut bindings: HashMap<String, Option<Vec<PortBinding>>> = HashMap::new();
        let mut publish = |key: String, host_port: String| {
            bindings
                .entry(key)
                .or_default()
                .get_or_insert_default()
                .push(PortBinding {
                    host_ip: Some("127.0.0.1".into()),
                    host_port: Some(host_port),
                });
        };
        for port in &self.service.ports {
            let key = format!("{}/{}", port.target, port.protocol);
            let host = port
                .published
                .and_then(|(first, _)| self.published.get(&first));
            publish(key.clone(), host.map(u16::to_string).unwrap_or_default());
            exposed.push(key);
        }
        if matches!(self.stack.lab.engine().facts().reach, Reach::Published(_)) {
            let reached = self.tweaks.reached.get(&self.service.name);
            for port in reached.into_iter().flatten() {
                publish(format!("{port}/tcp"), String::new());
                exposed.push(format!("{port}/tcp"));
            }
        }
        exposed.sort();
        exposed.dedup();
        (exposed, bindings)
    }

    fn host_config(
        &self,
        bindings: HashMap<String, Option<Vec<PortBinding>>>,
    ) -> anyhow::Result<HostConfig> {
        let service = self.service;
        let tmpfs = service.tmpfs.iter().map(|mount| {
            let (path, options) = mount.split_once(':').unwrap_or((mount.as_str(), ""));
            (path.to_owned(), options.to_owned())
        });
        Ok(HostConfig {
            mounts: Some(self.mounts()?),
            tmpfs: Some(tmpfs.collect()),
            port_bindings: Some(bindings),
            restart_policy: Some(restart(service)),
            memory: service
                .memory_limit()
                .and_then(|limit| i64::try_from(limit.value).ok()),
            nano_cpus: service.cpu_limit().map(|cpus| (cpus.value * 1e9) as i64),
            pids_limit: service.pid_limit().map(|pids| pids.value),
            readonly_rootfs: service.read_only.as_ref().map(|yes| yes.value),
            init: service.init.as_ref().map(|yes| yes.value),
            cap_add: Some(
                service
                    .cap_add
                    .iter()
                    .map(|cap| cap.value.clone())
                    .collect(),
            ),
            cap_drop: Some(
                service
                    .cap_drop
                    .iter()
                    .map(|cap| cap.value.clone())
                    .collect(),
            ),
            security_opt: Some(
                service
                    .security_opt
                    .iter()
                    .map(|opt| opt.value.clone())
                    .collect(),
            ),
            group_add: Some(
                service
                    .group_add
                    .iter()
                    .map(|group| group.value.clone())
                    .collect(),
            ),
            extra_hosts: Some(
                service
                    .extra_hosts
                    .iter()
                    .map(|host| format!("{}:{}", host.value.0, host.value.1))
                    .collect(),
            ),
            shm_size: service
                .shm_size
                .as_ref()
                .and_then(|size| i64::try_from(size.value).ok()),
            ulimits: Some(
                service
                    .ulimits
                    .iter()
                    .map(|(name, limit)| ResourcesUlimits {
                        name: Some(name.clone()),
                        soft: Some(limit.value.0),
                        hard: Some(limit.value.1),
                    })
                    .collect(),
            ),
            network_mode: service
                .network_mode
                .as_ref()
                .map(|mode| mode.value.clone())
                .filter(|mode| mode == "none")
                .or_else(|| {
                    let first = self.attachments().into_iter().next()?;
                    self.networks.get(&first.network).cloned()
                }),
            ..HostConfig::default()
        })
    }

    fn mounts(&self) -> anyhow::Result<Vec<Mount>> {
        let mut mounts = Vec::new();
        for mount in &self.service.volumes {
            let (typ, source) = match mount.kind {
                MountKind::Bind => {
                    let source = mount.source.as_deref().unwrap_or(".");
                    let path = self.stack.dir.join(source);
                    if !path.exists() && mount.create_host_path {
                        std::fs::create_dir_all(&path)?;
                    }
                    (MountType::BIND, Some(path.to_string_lossy().into_owned()))
                }
                MountKind::Tmpfs => (MountType::TMPFS, None),
                _ => {
                    let name = mount.source.as_ref().and_then(|key| self.volumes.get(key));
                    (MountType::VOLUME, name.cloned())
                }
            };
            mounts.push(Mount {
                target: Some(mount.target.clone()),
                source,
                typ: Some(typ),
                read_only: Some(mount.read_only),
                volume_options: mount.nocopy.then(|| MountVolumeOptions {
                    no_copy: Some(true),
                    ..MountVolumeOptions::default()
                }),
                tmpfs_options: (mount.kind == MountKind::Tmpfs).then(|| MountTmpfsOptions {
                    size_bytes: mount.tmpfs_size.and_then(|size| i64::try_from(size).ok()),
                    mode: mount.tmpfs_mode.map(i64::from),
                    ..MountTmpfsOptions::default()
                }),
                ..Mount::default()
            });
        }
        for (grants, provided, path) in [
            (
                &self.service.secrets,
                &self.stack.project.secrets,
                Grant::secret_path as fn(&Grant) -> String,
            ),
            (
                &self.service.configs,
                &self.stack.project.configs,
                Grant::config_path,
            ),
        ] {
            for grant in grants {
                let Some(provided) = provided.get(&grant.source) else {
                    continue;
                };
                mounts.push(Mount {
                    target: Some(path(grant)),
                    source: Some(self.provide(&grant.source, &provided.provider.value)?),
                    typ: Some(MountType::BIND),
                    read_only: Some(true),
                    ..Mount::default()
                });
            }
        }
        Ok(mounts)
    }

    /// The file on the host that holds a secret's or config's content.
    fn provide(&self, key: &str, provider: &Provider) -> anyhow::Result<String> {
        let content = match provider {
            Provider::File(path) => {
                return Ok(self.stack.dir.join(path).to_string_lossy().into_owned());
            }
            Provider::Environment(name) => self
                .stack
                .project
                .environment
                .get(name)
                .cloned()
                .unwrap_or_default(),
            Provider::Content(text) => text.clone(),
            Provider::External => {
                anyhow::bail!("`{key}` viene de fuera del proyecto")
            }
        };
        let path = self.stack.dir.join(format!(".muelle-{key}"));
        std::fs::write(&path, content)?;
        Ok(path.to_string_lossy().into_owned())
    }
}

fn value(located: Option<&crate::submission::compose::Located<String>>) -> Option<String> {
    located.map(|located| located.value.clone())
}

/// What the API gets for a `command` or `entrypoint`; an empty list clears the image's own.
fn words(command: Option<&Command>) -> Option<Vec<String>> {
    command
        .filter(|command| command.form != Form::Null)
        .map(|command| command.words.clone())
}

/// The service's health check with our timing; what is left out is inherited from the image.
fn health(own: Option<&Healthcheck>, pace: Option<Pace>) -> Option<HealthConfig> {
    let timing = match pace {
        Some(Pace::Ours(timing)) => Some(timing),
        Some(Pace::Never) => return Some(no_health()),
        None => None,
    };
    if own.is_some_and(|own| own.disable) {
        return Some(no_health());
    }
    if own.is_none() && timing.is_none() {
        return None;
    }
    let test = own
        .and_then(|own| own.test.as_ref())
        .map(|test| match &test.value {
            Test::None => vec!["NONE".into()],
            Test::Cmd(words) => std::iter::once("CMD".into())
                .chain(words.iter().cloned())
                .collect(),
            Test::Shell(line) => vec!["CMD-SHELL".into(), line.clone()],
        });
    let pick = |ours: fn(&HealthTiming) -> Duration,
                theirs: Option<&crate::submission::compose::Located<Duration>>| {
        timing
            .as_ref()
            .map(ours)
            .or(theirs.map(|time| time.value))
            .map(nanos)
    };
    let theirs = own
        .and_then(|own| own.timeout.as_ref())
        .map(|time| time.value);
    Some(HealthConfig {
        test,
        interval: pick(
            |timing| timing.interval,
            own.and_then(|own| own.interval.as_ref()),
        ),
        timeout: match (theirs, timing) {
            (Some(theirs), Some(_)) => Some(nanos(theirs.min(HealthTiming::TIMEOUT_CAP))),
            (Some(theirs), None) => Some(nanos(theirs)),
            (None, timing) => timing.map(|timing| nanos(timing.timeout)),
        },
        retries: timing.map(|timing| i64::from(timing.retries)).or_else(|| {
            own?.retries
                .as_ref()
                .and_then(|retries| i64::try_from(retries.value).ok())
        }),
        start_period: pick(
            |timing| timing.start_period,
            own.and_then(|own| own.start_period.as_ref()),
        ),
        start_interval: pick(
            |timing| timing.interval,
            own.and_then(|own| own.start_interval.as_ref()),
        ),
    })
}

/// No health check, not even the image's.
pub fn no_health() -> HealthConfig {
    HealthConfig {
        test: Some(vec!["NONE".into()]),
        ..HealthConfig::default()
    }
}

/// The image's own health check at the checker's pace.
pub fn inherited_health(timing: HealthTiming) -> Option<HealthConfig> {
    health(None, Some(Pace::Ours(timing)))
}

/// Nanoseconds for the API, where 0 would mean "inherit": at least 1 ms.
fn nanos(time: Duration) -> i64 {
    i64::try_from(time.max(Duration::from_millis(1)).as_nanos()).unwrap_or(i64::MAX)
}

/// The restart policy, from either place it can be written.
fn restart(service: &Service) -> RestartPolicy {
    let (name, most) = if let Some(restart) = &service.restart {
        let (name, most) = restart.split_once(':').unwrap_or((restart.as_str(), ""));
        (name.to_owned(), most.parse().ok())
    } else if let Some(policy) = service
        .deploy
        .as_ref()
        .and_then(|deploy| deploy.restart_policy.as_ref())
    {
        let name = match policy.condition.as_deref() {
            Some("none") => "no",
            Some("on-failure") => "on-failure",
            _ => "always",
        };
        (
            name.to_owned(),
            policy
                .max_attempts
                .and_then(|most| i64::try_from(most).ok()),
        )
    } else {
        ("no".to_owned(), None)
    };
    RestartPolicy {
        name: Some(match name.as_str() {
            "always" => RestartPolicyNameEnum::ALWAYS,
            "unless-stopped" => RestartPolicyNameEnum::UNLESS_STOPPED,
            "on-failure" => RestartPolicyNameEnum::ON_FAILURE,
            _ => RestartPolicyNameEnum::NO,
        }),
        maximum_retry_count: most,
    }
}
