//! Published ports.

use crate::submission::location::Location;

/// One container port that is published; ranges that map one to one are already taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Where the entry is.
    pub location: Location,
    /// The port inside.
    pub target: u16,
    /// The port on the host, first and last (equal but for a range to choose from); nothing: the engine chooses.
    pub published: Option<(u16, u16)>,
    /// The host's address; nothing: all of them.
    pub host_ip: Option<String>,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// `ingress` or `host`.
    pub mode: String,
    /// Name of the port, long form only.
    pub name: Option<String>,
    /// Application protocol, long form only.
    pub app_protocol: Option<String>,
}
