//! Limits, restarts and logs.

use super::written;
use crate::rules::{Out, Rule, Topic};
use crate::submission::compose::deploy::RestartPolicy;
use crate::submission::compose::{Located, Service};
use crate::submission::{Location, Reading};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Límites, reinicios y registros",
    rules: &RULES,
};

static RULES: [Rule; 8] = [
    Rule {
        id: "memoria-de-menos",
        title: "un límite de memoria es menor de lo que Docker admite",
        level: Level::Error,
        why: "Docker no crea un contenedor con menos de 6 MiB. Un número sin unidad son bytes.",
        fix: "escribe la unidad, como en `512M`; el mínimo es `6M`",
        lesson: "04-compose.html#stack-completo-con-monitoreo",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    mem_limit: 512\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    mem_limit: 512M\n",
        )],
        check: memory,
    },
    Rule {
        id: "reserva-mayor-que-el-limite",
        title: "se reserva más memoria de la que se permite",
        level: Level::Error,
        why: "Docker no crea el contenedor: lo reservado tiene que caber en el límite.",
        fix: "baja la reserva o sube el límite",
        lesson: "04-compose.html#stack-completo-con-monitoreo",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    deploy:\n      resources:\n        limits:\n          memory: 256M\n        reservations:\n          memory: 512M\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    deploy:\n      resources:\n        limits:\n          memory: 512M\n        reservations:\n          memory: 256M\n",
        )],
        check: reservation,
    },
    Rule {
        id: "swap-imposible",
        title: "`memswap_limit` no es un límite que Docker admita",
        level: Level::Error,
        why: "`memswap_limit` es la memoria y el swap juntos: necesita `mem_limit` y no puede ser menor. Si no, Docker no crea el contenedor.",
        fix: "escribe también `mem_limit`, igual o menor",
        lesson: "04-compose.html#stack-completo-con-monitoreo",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    memswap_limit: 512M\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    mem_limit: 512M\n    memswap_limit: 512M\n",
        )],
        check: swap,
    },
    Rule {
        id: "reserva-de-cpu",
        title: "una reserva de CPU no hace nada fuera de Swarm",
        level: Level::Note,
        why: "`docker compose up` aplica los límites y la reserva de memoria, pero la de CPU la ignora.",
        fix: "quita `cpus` de `reservations`; para limitar, ponlo en `limits`",
        lesson: "04-compose.html#stack-completo-con-monitoreo",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    deploy:\n      resources:\n        reservations:\n          cpus: \"0.5\"\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    deploy:\n      resources:\n        limits:\n          cpus: \"0.5\"\n",
        )],
        check: cpu,
    },
    Rule {
        id: "deploy-solo-de-swarm",
        title: "una clave de `deploy` solo vale en Swarm",
        level: Level::Note,
        why: "`placement`, `rollback_config` y `endpoint_mode` son órdenes para un clúster: `docker compose up` las ignora.",
        fix: "quita esa clave si no usas Swarm",
        lesson: "04-compose.html#stack-completo-con-monitoreo",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    deploy:\n      placement:\n        constraints: [node.role == manager]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    deploy:\n      resources:\n        limits:\n          memory: 512M\n",
        )],
        check: swarm,
    },
    Rule {
        id: "reinicio-en-dos-sitios",
        title: "`restart` y `deploy.restart_policy` dicen cosas distintas",
        level: Level::Warning,
        why: "Gana `deploy.restart_policy`, y `restart` se queda sin efecto. Ninguno de los dos mira la salud: actúan cuando el proceso termina, y un contenedor `unhealthy` sigue en marcha.",
        fix: "deja solo una de las dos",
        lesson: "04-compose.html#archivo-basico",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    restart: always\n    deploy:\n      restart_policy:\n        condition: on-failure\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    restart: always\n",
        )],
        check: restarts,
    },
    Rule {
        id: "registro-apagado",
        title: "un servicio no guarda sus registros",
        level: Level::Note,
        why: "Con `driver: none`, `docker compose logs` no enseña nada de ese servicio, tampoco cuando falla.",
        fix: "quita la línea; si te preocupa el disco, limita: `driver: local`, `max-size: 10m`",
        lesson: "08-buenas-practicas.html#logging-estructurado",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    logging:\n      driver: none\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    logging:\n      driver: local\n      options:\n        max-size: 10m\n",
        )],
        check: silent,
    },
    Rule {
        id: "opcion-de-registro-desconocida",
        title: "una opción de `logging` no existe en ese `driver`",
        level: Level::Error,
        why: "Docker no crea un contenedor con una opción de registro que no conoce: «unknown log opt».",
        fix: "corrige el nombre: para limitar el tamaño son `max-size` y `max-file`, con guion",
        lesson: "08-buenas-practicas.html#logging-estructurado",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    logging:\n      driver: json-file\n      options:\n        max_size: 10m\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    logging:\n      driver: json-file\n      options:\n        max-size: 10m\n",
        )],
        check: log_option,
    },
];

