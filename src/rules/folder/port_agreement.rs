//! One service, one port: what its command, its image, its compose file and its health check say of it.

use super::addresses::{addresses, is_local};
use super::container::{Container, Written, containers};
use super::listening::listening;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::instruction::Command;
use crate::submission::location::Location;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "El puerto de la app",
    rules: &RULES,
};

static RULES: [Rule; 1] = [Rule {
    id: "puertos-que-no-coinciden",
    title: "la app escucha en un puerto y otra línea dice otro",
    level: Level::Warning,
    why: "La orden, `EXPOSE`, los puertos de Compose y el chequeo de salud hablan del mismo puerto, el de dentro del contenedor. Si uno dice otro, nadie contesta ahí.",
    fix: "pon en todos el puerto en el que la app escucha",
    lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
    equivalents: &[],
    wrong: &[
        (
            "compose.yaml",
            "services:\n  api:\n    build: .\n    ports: [\"127.0.0.1:8080:8080\"]\n",
        ),
        (
            "Dockerfile",
            "FROM python:3.11-slim\nRUN pip install --no-cache-dir uvicorn==0.30.0\nEXPOSE 8080\nHEALTHCHECK CMD [\"python\", \"-c\", \"import urllib.request as u; u.urlopen('http://127.0.0.1:5000/health')\"]\nCMD [\"uvicorn\", \"main:app\", \"--host\", \"0.0.0.0\", \"--port\", \"8000\"]\n",
        ),
    ],
    right: &[
        (
            "compose.yaml",
            "services:\n  api:\n    build: .\n    ports: [\"127.0.0.1:8080:8000\"]\n",
        ),
        (
            "Dockerfile",
            "FROM python:3.11-slim\nRUN pip install --no-cache-dir uvicorn==0.30.0\nEXPOSE 8000\nHEALTHCHECK CMD [\"python\", \"-c\", \"import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health')\"]\nCMD [\"uvicorn\", \"main:app\", \"--host\", \"0.0.0.0\", \"--port\", \"8000\"]\n",
        ),
    ],
    check: ports,
}];

/// Ports of debuggers: that they are published says nothing of the application's.
const DEBUGGERS: [u16; 5] = [2345, 5005, 5678, 9222, 9229];

fn ports(reading: &Reading, out: &mut Out<'_>) {
    for container in containers(reading) {
        if container
            .service
            .is_some_and(|service| service.network_mode.is_some())
        {
            continue;
        }
        let words = container.command();
        match words.as_deref().and_then(listening) {
            Some((listens, is_default)) => against_command(&container, &listens, is_default, out),
            None => against_image(&container, out),
        }
    }
}

fn against_command(
    container: &Container<'_>,
    listens: &Written,
    is_default: bool,
    out: &mut Out<'_>,
) {
    let port = listens.port;
    // A default may be changed from outside.
    let variables = ["UVICORN_PORT", "PORT"];
    let changed = is_default
        && (container.service.is_some_and(|service| {
            variables
                .iter()
                .any(|name| service.environment.contains_key(*name))
                || !service.env_file.is_empty()
        }) || container.kept.iter().any(|one| {
            one.pairs()
                .iter()
                .any(|pair| variables.contains(&pair.name.text()))
        }));
    if changed {
        return;
    }
    let mut say = |location: Location, message: String| {
        out.at(location, message).related(
            listens.location.clone(),
            format!("aquí se escucha en {port}"),
        );
    };
    if let Some(exposed) = container.exposed()
        && exposed.iter().all(|one| one.port != port)
    {
        let one = &exposed[0];
        say(
            one.location.clone(),
            format!("`EXPOSE` dice {}, pero la app escucha en {port}", one.port),
        );
    }
    if let Some(published) = other_target(container, port) {
        say(
            published.location,
            format!(
                "Compose publica el puerto {} del contenedor, pero la app escucha en {port}",
                published.port
            ),
        );
    }
    if let Some(probed) = probed(container).filter(|probed| probed.port != port) {
        say(
            probed.location,
            format!(
                "el chequeo de salud pregunta en el puerto {}, pero la app escucha en {port}",
                probed.port
            ),
        );
    }
    if let Some(variable) = container
        .port_variable()
        .filter(|v| v.port != port && !is_default)
    {
        say(
            variable.location,
            format!(
                "`PORT` dice {}, pero la orden escucha en {port} sin mirarla",
                variable.port
            ),
        );
    }
}

/// Without a command that says it, `EXPOSE` is what the image's author says of the port.
fn against_image(container: &Container<'_>, out: &mut Out<'_>) {
    let exposed = container.exposed().unwrap_or_default();
    let [exposed] = exposed.as_slice() else {
        return;
    };
    // A variable that holds the other port may be what moves the application there.
    let moved = |port: u16| {
        let text = port.to_string();
        let in_service = container.service.is_some_and(|service| {
            let values = service.environment.values();
            let mut values = values.filter_map(|value| value.value.as_deref());
            values.any(|value| value.contains(&text))
                || service
                    .command
                    .as_ref()
                    .is_some_and(|c| c.words.iter().any(|w| w.contains(&text)))
                || service.entrypoint.is_some()
                || !service.env_file.is_empty()
        });
        let in_image = container.kept.iter().any(|one| {
            let pairs = one.pairs().iter().filter_map(|pair| pair.value.as_ref());
            let command = one.command().map(Command::text);
            let starts = one.is("CMD") || one.is("ENTRYPOINT");
            pairs.into_iter().any(|word| word.text().contains(&text))
                || starts && command.is_some_and(|command| command.contains(&text))
        });
        in_service || in_image
    };
    if let Some(published) = other_target(container, exposed.port).filter(|p| !moved(p.port)) {
        out.at(
            published.location,
            format!(
                "Compose publica el puerto {} del contenedor, pero la imagen dice {}",
                published.port, exposed.port
            ),
        )
        .related(
            exposed.location.clone(),
            format!("`EXPOSE` dice {}", exposed.port),
        );
    }
    let publishes = container
        .service
        .is_some_and(|service| service.ports.iter().any(|port| port.target == exposed.port));
    if let Some(probed) = probed(container).filter(|p| p.port != exposed.port && !moved(p.port)) {
        let finding = out.at(
            probed.location,
            format!(
                "el chequeo de salud pregunta en el puerto {}, pero la imagen dice {}",
                probed.port, exposed.port
            ),
        );
        finding.related(
            exposed.location.clone(),
            format!("`EXPOSE` dice {}", exposed.port),
        );
        // Some answer for their health on a port of its own.
        if !publishes {
            finding.level(Level::Note);
        }
    }
}

/// The first published port, when none of them is `port`.
fn other_target(container: &Container<'_>, port: u16) -> Option<Written> {
    let ports = container.service?.ports.iter();
    let ports: Vec<_> = ports
        .filter(|one| one.protocol == "tcp" && !DEBUGGERS.contains(&one.target))
        .collect();
    if ports.iter().any(|one| one.target == port) {
        return None;
    }
    ports.first().map(|one| Written {
        port: one.target,
        location: one.location.clone(),
    })
}

/// The port of this machine that the health check asks.
fn probed(container: &Container<'_>) -> Option<Written> {
    let (text, location) = container.probe()?;
    let mut local = addresses(&text)
        .into_iter()
        .filter(|(host, _)| is_local(host));
    let port = local.next()?.1?;
    (local.next().is_none() && !text.contains("unix-socket")).then_some(Written { port, location })
}
