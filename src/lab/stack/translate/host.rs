//! What a container may use of its host: limits, rights, restarts.

use bollard::models::{HostConfig, ResourcesUlimits, RestartPolicy, RestartPolicyNameEnum};

use super::network::Bindings;
use super::{Role, Translation, list};
use crate::lab::stack::objects::texts;
use crate::submission::compose::{Located, Service};

impl Translation<'_, '_> {
    pub fn host_config(&self, bindings: Bindings) -> HostConfig {
        let service = self.service;
        let (binds, mounts) = self.mounts();
        let tmpfs = service.tmpfs.iter().map(|mount| {
            let (path, options) = mount.split_once(':').unwrap_or((mount.as_str(), ""));
            (path.to_owned(), options.to_owned())
        });
        let reservation = memory_reservation(service);
        HostConfig {
            binds: Some(binds),
            mounts: Some(mounts),
            tmpfs: Some(tmpfs.collect()),
            port_bindings: Some(bindings),
            restart_policy: match self.role {
                Role::Replica(_) => restart(service),
                Role::OneOff { .. } => None,
            },
            memory: service
                .memory_limit()
                .and_then(|limit| i64::try_from(limit.value).ok()),
            memory_reservation: reservation,
            memory_swap: service.memswap_limit.as_ref().map(|limit| limit.value),
            nano_cpus: service.cpu_limit().map(|cpus| (cpus.value * 1e9) as i64),
            pids_limit: service.pid_limit().map(|pids| pids.value),
            readonly_rootfs: service.read_only.as_ref().map(|yes| yes.value),
            init: service.init.as_ref().map(|yes| yes.value),
            annotations: Some(texts(&service.annotations)),
            cap_add: capabilities(&service.cap_add),
            cap_drop: capabilities(&service.cap_drop),
            security_opt: list(&service.security_opt),
            group_add: list(&service.group_add),
            dns: list(&service.dns),
            dns_search: list(&service.dns_search),
            dns_options: list(&service.dns_opt),
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
                .or_else(|| {
                    let first = self.attachments().into_iter().next()?;
                    self.networks.get(&first.network).cloned()
                }),
            ..HostConfig::default()
        }
    }
}

/// Capabilities under their whole names.
fn capabilities(written: &[Located<String>]) -> Option<Vec<String>> {
    let whole = |name: String| match name.to_uppercase() {
        name if name == "ALL" || name.starts_with("CAP_") => name,
        name => format!("CAP_{name}"),
    };
    Some(list(written)?.into_iter().map(whole).collect())
}

fn memory_reservation(service: &Service) -> Option<i64> {
    let deployed = service
        .deploy
        .as_ref()
        .and_then(|it| it.reservations.as_ref());
    let deployed = deployed.and_then(|it| it.memory.as_ref());
    let bytes = deployed
        .or(service.mem_reservation.as_ref())
        .filter(|bytes| bytes.value > 0)?;
    i64::try_from(bytes.value).ok()
}

/// The restart policy; what `deploy` says wins.
fn restart(service: &Service) -> Option<RestartPolicy> {
    let deployed = service
        .deploy
        .as_ref()
        .and_then(|it| it.restart_policy.as_ref());
    let (name, most) = match (deployed, &service.restart) {
        (Some(policy), _) => (
            policy.condition.as_deref().unwrap_or_default(),
            policy.max_attempts,
        ),
        (None, Some(restart)) => {
            let (name, most) = restart.split_once(':').unwrap_or((restart.as_str(), ""));
            (name, most.parse().ok())
        }
        (None, None) => return None,
    };
    Some(RestartPolicy {
        name: Some(match name {
            "always" | "any" => RestartPolicyNameEnum::ALWAYS,
            "unless-stopped" => RestartPolicyNameEnum::UNLESS_STOPPED,
            "on-failure" => RestartPolicyNameEnum::ON_FAILURE,
            "no" | "none" => RestartPolicyNameEnum::NO,
            _ => RestartPolicyNameEnum::EMPTY,
        }),
        maximum_retry_count: most.and_then(|most| i64::try_from(most).ok()),
    })
}