/// The least memory that a container may have.
const LEAST_MEMORY: u64 = 6 << 20;

fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} bytes"),
        1024..0x10_0000 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}

fn memory(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        if let Some(limit) = service
            .memory_limit()
            .filter(|limit| limit.value < LEAST_MEMORY)
        {
            let message = format!(
                "{} es menos de lo que Docker admite, 6 MiB",
                megabytes(limit.value)
            );
            if let Some(level) = written::certain(reading, &limit.location) {
                out.at(limit.location.clone(), message).level(level);
            }
        }
    }
}

/// The memory that is kept free for a service.
fn reserved(service: &Service) -> Option<&Located<u64>> {
    let deployed = service
        .deploy
        .as_ref()
        .and_then(|d| d.reservations.as_ref());
    let deployed = deployed.and_then(|reservations| reservations.memory.as_ref());
    deployed.or(service.mem_reservation.as_ref())
}

fn reservation(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        let (Some(limit), Some(reserved)) = (service.memory_limit(), reserved(service)) else {
            continue;
        };
        if reserved.value > limit.value {
            let (kept, most) = (megabytes(reserved.value), megabytes(limit.value));
            let message = format!("`{}` reserva {kept} con un límite de {most}", service.name);
            let levels = [&reserved.location, &limit.location]
                .map(|location| written::certain(reading, location));
            let [Some(one), Some(two)] = levels else {
                continue;
            };
            let finding = out
                .at(reserved.location.clone(), message)
                .level(one.max(two));
            finding.related(limit.location.clone(), "el límite");
        }
    }
}

fn swap(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        let Some(swap) = service.memswap_limit.as_ref().filter(|swap| swap.value > 0) else {
            continue;
        };
        let message = match service.memory_limit() {
            None => "`memswap_limit` necesita también `mem_limit`",
            Some(limit) if swap.value.unsigned_abs() < limit.value => {
                "`memswap_limit` es la memoria más el swap: no puede ser menor que la memoria"
            }
            Some(_) => continue,
        };
        if let Some(level) = written::certain(reading, &swap.location) {
            out.at(swap.location.clone(), message).level(level);
        }
    }
}

fn cpu(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        let reservations = service
            .deploy
            .as_ref()
            .and_then(|d| d.reservations.as_ref());
        if let Some(cpus) = reservations.and_then(|reservations| reservations.cpus.as_ref()) {
            let message = format!("Compose no reserva CPU para `{}`", service.name);
            out.at(cpus.location.clone(), message);
        }
    }
}

fn swarm(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        let others = service.deploy.iter().flat_map(|deploy| &deploy.other);
        for (key, node) in others {
            if ["placement", "rollback_config", "endpoint_mode"].contains(&key.as_str()) {
                out.at(
                    node.location.clone(),
                    format!("Compose ignora `deploy.{key}`"),
                );
            }
        }
    }
}

/// The policy as `restart` would say it.
fn as_restart(policy: &RestartPolicy) -> &str {
    match policy.condition.as_deref() {
        Some("none") => "no",
        Some("any") | None => "always",
        Some(other) => other,
    }
}

fn restarts(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        let policy = service
            .deploy
            .as_ref()
            .and_then(|d| d.restart_policy.as_ref());
        let (Some(restart), Some(policy)) = (&service.restart, policy) else {
            continue;
        };
        let plain = restart.split(':').next().unwrap_or_default();
        if plain != as_restart(policy) && written::is_literal(reading, &restart.location) {
            let message = format!(
                "`restart: {}` no vale: gana `deploy.restart_policy`",
                restart.value
            );
            let finding = out.at(restart.location.clone(), message);
            finding.related(policy.location.clone(), "esta es la que vale");
        }
    }
}

fn silent(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        let driver = service
            .logging
            .as_ref()
            .and_then(|logging| logging.driver.as_ref());
        if let Some(driver) = driver.filter(|driver| driver.value == "none") {
            let message = format!(
                "`docker compose logs` no enseñará nada de `{}`",
                service.name
            );
            out.at(driver.location.clone(), message);
        }
    }
}

fn log_option(reading: &Reading, out: &mut Out<'_>) {
    const OF_FILES: [&str; 11] = [
        "cache-compress",
        "cache-disabled",
        "cache-max-file",
        "cache-max-size",
        "compress",
        "labels",
        "labels-regex",
        "max-file",
        "max-size",
        "tag",
        "mode",
    ];
    for (_, _, service) in reading.services() {
        let Some(logging) = &service.logging else {
            continue;
        };
        let driver = logging.driver.as_ref().map_or("", |driver| driver.as_str());
        if !matches!(driver, "json-file" | "local") {
            continue;
        }
        for (name, value) in &logging.options {
            let known = OF_FILES.contains(&name.as_str())
                || ["env", "env-regex", "max-buffer-size"].contains(&name.as_str());
            if !known {
                let at: Location = value.location.clone();
                out.at(at, format!("`{driver}` no tiene la opción `{name}`"));
            }
        }
    }
}
