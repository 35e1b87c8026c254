//! One service, all its values resolved.

mod read;

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Attachment, Build, Command, Deploy, Grant, Healthcheck, Located, Mount, Port};
use crate::submission::location::Location;
use crate::submission::yaml::Node;

/// A service of the project.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// Its key.
    pub name: String,
    /// Where its key is.
    pub location: Location,
    /// Image.
    pub image: Option<Located<String>>,
    /// How the image is made.
    pub build: Option<Build>,
    /// Command; nothing: not written.
    pub command: Option<Command>,
    /// Entrypoint; nothing: not written.
    pub entrypoint: Option<Command>,
    /// The environment of the container: `environment` over `env_file`, bare names looked up.
    /// A value of nothing: a bare name that is set nowhere, so the container does not get it.
    pub environment: BTreeMap<String, Located<Option<String>>>,
    /// The files of `env_file`, already read into `environment`.
    pub env_file: Vec<EnvFile>,
    /// Published ports.
    pub ports: Vec<Port>,
    /// Ports that only document.
    pub expose: Vec<Located<String>>,
    /// Mounts.
    pub volumes: Vec<Mount>,
    /// `tmpfs`, as written: a path, with options after a `:`.
    pub tmpfs: Vec<Located<String>>,
    /// Networks, with the implicit `default`; empty under `network_mode`.
    pub networks: Vec<Attachment>,
    /// `network_mode`.
    pub network_mode: Option<Located<String>>,
    /// Services that come first, with those that `links`, `volumes_from`, `network_mode`, `ipc` and `pid` imply.
    pub depends_on: Vec<Dependency>,
    /// Health check.
    pub healthcheck: Option<Healthcheck>,
    /// `restart`, as written.
    pub restart: Option<Located<String>>,
    /// `deploy`.
    pub deploy: Option<Deploy>,
    /// `scale`.
    pub scale: Option<Located<u64>>,
    /// Bytes of memory.
    pub mem_limit: Option<Located<u64>>,
    /// Bytes of memory and swap together; -1: without limit.
    pub memswap_limit: Option<Located<i64>>,
    /// Bytes of memory kept free for it.
    pub mem_reservation: Option<Located<u64>>,
    /// Cores.
    pub cpus: Option<Located<f64>>,
    /// Processes.
    pub pids_limit: Option<Located<i64>>,
    /// User.
    pub user: Option<Located<String>>,
    /// Working directory.
    pub working_dir: Option<Located<String>>,
    /// Host name.
    pub hostname: Option<Located<String>>,
    /// Domain name.
    pub domainname: Option<Located<String>>,
    /// Fixed container name.
    pub container_name: Option<Located<String>>,
    /// Labels, with those of `label_file`.
    pub labels: BTreeMap<String, Located<String>>,
    /// Annotations.
    pub annotations: BTreeMap<String, Located<String>>,
    /// Secrets.
    pub secrets: Vec<Grant>,
    /// Configs.
    pub configs: Vec<Grant>,
    /// Read-only root.
    pub read_only: Option<Located<bool>>,
    /// An init process in front.
    pub init: Option<Located<bool>>,
    /// The signal that stops it.
    pub stop_signal: Option<Located<String>>,
    /// The time it has to stop.
    pub stop_grace_period: Option<Located<Duration>>,
    /// `stdin_open`.
    pub stdin_open: Option<Located<bool>>,
    /// `tty`.
    pub tty: Option<Located<bool>>,
    /// Added capabilities.
    pub cap_add: Vec<Located<String>>,
    /// Dropped capabilities.
    pub cap_drop: Vec<Located<String>>,
    /// Security options.
    pub security_opt: Vec<Located<String>>,
    /// All privileges.
    pub privileged: Option<Located<bool>>,
    /// Devices of the host, as written (short and long form).
    pub devices: Vec<Node>,
    /// Process namespace.
    pub pid: Option<Located<String>>,
    /// IPC namespace.
    pub ipc: Option<Located<String>>,
    /// UTS namespace.
    pub uts: Option<Located<String>>,
    /// User namespace.
    pub userns_mode: Option<Located<String>>,
    /// Cgroup namespace.
    pub cgroup: Option<Located<String>>,
    /// Cgroup parent.
    pub cgroup_parent: Option<Located<String>>,
    /// Kernel parameters.
    pub sysctls: BTreeMap<String, Located<String>>,
    /// Resource limits: soft and hard.
    pub ulimits: BTreeMap<String, Located<(i64, i64)>>,
    /// Entries for `/etc/hosts`: name and address.
    pub extra_hosts: Vec<Located<(String, String)>>,
    /// Name servers.
    pub dns: Vec<Located<String>>,
    /// Search domains.
    pub dns_search: Vec<Located<String>>,
    /// Resolver options.
    pub dns_opt: Vec<Located<String>>,
    /// Log driver and its options.
    pub logging: Option<Logging>,
    /// Bytes of `/dev/shm`.
    pub shm_size: Option<Located<u64>>,
    /// Profiles that activate it; empty: always active.
    pub profiles: Vec<Located<String>>,
    /// `extends`, already applied.
    pub extends: Option<Located<String>>,
    /// Platform.
    pub platform: Option<Located<String>>,
    /// Runtime.
    pub runtime: Option<Located<String>>,
    /// When the image is pulled.
    pub pull_policy: Option<Located<String>>,
    /// Further groups.
    pub group_add: Vec<Located<String>>,
    /// Links, as written.
    pub links: Vec<Located<String>>,
    /// Links out of the project, as written.
    pub external_links: Vec<Located<String>>,
    /// Services (or `container:NAME`) whose volumes it gets, as written.
    pub volumes_from: Vec<Located<String>>,
    /// Whether `up` shows its log.
    pub attach: Option<Located<bool>>,
    /// `develop`, as written.
    pub develop: Option<Node>,
    /// Keys without a field of their own, as written (`gpus`, `provider`, `post_start`, `x-…`).
    pub other: Vec<(String, Node)>,
}

