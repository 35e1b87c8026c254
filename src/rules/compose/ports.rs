//! Published ports, and what keeps a service from having copies.

use std::collections::{BTreeMap, BTreeSet};

use super::written;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::compose::{Condition, Loaded, Port, Project, Service};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Puertos y copias",
    rules: &RULES,
};

static RULES: [Rule; 5] = [
    Rule {
        id: "nombre-fijo",
        title: "`container_name` fija el nombre de un contenedor",
        level: Level::Note,
        why: "Un nombre solo puede tenerlo un contenedor de tu máquina: el servicio no admite copias (`--scale` falla) y el proyecto no puede arrancarse dos veces a la vez.",
        fix: "quita `container_name`: los demás servicios se conectan por el nombre del servicio",
        lesson: "04-compose.html#comandos-docker-compose",
        equivalents: &["dclint no-duplicate-container-names"],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    container_name: mi-api\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n",
        )],
        check: container_name,
    },
    Rule {
        id: "puerto-fijo-con-copias",
        title: "varias copias de un servicio piden el mismo puerto de tu máquina",
        level: Level::Error,
        why: "Un puerto solo puede tenerlo un contenedor: la primera copia arranca y la segunda se queda en «port is already allocated».",
        fix: "publica solo el puerto de dentro, `\"8000\"`, o un rango con sitio para todas, `\"8000-8002:8000\"`",
        lesson: "04-compose.html#comandos-docker-compose",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    scale: 3\n    ports: [\"127.0.0.1:8000:8000\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    scale: 3\n    ports: [\"127.0.0.1::8000\"]\n",
        )],
        check: copies,
    },
    Rule {
        id: "puerto-repetido",
        title: "dos servicios piden el mismo puerto de tu máquina",
        level: Level::Error,
        why: "Un puerto solo puede tenerlo un contenedor: el segundo no arranca.",
        fix: "cambia el número de la izquierda en uno de los dos",
        lesson: "04-compose.html#archivo-basico",
        equivalents: &["dclint no-duplicate-exported-ports"],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    ports: [\"127.0.0.1:8000:8000\"]\n  web:\n    image: nginx:1.27\n    ports: [\"127.0.0.1:8000:80\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    ports: [\"127.0.0.1:8000:8000\"]\n  web:\n    image: nginx:1.27\n    ports: [\"127.0.0.1:8080:80\"]\n",
        )],
        check: twice,
    },
    Rule {
        id: "puerto-en-red-interna",
        title: "un servicio que solo está en redes internas no publica sus puertos",
        level: Level::Warning,
        why: "Una red `internal` no tiene salida ni entrada: Docker no publica el puerto, y no avisa.",
        fix: "quita `ports`, o une el servicio también a una red que no sea interna",
        lesson: "07-redes.html#redes-docker",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    ports: [\"127.0.0.1:8000:8000\"]\n    networks: [dentro]\nnetworks:\n  dentro:\n    internal: true\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    ports: [\"127.0.0.1:8000:8000\"]\n    networks: [dentro, fuera]\nnetworks:\n  dentro:\n    internal: true\n  fuera:\n",
        )],
        check: internal,
    },
    Rule {
        id: "puerto-sin-red-propia",
        title: "un servicio que usa la red de otro publica puertos",
        level: Level::Warning,
        why: "Los puertos se publican desde la red propia del contenedor, y con este `network_mode` no tiene ninguna.",
        fix: "quita `ports`; si la red es de otro servicio, publica el puerto en ese otro",
        lesson: "07-redes.html#redes-docker",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    network_mode: service:vpn\n    ports: [\"127.0.0.1:8000:8000\"]\n  vpn:\n    image: alpine:3.20\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    network_mode: service:vpn\n  vpn:\n    image: alpine:3.20\n    ports: [\"127.0.0.1:8000:8000\"]\n",
        )],
        check: borrowed,
    },
];

fn container_name(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        if let Some(name) = &service.container_name
            && written::is_literal(reading, &name.location)
        {
            let message = format!(
                "`{}` no admite copias: su contenedor se llama `{}`",
                service.name, name.value
            );
            out.at(name.location.clone(), message);
        }
    }
}

/// Whether the file is meant for Swarm, where copies of a service share one published port.
fn is_for_swarm(project: &Project) -> bool {
    let mut networks = project.networks.values();
    let overlay = networks.any(|network| {
        network
            .driver
            .as_ref()
            .is_some_and(|d| d.value == "overlay")
    });
    let deploys = project.services.values().filter_map(|s| s.deploy.as_ref());
    overlay
        || deploys.clone().any(|deploy| {
            let swarm = [
                "placement",
                "update_config",
                "rollback_config",
                "endpoint_mode",
            ];
            deploy.mode.is_some()
                || deploy
                    .other
                    .iter()
                    .any(|(key, _)| swarm.contains(&key.as_str()))
        })
}

