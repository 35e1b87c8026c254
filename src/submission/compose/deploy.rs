//! `deploy:`: copies, resources and restarts.

use std::time::Duration;

use super::Located;
use crate::submission::location::Location;
use crate::submission::yaml::Node;

/// `deploy:` of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Deploy {
    /// Where the key is.
    pub location: Location,
    /// `replicated`, `global`…
    pub mode: Option<String>,
    /// Copies.
    pub replicas: Option<Located<u64>>,
    /// `resources.limits`.
    pub limits: Option<Resources>,
    /// `resources.reservations`.
    pub reservations: Option<Resources>,
    /// `restart_policy`.
    pub restart_policy: Option<RestartPolicy>,
    /// Keys without a field of their own.
    pub other: Vec<(String, Node)>,
}

/// An amount of the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Resources {
    /// Where the key is.
    pub location: Location,
    /// Cores.
    pub cpus: Option<Located<f64>>,
    /// Bytes.
    pub memory: Option<Located<u64>>,
    /// Processes.
    pub pids: Option<Located<i64>>,
    /// Devices, as written (GPUs).
    pub devices: Option<Node>,
    /// Keys without a field of their own.
    pub other: Vec<(String, Node)>,
}

/// `deploy.restart_policy`.
#[derive(Clone, Debug, PartialEq)]
pub struct RestartPolicy {
    /// Where the key is.
    pub location: Location,
    /// `none`, `on-failure` or `any`.
    pub condition: Option<String>,
    /// Pause before a restart.
    pub delay: Option<Duration>,
    /// Attempts at most.
    pub max_attempts: Option<u64>,
    /// Time after which a start counts as good.
    pub window: Option<Duration>,
}
