//! How much a compose project asks of the engine.

use std::collections::BTreeMap;

use super::{
    COMMAND, CONTAINERS, ENVIRONMENT, HEALTHCHECK, LABELS, MOUNTS, NAMES, NETWORKS, PORTS,
    REPLICAS, SERVICES, VOLUMES,
};
use crate::policy::{Review, refuse};
use crate::submission::Location;
use crate::submission::compose::{Command, CommandForm, Located, Project, Service, Test};

pub(in crate::policy) fn review(project: &Project) -> Review {
    let services = || project.services.values().chain(project.inactive.values());
    most(
        services().map(|service| &service.location),
        SERVICES,
        "servicios",
    )?;
    most(
        project.networks.values().map(|it| &it.location),
        NETWORKS,
        "redes",
    )?;
    most(
        project.volumes.values().map(|it| &it.location),
        VOLUMES,
        "volúmenes",
    )?;
    most(
        project.secrets.values().map(|it| &it.location),
        MOUNTS,
        "secretos",
    )?;
    most(
        project.configs.values().map(|it| &it.location),
        MOUNTS,
        "configs",
    )?;
    let mut containers = 0;
    for service in services() {
        let replicas = service.replicas();
        containers += replicas;
        if replicas > REPLICAS || containers > CONTAINERS {
            let deployed = service.deploy.as_ref().and_then(|it| it.replicas.as_ref());
            let at = service.scale.as_ref().or(deployed).map(|n| &n.location);
            return refuse(
                at.unwrap_or(&service.location),
                format!(
                    "son demasiadas réplicas: como mucho {REPLICAS} de un servicio, y {CONTAINERS} contenedores en todo el proyecto"
                ),
            );
        }
        self::service(service)?;
    }
    most(
        services().flat_map(|service| service.ports.iter().map(|port| &port.location)),
        PORTS,
        "puertos publicados",
    )
}

fn most<'l>(mut places: impl Iterator<Item = &'l Location>, most: usize, of: &str) -> Review {
    match places.nth(most) {
        Some(at) => refuse(
            at,
            format!("el proyecto tiene más de {most} {of}: deja los que usas"),
        ),
        None => Ok(()),
    }
}

fn service(service: &Service) -> Review {
    let name = &service.name;
    let mounts =
        service.volumes.len() + service.tmpfs.len() + service.secrets.len() + service.configs.len();
    if mounts > MOUNTS {
        return refuse(
            &service.location,
            format!("`{name}` monta más de {MOUNTS} cosas: deja las que usa"),
        );
    }
    let names = service.extra_hosts.len()
        + service.dns.len()
        + service.links.len()
        + service
            .networks
            .iter()
            .map(|it| it.aliases.len())
            .sum::<usize>();
    if names > NAMES {
        return refuse(
            &service.location,
            format!(
                "`{name}` tiene más de {NAMES} nombres entre alias, enlaces y `extra_hosts`: deja los que usa"
            ),
        );
    }
    let variables = service
        .environment
        .iter()
        .map(|(name, value)| name.len() + value.value.as_ref().map_or(0, String::len) + 2);
    if variables.sum::<usize>() > ENVIRONMENT {
        return refuse(
            &service.location,
            format!(
                "las variables de `{name}` pasan de {} KiB en total: guarda los datos en un archivo y móntalo",
                ENVIRONMENT >> 10
            ),
        );
    }
    let text = |labels: &BTreeMap<String, Located<String>>| -> usize {
        labels
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    };
    if text(&service.labels) + text(&service.annotations) > LABELS {
        return refuse(
            &service.location,
            format!(
                "las etiquetas de `{name}` pasan de {} KiB en total",
                LABELS >> 10
            ),
        );
    }
    for command in service.command.iter().chain(&service.entrypoint) {
        if length(command) > COMMAND {
            return refuse(
                &command.location,
                format!(
                    "la orden pasa de {} KiB: guárdala en un archivo y llámalo",
                    COMMAND >> 10
                ),
            );
        }
    }
    let test = service.healthcheck.as_ref().and_then(|it| it.test.as_ref());
    if let Some(test) = test {
        let length = match &test.value {
            Test::None => 0,
            Test::Cmd(words) => words.iter().map(String::len).sum(),
            Test::Shell(text) => text.len(),
        };
        if length > HEALTHCHECK {
            return refuse(
                &test.location,
                format!(
                    "la orden del chequeo pasa de {} KiB: guárdala en un archivo y llámalo",
                    HEALTHCHECK >> 10
                ),
            );
        }
    }
    Ok(())
}

fn length(command: &Command) -> usize {
    match &command.form {
        CommandForm::Text(text) => text.len(),
        CommandForm::Null | CommandForm::List => command.words.iter().map(String::len).sum(),
    }
}
