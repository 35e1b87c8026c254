//! A health check that asks another machine than its own.

use crate::rules::Out;
use crate::rules::folder::addresses::{addresses, is_local};
use crate::rules::folder::container::containers;
use crate::submission::Reading;
use crate::submission::compose;

pub(super) fn check(reading: &Reading, out: &mut Out<'_>) {
    for container in containers(reading) {
        let Some((text, location)) = container.probe() else {
            continue;
        };
        let asked = addresses(&text);
        let own = |host: &str| {
            let named = container.service.is_some_and(|service| {
                let name = |one: &Option<compose::Located<String>>| {
                    one.as_ref().is_some_and(|one| one.value == host)
                };
                service.name == host
                    || name(&service.container_name)
                    || name(&service.hostname)
                    || service
                        .networks
                        .iter()
                        .any(|network| network.aliases.iter().any(|alias| *alias == host))
            });
            is_local(host) || named
        };
        let unknown = text.contains("unix-socket")
            || asked.is_empty()
            || asked.iter().any(|(host, _)| {
                own(host) || host.is_empty() || host.contains(['$', '{', '%', '<', '('])
            });
        let Some((host, _)) = asked.first().filter(|_| !unknown) else {
            continue;
        };
        let is_service = container.names.contains(&host.as_str());
        let is_domain = host
            .rsplit_once('.')
            .is_some_and(|(_, end)| end.len() >= 2 && end.chars().all(|c| c.is_ascii_alphabetic()));
        let shares = container
            .service
            .is_some_and(|service| service.network_mode.is_some());
        if shares
            || !(is_service || is_domain)
            || host.ends_with(".internal")
            || host.ends_with(".local")
        {
            continue;
        }
        out.at(
            location,
            match is_service {
                true => format!("el chequeo pregunta a `{host}`, que es otro servicio"),
                false => format!("el chequeo pregunta a `{host}`, que está fuera"),
            },
        );
    }
}
