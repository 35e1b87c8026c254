//! The services of one project as seen from one another: what they are called, where they serve, who names whom.

use std::collections::{BTreeMap, BTreeSet};

use super::address::{Address, addresses};
use super::{official, written};
use crate::submission::Reading;
use crate::submission::compose::{Located, Project, Service, Test};

/// The services of a project.
pub(super) struct Neighbours<'r> {
    reading: &'r Reading,
    pub project: &'r Project,
    /// Host names that are no keys of services.
    other_names: BTreeSet<&'r str>,
    /// The services that lend their network to others.
    lenders: BTreeSet<&'r str>,
    /// Who serves on a port.
    serving: BTreeMap<u16, Vec<&'r Service>>,
}

/// A literal variable of a service with a network of its own that names a host, be it in an address or alone.
pub(super) struct Mention<'r> {
    pub service: &'r Service,
    pub name: &'r str,
    pub variable: &'r Located<Option<String>>,
    pub address: Address<'r>,
}

impl<'r> Neighbours<'r> {
    /// Those of every project that could be read.
    pub(super) fn all(reading: &'r Reading) -> impl Iterator<Item = Self> {
        reading
            .loaded()
            .map(|loaded| Self::of(reading, &loaded.project))
    }

    fn of(reading: &'r Reading, project: &'r Project) -> Self {
        let mut neighbours = Self {
            reading,
            project,
            other_names: BTreeSet::new(),
            lenders: BTreeSet::new(),
            serving: BTreeMap::new(),
        };
        for service in project.services.values() {
            let fixed = [&service.container_name, &service.hostname]
                .into_iter()
                .flatten();
            let aliases = service
                .networks
                .iter()
                .flat_map(|attached| &attached.aliases);
            let names = fixed
                .map(|name| name.as_str())
                .chain(aliases.map(String::as_str));
            neighbours.other_names.extend(names);
            let mode = service.network_mode.as_ref();
            let lender = mode.and_then(|mode| mode.strip_prefix("service:"));
            neighbours.lenders.extend(lender);
            for port in ports(reading, service) {
                neighbours.serving.entry(port).or_default().push(service);
            }
        }
        neighbours
    }

    /// Every mention of a host.
    pub(super) fn mentions(&self) -> impl Iterator<Item = Mention<'r>> {
        let reading = self.reading;
        let own = self.project.services.values();
        own.filter(|service| service.network_mode.is_none())
            .flat_map(move |service| {
                let variables = service.environment.iter();
                variables
                    .flat_map(move |(name, variable)| mentioned(reading, service, name, variable))
            })
    }

    /// The service that is named, when it is another.
    pub(super) fn target(&self, mention: &Mention<'_>) -> Option<&'r Service> {
        let target = self.project.services.get(mention.address.host)?;
        (target.name != mention.service.name && target.network_mode.is_none()).then_some(target)
    }

    /// Whether the host may be known otherwise than as a service's key.
    pub(super) fn is_known_otherwise(&self, mention: &Mention<'_>) -> bool {
        let (host, service) = (mention.address.host, mention.service);
        self.other_names.contains(host)
            || service
                .extra_hosts
                .iter()
                .any(|entry| entry.value.0 == host)
            || !service.links.is_empty()
            || !service.external_links.is_empty()
    }

    /// Whether the service is in a network that others outside of the project may be in.
    pub(super) fn is_in_external_network(&self, service: &Service) -> bool {
        service.networks.iter().any(|attached| {
            let network = self.project.networks.get(&attached.network);
            network.is_none_or(|network| network.external || network.name.is_some())
        })
    }

    /// The first that serves on one of `ports`, by what its file or its image tells.
    pub(super) fn server(&self, ports: &[u16], but: &Service) -> Option<&'r Service> {
        let mut servers = ports
            .iter()
            .flat_map(|port| self.serving.get(port))
            .flatten();
        servers.find(|service| service.name != but.name).copied()
    }

    /// Whether `service` serves on one of `ports` itself, or one that shares its network may.
    pub(super) fn may_serve(&self, ports: &[u16], service: &Service) -> bool {
        let mut servers = ports
            .iter()
            .flat_map(|port| self.serving.get(port))
            .flatten();
        self.lenders.contains(service.name.as_str())
            || servers.any(|server| server.name == service.name)
    }
}

fn mentioned<'r>(
    reading: &Reading,
    service: &'r Service,
    name: &'r str,
    variable: &'r Located<Option<String>>,
) -> impl Iterator<Item = Mention<'r>> {
    let literal = written::is_literal(reading, &variable.location);
    let value = variable
        .value
        .as_deref()
        .filter(|_| literal)
        .unwrap_or_default();
    let alone = is_host_name(name) && !value.contains([':', '/', ' ', ',']);
    let alone = alone.then_some(Address {
        scheme: "",
        password: None,
        host: value,
        port: None,
    });
    addresses(value).chain(alone).map(move |address| Mention {
        service,
        name,
        variable,
        address,
    })
}

/// Whether a variable of that name holds a host alone.
fn is_host_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    name == "PGHOST"
        || name.ends_with("_HOST")
        || name.ends_with("_HOSTNAME")
        || name.ends_with("_SERVER")
}

/// The ports on which a service serves, as far as its file or its image tells.
fn ports(reading: &Reading, service: &Service) -> BTreeSet<u16> {
    let image = official::run_by(reading, service).map_or("", |image| image.name);
    let usual = match image {
        "postgres" => Some(5432),
        "mysql" | "mariadb" => Some(3306),
        "mongo" => Some(27017),
        "redis" => Some(6379),
        "rabbitmq" => Some(5672),
        _ => None,
    };
    let exposed = service
        .expose
        .iter()
        .filter_map(|port| port.value.split('/').next()?.parse().ok());
    let published = service.ports.iter().map(|port| port.target);
    usual
        .into_iter()
        .chain(published)
        .chain(exposed)
        .chain(probed(service))
        .collect()
}

/// The ports on which the service's own health check asks itself.
fn probed(service: &Service) -> Vec<u16> {
    let check = service.healthcheck.as_ref();
    let words: &[String] = match check.and_then(|check| Some(&check.test.as_ref()?.value)) {
        Some(Test::Cmd(words)) => words,
        Some(Test::Shell(text)) => std::slice::from_ref(text),
        Some(Test::None) | None => &[],
    };
    let after = |word: &str, host: &str| {
        let (_, rest) = word.split_once(host)?;
        let end = rest
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(rest.len());
        rest[..end].parse().ok()
    };
    let hosts = ["localhost:", "127.0.0.1:"];
    let found = words
        .iter()
        .flat_map(|word| hosts.map(|host| after(word, host)));
    found.flatten().collect()
}
