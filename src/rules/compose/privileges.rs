//! What a container is allowed to do to the machine it runs on.

use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::compose::{Condition, MountKind, Service};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Permisos sobre tu máquina",
    rules: &RULES,
};

static RULES: [Rule; 7] = [
    Rule {
        id: "socket-de-docker",
        title: "un servicio recibe el socket de Docker",
        level: Level::Warning,
        why: "Quien habla con ese socket puede arrancar un contenedor con todo el disco dentro: es administrador de tu máquina. `:ro` no lo evita, porque solo protege el archivo.",
        fix: "quítalo; si el servicio lo necesita, pon delante un proxy que solo deje pasar las consultas que usa",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &["kics d6355c88", "CIS 5.31"],
        wrong: &[(
            "compose.yaml",
            "services:\n  panel:\n    image: python:3.11-slim\n    volumes:\n      - /var/run/docker.sock:/var/run/docker.sock\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  panel:\n    image: python:3.11-slim\n    environment:\n      DOCKER_HOST: tcp://proxy:2375\n  proxy:\n    image: python:3.11-slim\n",
        )],
        check: socket,
    },
    Rule {
        id: "contenedor-privilegiado",
        title: "un servicio es `privileged`",
        level: Level::Warning,
        why: "Con `privileged` el contenedor alcanza todos los dispositivos de tu máquina y puede tomar el mando de ella: ya no aísla nada.",
        fix: "quita `privileged` y concede solo lo que falte, con `cap_add` o `devices`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &["kics ae5b6871", "CIS 5.4"],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    privileged: true\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    cap_add: [NET_BIND_SERVICE]\n",
        )],
        check: privileged,
    },
    Rule {
        id: "capacidad-de-administrador",
        title: "un servicio recibe una capacidad de administrador",
        level: Level::Warning,
        why: "`ALL`, `SYS_ADMIN`, `SYS_MODULE` o `DAC_READ_SEARCH` bastan para salir del contenedor.",
        fix: "concede solo la capacidad que el programa usa, y quita las demás con `cap_drop: [ALL]`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &["kics ce76b7d0", "CIS 5.3"],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    cap_add: [SYS_ADMIN]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    cap_drop: [ALL]\n    cap_add: [NET_BIND_SERVICE]\n",
        )],
        check: capabilities,
    },
    Rule {
        id: "sin-confinamiento",
        title: "un servicio apaga las defensas del núcleo",
        level: Level::Warning,
        why: "Docker le quita a cada contenedor las llamadas al sistema que no necesita; con `unconfined` las tiene todas.",
        fix: "quita la opción, o dale un perfil con lo que falte: `seccomp=perfil.json`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &["kics 404fde2c", "CIS 5.21"],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    security_opt: [\"seccomp=unconfined\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    security_opt: [\"no-new-privileges:true\"]\n",
        )],
        check: unconfined,
    },
    Rule {
        id: "espacio-de-la-maquina",
        title: "un servicio comparte procesos, memoria, usuarios o red con tu máquina",
        level: Level::Warning,
        why: "Con `host` el contenedor deja de estar separado de tu máquina: ve sus procesos, su memoria compartida o su red.",
        fix: "quita la línea; para que el servicio se vea desde fuera basta con `ports`",
        lesson: "07-redes.html#redes-docker",
        equivalents: &[
            "kics 071a71ff",
            "kics 4f31dd9f",
            "kics baa3890f",
            "kics 8af7162d",
            "CIS 5.9",
            "CIS 5.15",
            "CIS 5.16",
            "CIS 5.30",
        ],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    network_mode: host\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    ports: [\"127.0.0.1:8000:8000\"]\n",
        )],
        check: namespaces,
    },
    Rule {
        id: "usuario-root-en-compose",
        title: "Compose ejecuta un servicio como root",
        level: Level::Warning,
        why: "`user` de Compose gana a `USER` del Dockerfile: si alguien entra en la app, es root dentro del contenedor.",
        fix: "quita `user`, o pon el número de un usuario sin privilegios, como `\"10001\"`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &["CIS 4.1"],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    user: root\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim\nUSER 10001\nCMD [\"python\", \"-m\", \"http.server\"]\n",
            ),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    user: \"10001\"\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim\nUSER 10001\nCMD [\"python\", \"-m\", \"http.server\"]\n",
            ),
        ],
        check: root,
    },
    Rule {
        id: "carpeta-del-sistema",
        title: "un servicio puede escribir en las carpetas del sistema de tu máquina",
        level: Level::Warning,
        why: "Lo que el contenedor escriba ahí lo escribe en tu máquina: un fallo suyo puede dejarla sin arrancar.",
        fix: "monta solo la carpeta que hace falta, o añade `:ro`",
        lesson: "05-volumenes.html#tipos-de-volumenes",
        equivalents: &["kics 1c1325ff", "CIS 5.5"],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    volumes:\n      - /etc:/anfitrion/etc\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    volumes:\n      - /etc/localtime:/etc/localtime:ro\n",
        )],
        check: folders,
    },
];

