//! The order in which services start.

use std::time::Duration;

use super::official::{self, Reference};
use super::written;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::compose::{Condition, Dependency, Project, Service};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "El orden de arranque",
    rules: &RULES,
};

static RULES: [Rule; 8] = [
    Rule {
        id: "espera-sin-salud",
        title: "un servicio espera a que otro arranque, no a que esté sano",
        level: Level::Warning,
        why: "La forma corta de `depends_on` solo espera a que el otro contenedor arranque; el programa de dentro puede tardar varios segundos más en contestar.",
        fix: "usa la forma larga con `condition: service_healthy`",
        lesson: "04-compose.html#stack-completo-con-monitoreo",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    build: .\n    depends_on: [cache]\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: [\"CMD\", \"redis-cli\", \"ping\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    depends_on:\n      cache:\n        condition: service_healthy\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: [\"CMD\", \"redis-cli\", \"ping\"]\n",
        )],
        check: short,
    },
    Rule {
        id: "espera-a-base-sin-chequeo",
        title: "un servicio depende de una base de datos sin chequeo de salud",
        level: Level::Note,
        why: "Una base de datos tarda en aceptar conexiones, y sin `healthcheck` nadie puede esperar a que lo haga.",
        fix: "dale un `healthcheck` a la base y espera con `condition: service_healthy`",
        lesson: "04-compose.html#stack-completo-con-monitoreo",
        equivalents: &["kics 698ed579"],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    depends_on: [base]\n  base:\n    image: postgres:17\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    depends_on:\n      base:\n        condition: service_healthy\n  base:\n    image: postgres:17\n    healthcheck:\n      test: [\"CMD-SHELL\", \"pg_isready -U postgres\"]\n",
        )],
        check: database,
    },
    Rule {
        id: "sano-sin-chequeo",
        title: "se espera `service_healthy` de un servicio sin chequeo de salud",
        level: Level::Error,
        why: "Sin chequeo no hay salud que esperar: Compose se detiene con «has no healthcheck configured» y no arranca a quien espera.",
        fix: "añade un `healthcheck` al servicio esperado, o `HEALTHCHECK` a su Dockerfile",
        lesson: "04-compose.html#stack-completo-con-monitoreo",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    depends_on:\n      cache:\n        condition: service_healthy\n  cache:\n    image: redis:7.4\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    depends_on:\n      cache:\n        condition: service_healthy\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: [\"CMD\", \"redis-cli\", \"ping\"]\n",
        )],
        check: healthy,
    },
    Rule {
        id: "espera-a-quien-no-acaba",
        title: "se espera a que termine un servicio que siempre vuelve a arrancar",
        level: Level::Error,
        why: "`service_completed_successfully` espera a que el contenedor termine, y con esa política de reinicio Docker lo arranca otra vez: quien espera no arranca nunca.",
        fix: "quita `restart` del servicio que prepara algo y termina, o pon `restart: on-failure`",
        lesson: "04-compose.html#stack-completo-con-monitoreo",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    depends_on:\n      migra:\n        condition: service_completed_successfully\n  migra:\n    image: python:3.11-slim\n    restart: always\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    depends_on:\n      migra:\n        condition: service_completed_successfully\n  migra:\n    image: python:3.11-slim\n    restart: on-failure\n",
        )],
        check: completed,
    },
    Rule {
        id: "dependencia-de-otro-perfil",
        title: "un servicio depende de otro que su perfil no enciende",
        level: Level::Warning,
        why: "Compose no enciende solo los perfiles de las dependencias: se detiene con «depends on undefined service».",
        fix: "da a los dos los mismos `profiles`, o escribe `required: false` en la dependencia",
        lesson: "04-compose.html#archivo-basico",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    depends_on: [cache]\n  cache:\n    image: redis:7.4\n    profiles: [completo]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    profiles: [completo]\n    depends_on: [cache]\n  cache:\n    image: redis:7.4\n    profiles: [completo]\n",
        )],
        check: profiles,
    },
    Rule {
        id: "espera-larga",
        title: "se espera a un servicio cuyo chequeo de salud tarda en empezar",
        level: Level::Note,
        why: "Docker hace el primer chequeo cuando pasa el primer intervalo: quien espera no arranca antes, aunque el otro esté listo en un segundo.",
        fix: "acorta `interval`, o añade `start_period` y `start_interval: 1s`",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    depends_on:\n      cache:\n        condition: service_healthy\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: [\"CMD\", \"redis-cli\", \"ping\"]\n      interval: 2m\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    depends_on:\n      cache:\n        condition: service_healthy\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: [\"CMD\", \"redis-cli\", \"ping\"]\n      interval: 5s\n",
        )],
        check: slow,
    },
    Rule {
        id: "espera-a-nadie",
        title: "se espera a un servicio que no arranca ninguna copia",
        level: Level::Warning,
        why: "Con cero copias no hay nada que arranque ni que llegue a estar sano.",
        fix: "quita la dependencia, o pide al menos una copia",
        lesson: "04-compose.html#comandos-docker-compose",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    depends_on:\n      cache:\n        condition: service_healthy\n  cache:\n    image: redis:7.4\n    scale: 0\n    healthcheck:\n      test: [\"CMD\", \"redis-cli\", \"ping\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    depends_on:\n      cache:\n        condition: service_healthy\n  cache:\n    image: redis:7.4\n    scale: 1\n    healthcheck:\n      test: [\"CMD\", \"redis-cli\", \"ping\"]\n",
        )],
        check: nobody,
    },
    Rule {
        id: "espera-al-vigilante",
        title: "la app espera al programa que la vigila",
        level: Level::Note,
        why: "Prometheus pregunta a la app, y Grafana a Prometheus: la app no necesita a ninguno de los dos para arrancar. Así, si el vigilante falla, la app no arranca.",
        fix: "dale la vuelta: que Prometheus dependa de la app, o quita la dependencia",
        lesson: "04-compose.html#stack-completo-con-monitoreo",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    build: .\n    depends_on: [prometheus]\n  prometheus:\n    image: prom/prometheus:v2.55.0\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    build: .\n  prometheus:\n    image: prom/prometheus:v2.55.0\n    depends_on: [api]\n",
        )],
        check: watcher,
    },
];

