//! Health checks.

use std::time::Duration;

use super::Located;
use crate::submission::location::Location;

/// `healthcheck:` of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Healthcheck {
    /// Where the key is.
    pub location: Location,
    /// What is run; nothing: the image's own.
    pub test: Option<Located<Test>>,
    /// `disable: true`, or the test `NONE`.
    pub disable: bool,
    /// Time between two checks.
    pub interval: Option<Located<Duration>>,
    /// Time after which a check has failed.
    pub timeout: Option<Located<Duration>>,
    /// Time in which failures do not count.
    pub start_period: Option<Located<Duration>>,
    /// Time between two checks within the start period.
    pub start_interval: Option<Located<Duration>>,
    /// Failures in a row that make it unhealthy.
    pub retries: Option<Located<u64>>,
}

/// What a health check runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `["NONE"]`: no check, not even the image's.
    None,
    /// `["CMD", …]`: without a shell.
    Cmd(Vec<String>),
    /// `["CMD-SHELL", …]` or a string: through the image's shell.
    Shell(String),
}
