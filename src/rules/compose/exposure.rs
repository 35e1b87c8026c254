//! Ports that are open to more than they should.

use super::official;
use super::ports::{is_enclosed, is_open};
use super::written;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::compose::{Port, Service};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Puertos abiertos",
    rules: &RULES,
};

static RULES: [Rule; 4] = [
    Rule {
        id: "puerto-abierto-a-todos",
        title: "un puerto se publica en todas las direcciones de tu máquina",
        level: Level::Note,
        why: "Sin dirección delante, el puerto queda abierto a toda la red en la que estés, y en Linux Docker lo abre aunque `ufw` lo cierre.",
        fix: "si solo lo usas desde esta máquina, escribe `127.0.0.1:` delante",
        lesson: "02-dockerfile.html#comandos-docker-basicos",
        equivalents: &[
            "dclint no-unbound-port-interfaces",
            "kics 451d79dc",
            "CIS 5.13",
        ],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    ports: [\"8000:8000\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    ports: [\"127.0.0.1:8000:8000\"]\n",
        )],
        check: open,
    },
    Rule {
        id: "base-de-datos-abierta",
        title: "el puerto de una base de datos queda abierto a toda la red",
        level: Level::Warning,
        why: "Los demás servicios llegan a la base por la red del proyecto, sin publicar nada. Con el puerto publicado así, llega cualquiera de tu red.",
        fix: "quita `ports` de la base; si entras desde tu máquina, escribe `127.0.0.1:` delante",
        lesson: "07-redes.html#redes-docker",
        equivalents: &[
            "dclint no-unbound-port-interfaces",
            "kics 451d79dc",
            "CIS 5.13",
        ],
        wrong: &[(
            "compose.yaml",
            "services:\n  cache:\n    image: redis:7.4\n    ports: [\"6379:6379\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  cache:\n    image: redis:7.4\n    ports: [\"127.0.0.1:6379:6379\"]\n",
        )],
        check: database,
    },
    Rule {
        id: "depurador-abierto",
        title: "el puerto de un depurador queda abierto a toda la red",
        level: Level::Warning,
        why: "Quien se conecta a un depurador ejecuta el código que quiera dentro de tu contenedor, sin contraseña.",
        fix: "escribe `127.0.0.1:` delante, y solo en el archivo que usas para depurar",
        lesson: "09-flujo.html#debug-mode-en-compose",
        equivalents: &[
            "dclint no-unbound-port-interfaces",
            "kics 451d79dc",
            "CIS 5.13",
        ],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n",
            ),
            (
                "compose.override.yaml",
                "services:\n  api:\n    ports: [\"5678:5678\"]\n",
            ),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n",
            ),
            (
                "compose.override.yaml",
                "services:\n  api:\n    ports: [\"127.0.0.1:5678:5678\"]\n",
            ),
        ],
        check: debugger,
    },
    Rule {
        id: "prometheus-con-mandos-abiertos",
        title: "cualquiera de tu red puede parar o vaciar Prometheus",
        level: Level::Warning,
        why: "Con `--web.enable-lifecycle` una petición a `/-/quit` lo para, y con `--web.enable-admin-api` otra borra sus datos; nada de eso pide contraseña.",
        fix: "quita esa opción, o escribe `127.0.0.1:` delante del puerto",
        lesson: "04-compose.html#stack-completo-con-monitoreo",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  metricas:\n    image: prom/prometheus:v2.55.0\n    command: [\"--config.file=/etc/prometheus/prometheus.yml\", \"--web.enable-lifecycle\"]\n    ports: [\"9090:9090\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  metricas:\n    image: prom/prometheus:v2.55.0\n    command: [\"--config.file=/etc/prometheus/prometheus.yml\"]\n    ports: [\"9090:9090\"]\n",
        )],
        check: controls,
    },
];

/// What is known to speak on a port of a service.
#[derive(PartialEq)]
enum Behind {
    Database,
    Debugger,
    Other,
}

fn behind(reading: &Reading, service: &Service, port: &Port) -> Behind {
    const DATABASES: [u16; 8] = [1433, 3306, 5432, 6379, 9042, 9200, 11211, 27017];
    let image = official::run_by(reading, service).map_or("", |image| image.name);
    match port.target {
        // n8n's own page is there.
        5678 if !image.contains("n8n") => Behind::Debugger,
        9229 => Behind::Debugger,
        target if DATABASES.contains(&target) => Behind::Database,
        _ => Behind::Other,
    }
}

fn published(reading: &Reading) -> impl Iterator<Item = (&Service, &Port)> {
    let own_network = |service: &Service| {
        service
            .network_mode
            .as_ref()
            .is_none_or(|mode| mode.value == "bridge")
    };
    reading
        .services()
        // From an internal network nothing is published, whatever its services say.
        .filter(move |(_, loaded, service)| own_network(service) && !is_enclosed(loaded, service))
        .flat_map(|(_, _, service)| service.ports.iter().map(move |port| (service, port)))
        .filter(|(_, port)| is_open(port) && written::has_value(reading, &port.location))
}

fn open(reading: &Reading, out: &mut Out<'_>) {
    for (service, port) in published(reading) {
        let public = port
            .published
            .is_some_and(|(first, _)| matches!(first, 80 | 443));
        let other = behind(reading, service, port) == Behind::Other;
        if other && !public && control(service, port).is_none() {
            let message = format!(
                "el puerto `{}` de `{}` queda abierto a toda tu red",
                port.target, service.name
            );
            let finding = out.at(port.location.clone(), message);
            if port.published.is_none() {
                finding.help(format!(
                    "si solo lo usas desde esta máquina, escribe `127.0.0.1::{}`: Docker sigue eligiendo el puerto",
                    port.target
                ));
            }
        }
    }
}

fn database(reading: &Reading, out: &mut Out<'_>) {
    for (service, port) in published(reading) {
        if behind(reading, service, port) == Behind::Database {
            let message = format!("cualquiera de tu red llega a la base `{}`", service.name);
            out.at(port.location.clone(), message);
        }
    }
}

fn debugger(reading: &Reading, out: &mut Out<'_>) {
    for (service, port) in published(reading) {
        if behind(reading, service, port) == Behind::Debugger {
            let message = format!(
                "`{}` es el puerto de un depurador, y `{}` lo abre a toda tu red",
                port.target, service.name
            );
            out.at(port.location.clone(), message);
        }
    }
}

/// The option with which whoever reaches the port of a Prometheus commands it.
fn control<'s>(service: &'s Service, port: &Port) -> Option<&'s String> {
    let mut words = service.command.iter().flat_map(|command| &command.words);
    let option = words.find(|word| {
        matches!(
            word.as_str(),
            "--web.enable-lifecycle" | "--web.enable-admin-api"
        )
    });
    option.filter(|_| port.target == 9090)
}

fn controls(reading: &Reading, out: &mut Out<'_>) {
    for (service, port) in published(reading) {
        if let Some(option) = control(service, port) {
            let message = format!(
                "con `{option}` y este puerto abierto, cualquiera de tu red manda en Prometheus"
            );
            out.at(port.location.clone(), message);
        }
    }
}