/// What reading knows of a service's health check.
#[derive(Clone, Copy, PartialEq)]
enum Check {
    Written,
    Absent,
    Off,
    Unknown,
}

fn health_of(reading: &Reading, project: usize, service: &Service) -> Check {
    if let Some(healthcheck) = &service.healthcheck {
        if healthcheck.disable {
            return Check::Off;
        }
        if healthcheck.test.is_some() {
            return Check::Written;
        }
    }
    let known = |image: &Reference<'_>| image.has_no_healthcheck();
    if let Some(build) = reading.build_of(project, &service.name) {
        let dockerfile = &reading.dockerfiles[build.dockerfile];
        if official::build_is(reading, build, "HEALTHCHECK", known) {
            return Check::Absent;
        }
        let written = dockerfile.last("HEALTHCHECK").is_some();
        return if written {
            Check::Written
        } else {
            Check::Unknown
        };
    }
    match official::run_by(reading, service) {
        Some(image) if image.has_no_healthcheck() => Check::Absent,
        _ => Check::Unknown,
    }
}

/// Every dependency that a file writes under `depends_on`, with both services.
fn dependencies(
    reading: &Reading,
) -> impl Iterator<Item = (usize, &Project, &Service, &Dependency, &Service)> {
    reading.services().flat_map(|(index, loaded, service)| {
        let project = &loaded.project;
        let written = service.depends_on.iter().filter(|d| !d.implied);
        written.filter_map(move |dependency| {
            let target = project.services.get(&dependency.service)?;
            Some((index, project, service, dependency, target))
        })
    })
}

/// Whether the dependency is written with nothing but its name.
fn is_short(reading: &Reading, dependency: &Dependency) -> bool {
    let rest = written::rest(reading, &dependency.location);
    let rest = rest.trim_start_matches(['"', '\'']);
    let after = rest.strip_prefix(dependency.service.as_str());
    after.is_some_and(|after| {
        !after
            .trim_start_matches(['"', '\''])
            .trim_start()
            .starts_with(':')
    })
}

fn short(reading: &Reading, out: &mut Out<'_>) {
    for (index, _, service, dependency, target) in dependencies(reading) {
        if dependency.condition == Condition::Started
            && is_short(reading, dependency)
            && health_of(reading, index, target) == Check::Written
        {
            let message = format!(
                "`{}` no espera a que `{}` esté sano, aunque tiene un chequeo de salud",
                service.name, target.name
            );
            let finding = out.at(dependency.location.clone(), message);
            // What comes as an image mostly tries again by itself.
            if service.build.is_none() {
                finding.level(Level::Note);
            }
        }
    }
}

