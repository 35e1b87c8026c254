//! What services mount, and where their data stays.

use super::written;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::compose::{Mount, MountKind, Service};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Volúmenes y montajes",
    rules: &RULES,
};

static RULES: [Rule; 5] = [
    Rule {
        id: "volumen-de-una-letra",
        title: "Compose lee un volumen de una sola letra como un disco de Windows",
        level: Level::Error,
        why: "Compose toma `m:/ruta` por la unidad M de Windows: no monta el volumen, y Docker no crea el contenedor.",
        fix: "dale un nombre de dos letras o más, aquí y en el `volumes` del final",
        lesson: "05-volumenes.html#tipos-de-volumenes",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    volumes: [\"m:/app/models\"]\nvolumes:\n  m:\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    volumes: [\"modelos:/app/models\"]\nvolumes:\n  modelos:\n",
        )],
        check: letter,
    },
    Rule {
        id: "destino-relativo",
        title: "un montaje va a una ruta del contenedor que no empieza por `/`",
        level: Level::Error,
        why: "Docker no crea el contenedor: «mount path must be absolute».",
        fix: "escribe la ruta de dentro entera, desde `/`",
        lesson: "05-volumenes.html#tipos-de-volumenes",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    volumes: [\"datos:app/datos\"]\nvolumes:\n  datos:\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    volumes: [\"datos:/app/datos\"]\nvolumes:\n  datos:\n",
        )],
        check: relative,
    },
    Rule {
        id: "archivo-montado-que-falta",
        title: "se monta un archivo que no está en la carpeta",
        level: Level::Warning,
        why: "Compose crea lo que falta como una carpeta vacía de root: el programa encuentra una carpeta donde esperaba su archivo.",
        fix: "crea el archivo antes de arrancar; con la forma larga, `bind.create_host_path: false` hace que Compose avise",
        lesson: "05-volumenes.html#tipos-de-volumenes",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  web:\n    image: nginx:1.27\n    volumes: [\"./nginx.conf:/etc/nginx/nginx.conf:ro\"]\n",
        )],
        right: &[
            (
                "compose.yaml",
                "services:\n  web:\n    image: nginx:1.27\n    volumes: [\"./nginx.conf:/etc/nginx/nginx.conf:ro\"]\n",
            ),
            ("nginx.conf", "events {}\n"),
        ],
        check: missing,
    },
    Rule {
        id: "volumen-sobre-una-carpeta-fija",
        title: "un volumen necesita una carpeta que Compose no crea",
        level: Level::Warning,
        why: "Con `driver_opts` y `o: bind` Docker no crea la carpeta de `device`: si no existe, el contenedor no arranca. Y solo existe en tu máquina.",
        fix: "monta la carpeta directamente, `./datos:/datos`, o usa un volumen sin opciones",
        lesson: "05-volumenes.html#uso-para-modelos-ml",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    volumes: [\"modelos:/modelos\"]\nvolumes:\n  modelos:\n    driver_opts:\n      type: none\n      o: bind\n      device: /data/ml-models\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    volumes: [\"modelos:/modelos\"]\nvolumes:\n  modelos:\n",
        )],
        check: device,
    },
    Rule {
        id: "carpeta-montada-que-falta",
        title: "se monta una carpeta que no está, y el servicio no podrá escribir en ella",
        level: Level::Note,
        why: "Compose crea lo que falta como una carpeta vacía de root: montada con `:ro` sigue vacía, y un servicio que no es root no puede escribir en ella.",
        fix: "crea la carpeta antes de arrancar y dásela al usuario del servicio, o usa un volumen con nombre",
        lesson: "05-volumenes.html#tipos-de-volumenes",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    volumes: [\"./models:/app/models:ro\"]\n",
        )],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n    volumes: [\"./models:/app/models:ro\"]\n",
            ),
            ("models/modelo.json", "{}\n"),
        ],
        check: folder,
    },
];

/// Every mount, with its service.
pub(super) fn mounts(reading: &Reading) -> impl Iterator<Item = (&Service, &Mount)> {
    reading
        .services()
        .flat_map(|(_, _, service)| service.volumes.iter().map(move |mount| (service, mount)))
}

/// The drive that a path starts with, as on Windows.
fn drive(path: &str) -> Option<&str> {
    let (letter, rest) = path.split_once(':')?;
    let one = letter.len() == 1 && letter.bytes().all(|b| b.is_ascii_alphabetic());
    (one && rest.starts_with('/')).then_some(letter)
}

