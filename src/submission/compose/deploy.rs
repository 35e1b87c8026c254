//! `deploy:`: copies, resources and restarts.

use std::time::Duration;

use super::Located;
use super::fields::{Fields, Read};
use crate::submission::location::Location;
use crate::submission::yaml::{Field, Node};

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

impl Deploy {
    pub(super) fn read(field: &Field) -> Read<Self> {
        let mut fields = Fields::of(&field.value);
        let (mut limits, mut reservations) = (None, None);
        if let Some(resources) = fields.take("resources") {
            let mut resources = Fields::of(&resources.value);
            limits = resources.take("limits").map(|field| Resources::read(&field)).transpose()?;
            reservations = resources
                .take("reservations")
                .map(|field| Resources::read(&field))
                .transpose()?;
        }
        Ok(Self {
            location: field.location.clone(),
            mode: fields.plain_text("mode")?,
            replicas: fields.count("replicas")?,
            limits,
            reservations,
            restart_policy: fields
                .take("restart_policy")
                .map(|field| RestartPolicy::read(&field))
                .transpose()?,
            other: fields.rest(),
        })
    }
}

impl Resources {
    fn read(field: &Field) -> Read<Self> {
        let mut fields = Fields::of(&field.value);
        Ok(Self {
            location: field.location.clone(),
            cpus: fields.number("cpus")?,
            memory: fields.size("memory")?,
            pids: fields.integer("pids")?,
            devices: fields.node("devices"),
            other: fields.rest(),
        })
    }
}

impl RestartPolicy {
    fn read(field: &Field) -> Read<Self> {
        let mut fields = Fields::of(&field.value);
        Ok(Self {
            location: field.location.clone(),
            condition: fields.plain_text("condition")?,
            delay: fields.duration("delay")?.map(|delay| delay.value),
            max_attempts: fields.count("max_attempts")?.map(|most| most.value),
            window: fields.duration("window")?.map(|window| window.value),
        })
    }
}