fn database(reading: &Reading, out: &mut Out<'_>) {
    for (index, _, service, dependency, target) in dependencies(reading) {
        if dependency.condition == Condition::Started
            && is_short(reading, dependency)
            && health_of(reading, index, target) == Check::Absent
            && official::run_by(reading, target).is_some_and(|image| image.is_database())
        {
            let message = format!(
                "`{}` puede arrancar antes de que `{}` acepte conexiones",
                service.name, target.name
            );
            out.at(dependency.location.clone(), message);
        }
    }
}

fn healthy(reading: &Reading, out: &mut Out<'_>) {
    for (index, _, service, dependency, target) in dependencies(reading) {
        if dependency.condition != Condition::Healthy {
            continue;
        }
        let (name, waits) = (&target.name, &service.name);
        // Compose says that the optional one failed, and starts the other all the same.
        let level = if dependency.required {
            Level::Error
        } else {
            Level::Warning
        };
        match health_of(reading, index, target) {
            Check::Absent => {
                let message = format!(
                    "`{waits}` espera a que `{name}` esté sano, y `{name}` no tiene chequeo de salud"
                );
                let finding = out.at(dependency.location.clone(), message).level(level);
                finding.related(target.location.clone(), "aquí falta `healthcheck`");
            }
            Check::Off => {
                let message =
                    format!("`{waits}` espera a que `{name}` esté sano, y su chequeo está apagado");
                let finding = out.at(dependency.location.clone(), message).level(level);
                finding.help("quita lo que apaga el chequeo, o espera solo con `service_started`");
                if let Some(healthcheck) = &target.healthcheck {
                    finding.related(healthcheck.location.clone(), "aquí se apaga");
                }
            }
            Check::Written | Check::Unknown => {}
        }
    }
}

fn completed(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service, dependency, target) in dependencies(reading) {
        let policy = target
            .deploy
            .as_ref()
            .and_then(|d| d.restart_policy.as_ref());
        let Some(restart) = target.restart.as_ref().filter(|_| policy.is_none()) else {
            continue;
        };
        let always = matches!(restart.as_str(), "always" | "unless-stopped");
        if dependency.condition == Condition::Completed && always {
            let message = format!(
                "`{}` espera a que `{}` termine, y `restart: {}` lo arranca otra vez",
                service.name, target.name, restart.value
            );
            let finding = out.at(dependency.location.clone(), message);
            finding.related(restart.location.clone(), "por esto no termina nunca");
        }
    }
}

fn profiles(reading: &Reading, out: &mut Out<'_>) {
    for (_, project, service, dependency, target) in dependencies(reading) {
        if !dependency.required
            || target.profiles.is_empty()
            || project.environment.contains_key("COMPOSE_PROFILES")
        {
            continue;
        }
        let on = |profile: &str| target.profiles.iter().any(|other| other.value == profile);
        let fine = !service.profiles.is_empty() && service.profiles.iter().all(|p| on(p));
        if !fine {
            let message = format!(
                "`{}` depende de `{}`, que solo se enciende con el perfil `{}`",
                service.name, target.name, target.profiles[0].value
            );
            let finding = out.at(dependency.location.clone(), message);
            finding.related(target.profiles[0].location.clone(), "este perfil");
        }
    }
}

fn slow(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service, dependency, target) in dependencies(reading) {
        let Some(healthcheck) = &target.healthcheck else {
            continue;
        };
        let Some(interval) = &healthcheck.interval else {
            continue;
        };
        if dependency.condition == Condition::Healthy
            && healthcheck.start_interval.is_none()
            && interval.value >= Duration::from_secs(60)
        {
            let message = format!(
                "`{}` no arranca hasta {} s después que `{}`, por lo menos",
                service.name,
                interval.value.as_secs(),
                target.name
            );
            out.at(interval.location.clone(), message);
        }
    }
}

fn watcher(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service, dependency, target) in dependencies(reading) {
        let image = target
            .image
            .as_ref()
            .map(|image| Reference::of(&image.value).name);
        let watches = matches!(image, Some("prom/prometheus" | "grafana/grafana"));
        // Only what is built here is surely the app; an exporter or a panel may well need them.
        if watches && service.build.is_some() && target.build.is_none() {
            let message = format!("`{}` no arranca sin `{}`", service.name, target.name);
            out.at(dependency.location.clone(), message);
        }
    }
}

fn nobody(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service, dependency, target) in dependencies(reading) {
        let waits = dependency.condition != Condition::Started && dependency.required;
        if waits && target.replicas() == 0 && service.replicas() > 0 {
            let message = format!(
                "`{}` espera a `{}`, y no se arranca ninguna copia suya",
                service.name, target.name
            );
            out.at(dependency.location.clone(), message);
        }
    }
}