/// One file of `env_file`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvFile {
    /// Where it is named.
    pub location: Location,
    /// Cleaned and relative to the project's folder.
    pub path: String,
    /// Whether its absence is an error.
    pub required: bool,
    /// Whether its lines are taken as they are (`format: raw`).
    pub raw: bool,
    /// Whether it is there.
    pub present: bool,
    /// The variables that it defines, and where.
    pub variables: Vec<(String, Location)>,
}

/// One service that must come first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependency {
    /// Its key.
    pub service: String,
    /// Where it is named.
    pub location: Location,
    /// What is waited for.
    pub condition: Condition,
    /// Whether its absence is an error.
    pub required: bool,
    /// Whether this service restarts with it.
    pub restart: bool,
    /// Whether another key than `depends_on` asks for it (`links`, `network_mode: service:…`).
    pub implied: bool,
}

/// What a dependency waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// `service_started`
    Started,
    /// `service_healthy`
    Healthy,
    /// `service_completed_successfully`
    Completed,
}

/// `logging:` of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Logging {
    /// Where the key is.
    pub location: Location,
    /// Driver.
    pub driver: Option<Located<String>>,
    /// Options.
    pub options: BTreeMap<String, Located<String>>,
}

impl Service {
    /// Copies to start: `scale`, else `deploy.replicas`, else one.
    pub fn replicas(&self) -> u64 {
        let deployed = self.deploy.as_ref().and_then(|d| d.replicas.as_ref());
        self.scale.as_ref().or(deployed).map_or(1, |n| n.value)
    }

    /// Bytes of memory at most, from either place it can be written; 0 and -1 are no limit.
    pub fn memory_limit(&self) -> Option<&Located<u64>> {
        let deployed = self.deploy.as_ref().and_then(|d| d.limits.as_ref());
        self.mem_limit
            .as_ref()
            .or(deployed.and_then(|limits| limits.memory.as_ref()))
            .filter(|limit| limit.value > 0)
    }

    /// Cores at most, from either place it can be written; 0 and -1 are no limit.
    pub fn cpu_limit(&self) -> Option<&Located<f64>> {
        let deployed = self.deploy.as_ref().and_then(|d| d.limits.as_ref());
        self.cpus
            .as_ref()
            .or(deployed.and_then(|limits| limits.cpus.as_ref()))
            .filter(|limit| limit.value > 0.0)
    }

    /// Processes at most, from either place it can be written; 0 and -1 are no limit.
    pub fn pid_limit(&self) -> Option<&Located<i64>> {
        let deployed = self.deploy.as_ref().and_then(|d| d.limits.as_ref());
        self.pids_limit
            .as_ref()
            .or(deployed.and_then(|limits| limits.pids.as_ref()))
            .filter(|limit| limit.value > 0)
    }
}
