//! Turns the merged tree into the typed project.

use std::collections::BTreeMap;

use super::fields::{Fields, Read, text};
use super::{Located, Network, Project, Provided, Service, Volume};
use crate::submission::yaml::{Field, Node};

/// Reads every part of `root`; services without an active profile are set aside.
pub(super) fn project(
    root: &Node,
    environment: BTreeMap<String, String>,
    profiles: &[String],
) -> Read<Project> {
    let mut fields = Fields::of(root);
    let named = fields.take("name");
    let lookup = |name: &str| environment.get(name).cloned();
    let services = each(&mut fields, "services", |field| {
        Service::read(field, &lookup)
    })?;
    let all = profiles.iter().any(|profile| profile == "*");
    let is_active = |service: &Service| {
        let asked = |profile: &Located<String>| profiles.contains(&profile.value);
        all || service.profiles.is_empty() || service.profiles.iter().any(asked)
    };
    type Services = BTreeMap<String, Service>;
    let (mut services, inactive): (Services, Services) = services
        .into_iter()
        .partition(|(_, service)| is_active(service));
    let mut networks = each(&mut fields, "networks", Network::read)?;
    for service in services.values() {
        for network in service
            .networks
            .iter()
            .filter(|network| network.network == "default")
        {
            networks
                .entry("default".to_owned())
                .or_insert_with(|| Network::implicit(network.location.clone()));
        }
    }
    for service in services.values_mut() {
        // An optional dependency whose profile is not active is as if it was not written.
        service
            .depends_on
            .retain(|it| it.required || !inactive.contains_key(&it.service));
    }
    Ok(Project {
        name: String::new(),
        files: Vec::new(),
        services,
        inactive,
        networks,
        volumes: each(&mut fields, "volumes", Volume::read)?,
        secrets: each(&mut fields, "secrets", |field| {
            Provided::read(field, "secrets")
        })?,
        configs: each(&mut fields, "configs", |field| {
            Provided::read(field, "configs")
        })?,
        version: None,
        named: named.as_ref().map(|field| field.location.clone()),
        other: fields.rest(),
        environment,
    })
}

/// The name written in the files.
pub(super) fn name(root: &Node) -> Option<String> {
    root.get("name")
        .and_then(text)
        .map(|name| normal(&name))
        .filter(|name| !name.is_empty())
}

/// A project's name has small letters, digits, `-` and `_` only.
pub(super) fn normal(name: &str) -> String {
    let fits = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let name: String = name.to_lowercase().chars().filter(fits).collect();
    name.trim_start_matches(['-', '_']).to_owned()
}

fn each<T>(
    fields: &mut Fields,
    key: &str,
    read: impl Fn(&Field) -> Read<T>,
) -> Read<BTreeMap<String, T>> {
    let Some(node) = fields.node(key) else {
        return Ok(BTreeMap::new());
    };
    node.map()
        .unwrap_or_default()
        .iter()
        .map(|field| Ok((field.key.clone(), read(field)?)))
        .collect()
}
