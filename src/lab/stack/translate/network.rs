//! Networks, names and ports of a container.

use std::collections::HashMap;

use bollard::models::{EndpointSettings, PortBinding};

use super::{Role, Translation};
use crate::lab::engine::Reach;
use crate::submission::compose::Attachment;

/// Bindings of a container's ports, as the API has them.
pub(super) type Bindings = HashMap<String, Option<Vec<PortBinding>>>;

impl Translation<'_, '_> {
    /// The service's networks, the one to attach first in front.
    pub fn attachments(&self) -> Vec<&Attachment> {
        let mut attachments: Vec<_> = self.service.networks.iter().collect();
        attachments.sort_by_key(|attachment| std::cmp::Reverse(attachment.priority));
        attachments
    }

    /// How the container is found in a network.
    pub fn endpoint(&self, attachment: &Attachment) -> EndpointSettings {
        let mut aliases = vec![self.compose_name.to_owned()];
        if let Role::Replica(_) = self.role {
            aliases.push(self.service.name.clone());
            aliases.extend(attachment.aliases.iter().cloned());
        }
        EndpointSettings {
            aliases: Some(aliases),
            links: (!self.links.is_empty()).then(|| self.links.to_vec()),
            ..EndpointSettings::default()
        }
    }

    /// Ports to open, on this machine's loopback only.
    pub fn ports(&self) -> (Vec<String>, Bindings) {
        let service = self.service;
        let mut exposed: Vec<String> = service
            .expose
            .iter()
            .flat_map(|port| exposed(port))
            .collect();
        let mut bindings = Bindings::new();
        let mut publish = |key: String, host_port: String| {
            bindings
                .entry(key)
                .or_default()
                .get_or_insert_default()
                .push(PortBinding {
                    host_ip: Some("127.0.0.1".into()),
                    host_port: Some(host_port),
                });
        };
        let is_published = self.role != Role::OneOff { ports: false };
        for (port, host) in service.ports.iter().zip(self.published) {
            let key = format!("{}/{}", port.target, port.protocol);
            if is_published {
                publish(key.clone(), host.clone());
            }
            exposed.push(key);
        }
        if matches!(self.stack.lab.engine().facts().reach, Reach::Published(_)) {
            let reached = self.tweaks.reached.get(&service.name);
            for port in reached.into_iter().flatten() {
                publish(format!("{port}/tcp"), String::new());
                exposed.push(format!("{port}/tcp"));
            }
        }
        exposed.sort();
        exposed.dedup();
        (exposed, bindings)
    }
}

/// One entry of `expose`, a range taken apart.
fn exposed(written: &str) -> Vec<String> {
    let (ports, protocol) = written.split_once('/').unwrap_or((written, "tcp"));
    let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) => (first..=last)
            .map(|port| format!("{port}/{protocol}"))
            .collect(),
        // The engine says what is wrong with it.
        _ => vec![format!("{ports}/{protocol}")],
    }
}

#[cfg(test)]
mod tests {
    use super::exposed;

    #[test]
    fn exposed_ranges_are_every_port_of_them() {
        assert_eq!(exposed("80"), ["80/tcp"]);
        assert_eq!(exposed("53/udp"), ["53/udp"]);
        assert_eq!(exposed("9000-9001/udp"), ["9000/udp", "9001/udp"]);
    }
}
