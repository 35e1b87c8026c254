//! Where the data of services stays.

use std::collections::BTreeSet;

use super::official;
use super::volumes::{letter_of, mounts};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::compose::{Mount, MountKind, Service};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Datos que perduran",
    rules: &RULES,
};

static RULES: [Rule; 4] = [
    Rule {
        id: "volumen-sin-usar",
        title: "se declara un volumen que ningún servicio monta",
        level: Level::Warning,
        why: "Declararlo no lo monta: lo que el programa escribe se queda en el contenedor y se pierde con él.",
        fix: "móntalo en el servicio, `volumes: [\"nombre:/ruta\"]`, o quítalo",
        lesson: "05-volumenes.html#tipos-de-volumenes",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\nvolumes:\n  datos:\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    volumes: [\"datos:/datos\"]\nvolumes:\n  datos:\n",
        )],
        check: unused,
    },
    Rule {
        id: "base-de-datos-sin-volumen",
        title: "los datos de una base de datos no quedan en un volumen con nombre",
        level: Level::Note,
        why: "Sin volumen con nombre, `docker compose down` y `up` empiezan con una base vacía.",
        fix: "monta un volumen con nombre en esa carpeta: `datos:/ruta`",
        lesson: "05-volumenes.html#tipos-de-volumenes",
        equivalents: &[],
        wrong: &[("compose.yaml", "services:\n  base:\n    image: mysql:8.4\n")],
        right: &[(
            "compose.yaml",
            "services:\n  base:\n    image: mysql:8.4\n    volumes: [\"datos:/var/lib/mysql\"]\nvolumes:\n  datos:\n",
        )],
        check: database,
    },
    Rule {
        id: "volumen-de-datos-mal-puesto",
        title: "el volumen de una base de datos no está donde la imagen guarda los datos",
        level: Level::Warning,
        why: "La base escribe en otra carpeta: el volumen se queda vacío y los datos se pierden con el contenedor.",
        fix: "móntalo en la carpeta de datos de esa versión de la imagen",
        lesson: "05-volumenes.html#tipos-de-volumenes",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  base:\n    image: postgres:17\n    volumes: [\"datos:/var/lib/postgresql\"]\nvolumes:\n  datos:\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  base:\n    image: postgres:17\n    volumes: [\"datos:/var/lib/postgresql/data\"]\nvolumes:\n  datos:\n",
        )],
        check: misplaced,
    },
    Rule {
        id: "volumen-anonimo",
        title: "un servicio guarda datos en un volumen sin nombre",
        level: Level::Note,
        why: "A un volumen sin nombre no se vuelve: `docker compose down` lo deja huérfano y el siguiente `up` hace otro, vacío.",
        fix: "dale un nombre: `\"datos:/ruta\"`, y decláralo en el `volumes` del final",
        lesson: "05-volumenes.html#tipos-de-volumenes",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    volumes: [\"/app/datos\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    volumes: [\"datos:/app/datos\"]\nvolumes:\n  datos:\n",
        )],
        check: anonymous,
    },
];

fn unused(reading: &Reading, out: &mut Out<'_>) {
    let used: BTreeSet<_> = reading
        .loaded()
        .flat_map(|loaded| {
            let project = &loaded.project;
            let services = project.services.values().chain(project.inactive.values());
            let named = services.flat_map(|service| &service.volumes);
            named.filter_map(|mount| {
                let source = mount
                    .source
                    .as_ref()
                    .filter(|_| mount.kind == MountKind::Volume)?;
                Some(&project.volumes.get(source)?.location)
            })
        })
        .collect();
    let loaded = reading.loaded();
    for project in loaded.map(|loaded| &loaded.project) {
        let letters: BTreeSet<&str> = project
            .services
            .values()
            .flat_map(|service| &service.volumes)
            .filter_map(letter_of)
            .collect();
        for (name, volume) in &project.volumes {
            if !used.contains(&volume.location) && !letters.contains(name.as_str()) {
                let message = format!("ningún servicio monta el volumen `{name}`");
                out.at(volume.location.clone(), message);
            }
        }
    }
}

/// The database that a service runs: the folder of its data.
fn data_of(reading: &Reading, service: &Service) -> Option<&'static str> {
    let moved = ["PGDATA", "MYSQL_DATADIR"];
    let moved = moved
        .iter()
        .any(|name| service.environment.contains_key(*name));
    let plain = service.command.is_none() && service.volumes_from.is_empty() && !moved;
    official::run_by(reading, service)?
        .data_folder()
        .filter(|_| plain)
}

/// Whether something is mounted on `folder` or in it.
fn holds(service: &Service, folder: &str) -> bool {
    let targets = service.volumes.iter().map(|mount| mount.target.as_str());
    let memory = service
        .tmpfs
        .iter()
        .map(|path| path.split(':').next().unwrap_or(path));
    targets.chain(memory).any(|target| {
        folder == target
            || target
                .strip_prefix(folder)
                .is_some_and(|rest| rest.starts_with('/'))
    })
}

/// A named volume or a folder of the machine that was meant for the data in `folder`.
fn meant<'s>(service: &'s Service, folder: &str) -> Option<&'s Mount> {
    const MISTAKEN: [&str; 9] = [
        "/var/lib/mariadb",
        "/var/lib/mongo",
        "/var/lib/mongodb",
        "/var/lib/mysql/data",
        "/var/lib/pgsql",
        "/var/lib/pgsql/data",
        "/var/lib/postgres",
        "/var/lib/postgresql",
        "/var/lib/postgresql/data",
    ];
    service.volumes.iter().find(|mount| {
        let kept =
            matches!(mount.kind, MountKind::Volume | MountKind::Bind) && mount.source.is_some();
        let target = mount.target.as_str();
        kept && (MISTAKEN.contains(&target) || (folder == "/data/db" && target == "/data"))
    })
}

fn database(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        let Some(folder) = data_of(reading, service) else {
            continue;
        };
        if !holds(service, folder) && meant(service, folder).is_none() {
            let message = format!(
                "los datos de `{}`, en `{folder}`, no están en un volumen con nombre",
                service.name
            );
            out.at(service.location.clone(), message);
        }
    }
}

fn misplaced(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        let Some(folder) = data_of(reading, service) else {
            continue;
        };
        let Some(mount) = meant(service, folder) else {
            continue;
        };
        let old = folder == "/var/lib/postgresql" && mount.target == "/var/lib/postgresql/data";
        if old || !holds(service, folder) {
            let message = format!(
                "`{}` guarda los datos en `{folder}`, y el volumen está en `{}`",
                service.name, mount.target
            );
            out.at(mount.location.clone(), message)
                .help(format!("móntalo en `{folder}`"));
        }
    }
}

fn anonymous(reading: &Reading, out: &mut Out<'_>) {
    for (service, mount) in mounts(reading) {
        let target = mount.target.as_str();
        // It keeps what the image has from being hidden by the mount around it.
        let shields = service.volumes.iter().any(|outer| {
            let inside = target.strip_prefix(outer.target.as_str());
            outer.source.is_some() && inside.is_some_and(|rest| rest.starts_with('/'))
        });
        if mount.kind == MountKind::Volume
            && mount.source.is_none()
            && !shields
            && letter_of(mount).is_none()
        {
            let message = format!(
                "lo que `{}` escriba en `{target}` queda en un volumen sin nombre",
                service.name
            );
            out.at(mount.location.clone(), message);
        }
    }
}
