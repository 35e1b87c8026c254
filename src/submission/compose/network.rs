//! Networks, and how a service attaches to them.

use std::collections::BTreeMap;

use super::Located;
use super::fields::{Fields, Read};
use super::project::external;
use crate::submission::location::Location;
use crate::submission::yaml::{Field, Node};

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

impl Network {
    pub(super) fn read(field: &Field) -> Read<Self> {
        let mut fields = Fields::of(&field.value);
        let (external, old_name) = external(&mut fields)?;
        Ok(Self {
            location: field.location.clone(),
            declared: true,
            name: fields.text("name")?.or(old_name),
            external,
            internal: fields.flag("internal")?,
            driver: fields.text("driver")?,
            driver_opts: fields.texts_by_key("driver_opts"),
            attachable: fields.is("attachable")?,
            enable_ipv6: fields.flag("enable_ipv6")?.map(|flag| flag.value),
            ipam: fields.node("ipam"),
            labels: fields.texts_by_key("labels"),
            other: fields.rest(),
        })
    }

    /// The network that services share when they name none.
    pub(super) fn implicit(location: Location) -> Self {
        Self {
            location,
            declared: false,
            name: None,
            external: false,
            internal: None,
            driver: None,
            driver_opts: BTreeMap::new(),
            attachable: false,
            enable_ipv6: None,
            ipam: None,
            labels: BTreeMap::new(),
            other: Vec::new(),
        }
    }
}

impl Attachment {
    pub(super) fn read(field: &Field) -> Read<Self> {
        let mut fields = Fields::of(&field.value);
        let aliases = fields.texts("aliases").into_iter().map(|alias| alias.value);
        Ok(Self {
            network: field.key.clone(),
            location: field.location.clone(),
            aliases: aliases.collect(),
            ipv4_address: fields.plain_text("ipv4_address")?,
            ipv6_address: fields.plain_text("ipv6_address")?,
            priority: fields.integer("priority")?.map_or(0, |priority| priority.value),
            other: fields.rest(),
        })
    }

    /// The implicit `default` of the service that is written at `location`.
    pub(super) fn implicit(location: Location) -> Self {
        Self {
            network: "default".to_owned(),
            location,
            aliases: Vec::new(),
            ipv4_address: None,
            ipv6_address: None,
            priority: 0,
            other: Vec::new(),
        }
    }
}