fn copies(reading: &Reading, out: &mut Out<'_>) {
    for (_, loaded, service) in reading.services() {
        let copies = service.replicas();
        if copies < 2 || (service.scale.is_none() && is_for_swarm(&loaded.project)) {
            continue;
        }
        for port in &service.ports {
            let Some((first, last)) = port.published.filter(|(first, _)| *first > 0) else {
                continue;
            };
            let room = u64::from(last - first) + 1;
            if room < copies {
                let shown = if room == 1 {
                    first.to_string()
                } else {
                    format!("{first}-{last}")
                };
                let message = format!(
                    "`{}` pide {copies} copias, y en `{shown}` no caben",
                    service.name
                );
                if let Some(level) = written::certain(reading, &port.location) {
                    out.at(port.location.clone(), message).level(level);
                }
            }
        }
    }
}

/// Whether both services run whenever either does, as far as profiles tell.
fn together(one: &Service, other: &Service) -> bool {
    let profiles = |service: &Service| -> Vec<String> {
        let profiles = service.profiles.iter();
        profiles.map(|profile| profile.value.clone()).collect()
    };
    let (one, other) = (profiles(one), profiles(other));
    (one.is_empty() && other.is_empty()) || one.iter().any(|profile| other.contains(profile))
}

fn twice(reading: &Reading, out: &mut Out<'_>) {
    for project in reading.loaded() {
        let services = &project.project.services;
        let waits = services.values().flat_map(|service| &service.depends_on);
        let ending: BTreeSet<&str> = waits
            .filter(|dependency| dependency.condition == Condition::Completed)
            .map(|dependency| dependency.service.as_str())
            .collect();
        let mut taken: BTreeMap<u16, Vec<(&Port, &Service)>> = BTreeMap::new();
        let running = services.values().filter(|service| service.replicas() > 0);
        for service in running.filter(|service| !ending.contains(service.name.as_str())) {
            for port in &service.ports {
                let Some((number, _)) = port.published.filter(|(a, b)| a == b && *a > 0) else {
                    continue;
                };
                let others = taken.entry(number).or_default();
                let clash = others.iter().find(|(other, owner)| {
                    let same = owner.name == service.name;
                    other.protocol == port.protocol
                        && meet(other, port)
                        && !(same && other.target == port.target)
                        && (same || together(owner, service))
                });
                if let Some((other, owner)) = clash {
                    let message = format!(
                        "el puerto `{number}` de tu máquina ya lo pide `{}`",
                        owner.name
                    );
                    let levels = [&port.location, &other.location]
                        .map(|location| written::certain(reading, location));
                    let [Some(one), Some(two)] = levels else {
                        continue;
                    };
                    let finding = out.at(port.location.clone(), message).level(one.max(two));
                    if other.location != port.location {
                        finding.related(other.location.clone(), "aquí lo pide el otro");
                    }
                }
                // Few that clash are enough.
                if others.len() < 8 {
                    others.push((port, service));
                }
            }
        }
    }
}

/// Whether two ports are published on an address in common.
fn meet(one: &Port, other: &Port) -> bool {
    is_open(one) || is_open(other) || one.host_ip == other.host_ip
}

/// Whether a port is published on every address.
pub(super) fn is_open(port: &Port) -> bool {
    matches!(port.host_ip.as_deref(), None | Some("" | "0.0.0.0" | "::"))
}

/// Whether a service is in networks, and all of them are internal.
pub(super) fn is_enclosed(loaded: &Loaded, service: &Service) -> bool {
    let is_internal = |name: &String| {
        let network = loaded.project.networks.get(name);
        network.is_some_and(|n| n.internal.as_ref().is_some_and(|flag| flag.value))
    };
    let mut attached = service.networks.iter();
    !service.networks.is_empty() && attached.all(|attached| is_internal(&attached.network))
}

fn internal(reading: &Reading, out: &mut Out<'_>) {
    for (_, loaded, service) in reading.services() {
        if let Some(port) = service
            .ports
            .first()
            .filter(|_| is_enclosed(loaded, service))
        {
            let message = format!(
                "`{}` solo está en redes internas: sus puertos no se publican",
                service.name
            );
            out.at(port.location.clone(), message);
        }
    }
}

fn borrowed(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        let (Some(mode), Some(port)) = (&service.network_mode, service.ports.first()) else {
            continue;
        };
        let name = &service.name;
        let refused = mode.starts_with("service:") || mode.starts_with("container:");
        if refused {
            let message = format!("Docker no crea `{name}`: usa la red de otro y publica puertos");
            out.at(port.location.clone(), message).level(Level::Error);
        } else if matches!(mode.as_str(), "host" | "none") {
            let message = format!(
                "Docker descarta los puertos de `{name}`, por `network_mode: {}`",
                mode.value
            );
            out.at(port.location.clone(), message);
        }
    }
}
