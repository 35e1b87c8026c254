//! How services find one another.

use std::collections::BTreeSet;

use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Redes entre servicios",
    rules: &RULES,
};

static RULES: [Rule; 3] = [
    Rule {
        id: "red-sin-usar",
        title: "se declara una red en la que no está ningún servicio",
        level: Level::Note,
        why: "Declararla no une a nadie: los servicios siguen en la red del proyecto, o en las que ya digan.",
        fix: "añade `networks: [nombre]` a los servicios que van en ella, o quítala",
        lesson: "07-redes.html#redes-docker",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\nnetworks:\n  trasera:\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    networks: [trasera]\nnetworks:\n  trasera:\n",
        )],
        check: unused,
    },
    Rule {
        id: "red-sin-nombres",
        title: "un servicio está en la red `bridge` de Docker, que no conoce nombres",
        level: Level::Warning,
        why: "En la red `bridge` de Docker los servicios no se encuentran por su nombre, y este no está en la red del proyecto.",
        fix: "quita `network_mode: bridge`: Compose ya crea una red para el proyecto",
        lesson: "07-redes.html#redes-docker",
        equivalents: &["CIS 5.29"],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    network_mode: bridge\n    depends_on: [cache]\n  cache:\n    image: redis:7.4\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    depends_on: [cache]\n  cache:\n    image: redis:7.4\n",
        )],
        check: nameless,
    },
    Rule {
        id: "driver-por-defecto",
        title: "`driver: bridge` no cambia nada",
        level: Level::Note,
        why: "Es el valor por defecto: sin la línea, la red es la misma.",
        fix: "borra la línea",
        lesson: "07-redes.html#redes-docker",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    networks: [trasera]\nnetworks:\n  trasera:\n    driver: bridge\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    networks: [trasera]\nnetworks:\n  trasera:\n",
        )],
        check: driver,
    },
];

fn unused(reading: &Reading, out: &mut Out<'_>) {
    let used: BTreeSet<_> = reading
        .loaded()
        .map(|loaded| &loaded.project)
        .flat_map(|project| {
            let services = project.services.values().chain(project.inactive.values());
            let attached = services.flat_map(|service| &service.networks);
            attached.filter_map(|a| Some(&project.networks.get(&a.network)?.location))
        })
        .collect();
    for (name, network) in reading
        .loaded()
        .map(|loaded| &loaded.project)
        .flat_map(|project| &project.networks)
    {
        if network.declared && name != "default" && !used.contains(&network.location) {
            out.at(
                network.location.clone(),
                format!("ningún servicio está en la red `{name}`"),
            );
        }
    }
}

fn nameless(reading: &Reading, out: &mut Out<'_>) {
    for (_, loaded, service) in reading.services() {
        let Some(mode) = service
            .network_mode
            .as_ref()
            .filter(|mode| mode.value == "bridge")
        else {
            continue;
        };
        let needed = service.depends_on.iter().any(|d| !d.implied)
            || loaded.project.services.values().any(|other| {
                other
                    .depends_on
                    .iter()
                    .any(|d| !d.implied && d.service == service.name)
            });
        if needed && service.links.is_empty() {
            let message = format!(
                "`{}` no encuentra a los demás por su nombre, ni ellos a él",
                service.name
            );
            out.at(mode.location.clone(), message);
        }
    }
}

fn driver(reading: &Reading, out: &mut Out<'_>) {
    for network in reading
        .loaded()
        .map(|loaded| &loaded.project)
        .flat_map(|project| project.networks.values())
    {
        let driver = network
            .driver
            .as_ref()
            .filter(|driver| driver.value == "bridge");
        if let Some(driver) = driver.filter(|_| network.driver_opts.is_empty()) {
            out.at(
                driver.location.clone(),
                "una red ya es `bridge` si no se dice nada",
            );
        }
    }
}