fn socket(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        for mount in &service.volumes {
            let source = mount.source.as_deref().unwrap_or_default();
            if matches!(source, "/var/run/docker.sock" | "/run/docker.sock") {
                let message = format!("`{}` puede mandar en el Docker de tu máquina", service.name);
                out.at(mount.location.clone(), message);
            }
        }
    }
}

fn privileged(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        if let Some(flag) = &service.privileged
            && flag.value
        {
            let message = format!(
                "`{}` tiene todos los permisos sobre tu máquina",
                service.name
            );
            out.at(flag.location.clone(), message);
        }
    }
}

fn capabilities(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        for capability in &service.cap_add {
            let name = capability.to_ascii_uppercase();
            let name = name.strip_prefix("CAP_").unwrap_or(&name);
            if ["ALL", "SYS_ADMIN", "SYS_MODULE", "DAC_READ_SEARCH"].contains(&name) {
                let message = format!(
                    "con `{name}`, `{}` puede salir de su contenedor",
                    service.name
                );
                out.at(capability.location.clone(), message);
            }
        }
    }
}

fn unconfined(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        for option in &service.security_opt {
            let Some((what, "unconfined")) = option.split_once(['=', ':']) else {
                continue;
            };
            if ["seccomp", "apparmor"].contains(&what) {
                let message = format!("`{}` se ejecuta sin la defensa `{what}`", service.name);
                out.at(option.location.clone(), message);
            }
        }
    }
}

fn namespaces(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        let spaces = [
            (
                "network_mode",
                &service.network_mode,
                "la red y los puertos",
            ),
            ("pid", &service.pid, "los procesos"),
            ("ipc", &service.ipc, "la memoria compartida"),
            ("userns_mode", &service.userns_mode, "los usuarios"),
        ];
        for (key, value, what) in spaces {
            if let Some(value) = value.as_ref().filter(|value| value.as_str() == "host") {
                let message = format!(
                    "con `{key}: host`, `{}` comparte {what} de tu máquina",
                    service.name
                );
                out.at(value.location.clone(), message);
            }
        }
    }
}

/// Whether others wait for `service` to finish: it prepares something and ends.
fn prepares(reading: &Reading, service: &Service) -> bool {
    reading.services().any(|(_, _, other)| {
        let mut waits = other.depends_on.iter();
        waits.any(|d| d.condition == Condition::Completed && d.service == service.name)
    })
}

fn root(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        let Some(user) = &service.user else { continue };
        let name = user.split(':').next().unwrap_or_default();
        if !matches!(name, "root" | "0") || prepares(reading, service) {
            continue;
        }
        let message = format!(
            "`{}` se ejecuta como root, diga lo que diga su imagen",
            service.name
        );
        let finding = out.at(user.location.clone(), message);
        // Some images want it so: they give their privileges up on their own.
        if service.build.is_none() {
            finding.level(Level::Note);
        }
    }
}

fn folders(reading: &Reading, out: &mut Out<'_>) {
    const SYSTEM: [&str; 9] = [
        "/", "/bin", "/boot", "/etc", "/lib", "/root", "/sbin", "/usr", "/var",
    ];
    for (_, _, service) in reading.services() {
        for mount in &service.volumes {
            let source = mount.source.as_deref().unwrap_or_default();
            if mount.kind == MountKind::Bind && !mount.read_only && SYSTEM.contains(&source) {
                let message = format!(
                    "`{}` puede escribir en `{source}` de tu máquina",
                    service.name
                );
                out.at(mount.location.clone(), message);
            }
        }
    }
}