/// The one letter that a mount wanted as its volume.
pub(super) fn letter_of(mount: &Mount) -> Option<&str> {
    match (mount.kind, mount.source.as_deref()) {
        (MountKind::Volume, None) => drive(&mount.target),
        // `m:/a:/b` may be meant for Windows, `m:/a:ro` is not.
        (MountKind::Bind, Some(source)) if !mount.target.starts_with('/') => drive(source),
        _ => None,
    }
}

fn letter(reading: &Reading, out: &mut Out<'_>) {
    for (_, mount) in mounts(reading) {
        if let Some(letter) = letter_of(mount) {
            let message =
                format!("Compose lee `{letter}:` como un disco de Windows, no como un volumen");
            out.at(mount.location.clone(), message);
        }
    }
}

fn relative(reading: &Reading, out: &mut Out<'_>) {
    for (_, mount) in mounts(reading) {
        let target = &mount.target;
        let windows = target.contains('\\') || target.contains(':');
        let known = written::is_literal(reading, &mount.location);
        let short = letter_of(mount).is_none() && !target.is_empty() && !target.starts_with('/');
        if short && !windows && known {
            let message = format!("la ruta de dentro, `{target}`, no empieza por `/`");
            out.at(mount.location.clone(), message);
        }
    }
}

/// The path of a bind that should be in the folder, and is not.
fn absent<'m>(reading: &Reading, mount: &'m Mount) -> Option<&'m str> {
    let source = mount.source.as_deref()?;
    let inside = !source.is_empty() && !source.starts_with(['/', '~']) && !source.starts_with("..");
    let known = mount.kind == MountKind::Bind
        && inside
        && source != "."
        && drive(source).is_none()
        && !reading.snapshot.is_partial()
        && written::is_literal(reading, &mount.location);
    (known && !is_there(reading, source)).then_some(source)
}

fn missing(reading: &Reading, out: &mut Out<'_>) {
    for (_, mount) in mounts(reading) {
        let Some(source) = absent(reading, mount) else {
            continue;
        };
        if is_file(source) && is_file(&mount.target) {
            let ending = if mount.create_host_path {
                "Compose crea una carpeta con ese nombre"
            } else {
                "el contenedor no arranca sin él"
            };
            let message = format!("`{source}` no está en la carpeta: {ending}");
            out.at(mount.location.clone(), message);
        }
    }
}

/// Whether the name is a file's: one with an extension that is no version.
fn is_file(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        let letters = extension.starts_with(|c: char| c.is_ascii_alphabetic());
        !stem.is_empty() && letters && extension.len() <= 5 && extension != "d"
    })
}

fn is_there(reading: &Reading, path: &str) -> bool {
    let snapshot = &reading.snapshot;
    let mut above = path;
    // Below a link there may be anything, and in a folder of which no file was read too.
    while let Some((folder, _)) = above.rsplit_once('/') {
        let inside = format!("{folder}/");
        let read = snapshot
            .entries()
            .any(|(path, _)| path.starts_with(&inside));
        if snapshot.contains(folder) && !read {
            return true;
        }
        above = folder;
    }
    snapshot.contains(path)
}

fn device(reading: &Reading, out: &mut Out<'_>) {
    let loaded = reading.loaded();
    for (name, volume) in loaded.flat_map(|loaded| &loaded.project.volumes) {
        let bind = volume.driver_opts.get("o").is_some_and(|options| {
            options
                .split(',')
                .any(|option| matches!(option, "bind" | "rbind"))
        });
        let Some(device) = volume.driver_opts.get("device") else {
            continue;
        };
        let literal = written::is_literal(reading, &device.location);
        if bind && device.starts_with('/') && literal {
            let message = format!(
                "`{name}` necesita que `{}` exista ya en tu máquina",
                device.value
            );
            out.at(device.location.clone(), message);
        }
    }
}

fn folder(reading: &Reading, out: &mut Out<'_>) {
    for (service, mount) in mounts(reading) {
        let user = service.user.as_ref().map_or("", |user| user.as_str());
        let plain = !matches!(user.split(':').next(), None | Some("" | "0" | "root"));
        let Some(source) = absent(reading, mount) else {
            continue;
        };
        if is_file(source) || !mount.create_host_path {
            continue;
        }
        let ending = if mount.read_only {
            "Compose la crea vacía, y con `:ro` se queda así"
        } else if plain {
            "Compose la crea de root, y el servicio se ejecuta con otro usuario"
        } else {
            continue;
        };
        let message = format!("la carpeta `{source}` no está: {ending}");
        out.at(mount.location.clone(), message);
    }
}
