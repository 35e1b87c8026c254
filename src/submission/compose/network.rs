//! Networks, and how a service attaches to them.

use std::collections::BTreeMap;

use super::Located;
use crate::submission::location::Location;
use crate::submission::yaml::Node;

/// A network of the project.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Where its key is; for the implicit `default`, the first service that uses it.
    pub location: Location,
    /// Whether a file declares it (`default` exists undeclared).
    pub declared: bool,
    /// `name:`, fixed by the student.
    pub name: Option<Located<String>>,
    /// Whether it must exist before (`external: true`).
    pub external: bool,
    /// Whether it has no way out.
    pub internal: Option<Located<bool>>,
    /// Driver.
    pub driver: Option<Located<String>>,
    /// Driver options.
    pub driver_opts: BTreeMap<String, Located<String>>,
    /// Whether containers outside of the project may attach.
    pub attachable: bool,
    /// IPv6.
    pub enable_ipv6: Option<bool>,
    /// Address management, as written.
    pub ipam: Option<Node>,
    /// Labels.
    pub labels: BTreeMap<String, Located<String>>,
    /// Keys without a field of their own.
    pub other: Vec<(String, Node)>,
}

/// One network of one service.
#[derive(Clone, Debug, PartialEq)]
pub struct Attachment {
    /// The network's key.
    pub network: String,
    /// Where it is named; for the implicit `default`, the service.
    pub location: Location,
    /// Extra names inside this network.
    pub aliases: Vec<String>,
    /// Fixed IPv4 address.
    pub ipv4_address: Option<String>,
    /// Fixed IPv6 address.
    pub ipv6_address: Option<String>,
    /// Which network is attached first.
    pub priority: i64,
    /// Keys without a field of their own.
    pub other: Vec<(String, Node)>,
}
