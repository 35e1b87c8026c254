//! How services name one another in their variables.

use super::address::Address;
use super::neighbours::Neighbours;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::compose::{Port, Service};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Direcciones entre servicios",
    rules: &RULES,
};

static RULES: [Rule; 4] = [
    Rule {
        id: "sin-red-en-comun",
        title: "un servicio nombra a otro con el que no comparte ninguna red",
        level: Level::Warning,
        why: "Un nombre de servicio solo existe en las redes en las que está ese servicio: desde otra no se encuentra.",
        fix: "pon los dos en una misma red, en el `networks` de cada uno",
        lesson: "07-redes.html#comunicacion-entre-servicios",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  web:\n    image: python:3.11-slim\n    environment:\n      API_URL: http://api:8000\n    networks: [delantera]\n  api:\n    image: python:3.11-slim\n    networks: [trasera]\nnetworks:\n  delantera:\n  trasera:\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  web:\n    image: python:3.11-slim\n    environment:\n      API_URL: http://api:8000\n    networks: [delantera]\n  api:\n    image: python:3.11-slim\n    networks: [delantera, trasera]\nnetworks:\n  delantera:\n  trasera:\n",
        )],
        check: apart,
    },
    Rule {
        id: "localhost-es-el-contenedor",
        title: "un servicio busca a otro en `localhost`",
        level: Level::Warning,
        why: "Dentro de un contenedor, `localhost` es ese mismo contenedor: el otro servicio no está ahí.",
        fix: "escribe el nombre del servicio en lugar de `localhost`",
        lesson: "07-redes.html#comunicacion-entre-servicios",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    environment:\n      DATABASE_URL: postgresql://localhost:5432/app\n  base:\n    image: postgres:17\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    environment:\n      DATABASE_URL: postgresql://base:5432/app\n  base:\n    image: postgres:17\n",
        )],
        check: localhost,
    },
    Rule {
        id: "puerto-publicado-por-dentro",
        title: "un servicio usa el puerto publicado de otro",
        level: Level::Warning,
        why: "El número de la izquierda de `ports` solo existe en tu máquina. Entre servicios se usa el de la derecha, el del contenedor.",
        fix: "usa el puerto del contenedor",
        lesson: "07-redes.html#comunicacion-entre-servicios",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  web:\n    image: python:3.11-slim\n    environment:\n      API_URL: http://api:18000\n  api:\n    image: python:3.11-slim\n    ports: [\"127.0.0.1:18000:8000\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  web:\n    image: python:3.11-slim\n    environment:\n      API_URL: http://api:8000\n  api:\n    image: python:3.11-slim\n    ports: [\"127.0.0.1:18000:8000\"]\n",
        )],
        check: outer_port,
    },
    Rule {
        id: "servicio-mal-escrito",
        title: "una dirección nombra un servicio que no existe, y hay uno casi igual",
        level: Level::Warning,
        why: "Los servicios se encuentran por su nombre exacto: con una letra de más o de menos no hay a quién conectarse.",
        fix: "escribe el nombre del servicio tal como está en el archivo",
        lesson: "07-redes.html#comunicacion-entre-servicios",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  web:\n    image: python:3.11-slim\n    environment:\n      API_URL: http://modelo:8000\n  modelos:\n    image: python:3.11-slim\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  web:\n    image: python:3.11-slim\n    environment:\n      API_URL: http://modelos:8000\n  modelos:\n    image: python:3.11-slim\n",
        )],
        check: misspelt,
    },
];

fn apart(reading: &Reading, out: &mut Out<'_>) {
    for neighbours in Neighbours::all(reading) {
        for mention in neighbours.mentions() {
            let Some(target) = neighbours.target(&mention) else {
                continue;
            };
            let shared = mention.service.networks.iter().any(|one| {
                let mut others = target.networks.iter();
                others.any(|other| other.network == one.network)
            });
            let open = |service: &Service| neighbours.is_in_external_network(service);
            let unsure =
                neighbours.is_known_otherwise(&mention) || (open(mention.service) && open(target));
            if !shared && !unsure {
                let message = format!(
                    "`{}` no encuentra a `{}`, al que nombra `{}`: no comparten ninguna red",
                    mention.service.name, target.name, mention.name
                );
                let finding = out.at(mention.variable.location.clone(), message);
                finding.related(target.location.clone(), "este servicio está en otras redes");
            }
        }
    }
}

