//! Lists in which nothing counts twice.

use super::{children, edit};
use crate::submission::compose::fields::text;
use crate::submission::compose::{Mount, Port, paths};
use crate::submission::yaml::{Node, Value};

/// The lists of a service in which an entry that is there twice counts once.
pub(in crate::submission::compose) const UNIQUE: [&str; 17] = [
    "ports",
    "volumes",
    "secrets",
    "configs",
    "devices",
    "env_file",
    "label_file",
    "expose",
    "dns",
    "dns_opt",
    "dns_search",
    "tmpfs",
    "cap_add",
    "cap_drop",
    "profiles",
    "links",
    "extra_hosts",
];

/// Leaves one entry of each in the lists of every service, the last one, at the place of the first.
pub(in crate::submission::compose) fn unique(root: &mut Node) {
    for service in children(root, "services") {
        for key in UNIQUE {
            edit(&mut service.value, key, |list| {
                if let Value::Seq(items) = &mut list.value {
                    let mut kept: Vec<(String, Node)> = Vec::new();
                    for item in items.drain(..) {
                        let name = identity(key, &item);
                        match kept.iter_mut().find(|(other, _)| *other == name) {
                            Some((_, place)) => *place = item,
                            None => kept.push((name, item)),
                        }
                    }
                    *items = kept.into_iter().map(|(_, item)| item).collect();
                }
            });
        }
    }
}
/// What makes two entries of a list the same.
fn identity(key: &str, item: &Node) -> String {
    let part = |name: &str| item.get(name).and_then(text);
    let written = text(item);
    let known = match key {
        // A range is not taken apart just to be compared.
        "ports" if written.as_ref().is_some_and(|text| text.contains('-')) => written,
        "ports" => Port::read(item).ok().map(|ports| {
            let show = |port: &Port| {
                format!(
                    "{:?}:{:?}:{}/{}",
                    port.host_ip, port.published, port.target, port.protocol
                )
            };
            ports.iter().map(show).collect::<Vec<_>>().join(" ")
        }),
        "volumes" => match &written {
            Some(short) => Mount::read(item)
                .map(|mount| mount.target)
                .ok()
                .or(Some(short.clone())),
            None => part("target"),
        },
        "devices" => match &written {
            Some(short) => short.split(':').nth(1).or(Some(short)).map(str::to_owned),
            None => part("target").or_else(|| part("source")),
        },
        "secrets" => written
            .map(|name| format!("/run/secrets/{name}"))
            .or_else(|| {
                part("target")
                    .or_else(|| part("source"))
                    .map(|name| paths::join("/run/secrets", &name))
            }),
        "configs" => written.map(|name| format!("/{name}")).or_else(|| {
            part("target")
                .or_else(|| part("source"))
                .map(|name| paths::join("/", &name))
        }),
        "tmpfs" => written.map(|text| text.split('=').next().unwrap_or_default().to_owned()),
        "env_file" => written.or_else(|| part("path")),
        _ => written,
    };
    known.unwrap_or_else(|| format!("{:?}", item.location))
}