/// The ports on which a database is served, by the scheme of its addresses or the name of a variable.
fn usual_ports(name: &str) -> &'static [u16] {
    let name = name.to_ascii_uppercase();
    let known: [(&str, &[u16]); 9] = [
        ("POSTGRES", &[5432]),
        ("PGHOST", &[5432]),
        ("MYSQL", &[3306]),
        ("MARIADB", &[3306]),
        ("MONGO", &[27017]),
        ("REDIS", &[6379]),
        ("AMQP", &[5672]),
        ("RABBIT", &[5672]),
        ("DB_", &[5432, 3306, 27017]),
    ];
    let found = known.iter().find(|(start, _)| name.starts_with(start));
    found.map_or(&[], |(_, ports)| ports)
}

/// Whether the machine of a browser or of a user is meant: what is named so is looked up out there.
fn is_for_outside(name: &str) -> bool {
    const PARTS: [&str; 16] = [
        "ALLOW",
        "BROWSER",
        "CALLBACK",
        "CORS",
        "DOMAIN",
        "EXTERNAL",
        "FRONTEND",
        "ISSUER",
        "ORIGIN",
        "PUBLIC",
        "REACT_APP",
        "REDIRECT",
        "ROOT_URL",
        "SITE",
        "VITE",
        "ADVERTISED",
    ];
    let name = name.to_ascii_uppercase();
    name.ends_with("_BASE_URL") || PARTS.iter().any(|part| name.contains(part))
}

fn localhost(reading: &Reading, out: &mut Out<'_>) {
    for neighbours in Neighbours::all(reading) {
        for mention in neighbours.mentions() {
            let Address {
                scheme, host, port, ..
            } = mention.address;
            if !matches!(host, "localhost" | "127.0.0.1") || is_for_outside(mention.name) {
                continue;
            }
            let told_by = if scheme.is_empty() {
                mention.name
            } else {
                scheme
            };
            let usual = usual_ports(told_by);
            let ports = port.map_or(usual.to_vec(), |port| vec![port]);
            let Some(other) = neighbours.server(&ports, mention.service) else {
                continue;
            };
            let reaches = |outer: &Port, port: u16| {
                let range = outer.published;
                range.is_some_and(|(first, last)| first <= port && port <= last)
            };
            let published = port.is_some_and(|port| {
                let mut services = neighbours.project.services.values();
                usual.is_empty()
                    && services
                        .any(|service| service.ports.iter().any(|outer| reaches(outer, port)))
            });
            // The address of a page may be meant for a browser, which does reach published ports.
            if published || neighbours.may_serve(&ports, mention.service) {
                continue;
            }
            let message = format!(
                "`{}` busca en sí mismo lo que está en `{}`",
                mention.service.name, other.name
            );
            out.at(mention.variable.location.clone(), message)
                .help(format!("escribe `{}` en lugar de `{host}`", other.name));
        }
    }
}

fn outer_port(reading: &Reading, out: &mut Out<'_>) {
    for neighbours in Neighbours::all(reading) {
        for mention in neighbours.mentions() {
            let target = neighbours.target(&mention);
            let (Some(target), Some(port)) = (target, mention.address.port) else {
                continue;
            };
            let mut ports = target.ports.iter();
            let outer = ports.find(|p| p.published == Some((port, port)) && p.target != port);
            let Some(outer) = outer.filter(|_| !neighbours.may_serve(&[port], target)) else {
                continue;
            };
            let text = port.to_string();
            let mut values = target
                .environment
                .values()
                .filter_map(|v| v.value.as_deref());
            let mut words = target.command.iter().flat_map(|command| &command.words);
            if values.any(|value| value.contains(&text)) || words.any(|word| word.contains(&text)) {
                continue;
            }
            let message = format!(
                "`{}` escucha en `{}`; `{port}` solo existe en tu máquina",
                target.name, outer.target
            );
            let finding = out.at(mention.variable.location.clone(), message);
            finding.help(format!(
                "usa el puerto del contenedor: `{}:{}`",
                target.name, outer.target
            ));
            finding.related(outer.location.clone(), "aquí se publica");
        }
    }
}

fn misspelt(reading: &Reading, out: &mut Out<'_>) {
    for neighbours in Neighbours::all(reading) {
        for mention in neighbours.mentions() {
            let Address { scheme, host, .. } = mention.address;
            let plain = host.len() > 3 && !host.contains('.') && host != "localhost";
            if !plain
                || scheme.is_empty()
                || neighbours.project.services.contains_key(host)
                || neighbours.is_known_otherwise(&mention)
                || neighbours.is_in_external_network(mention.service)
            {
                continue;
            }
            let mut names = neighbours.project.services.keys();
            let near = names.find(|name| {
                name.len().abs_diff(host.len()) <= 1 && strsim::damerau_levenshtein(name, host) == 1
            });
            if let Some(name) = near {
                let message = format!("no hay ningún servicio `{host}`: ¿quisiste decir `{name}`?");
                out.at(mention.variable.location.clone(), message);
            }
        }
    }
}
