//! Files that their own tool refuses.

use super::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::compose::ComposeError;
use crate::submission::reading::FileKind;
use crate::verdict::Level;

pub(super) static TOPIC: Topic = Topic {
    title: "Lo que ni Docker ni Compose aceptan",
    rules: &RULES,
};

static RULES: [Rule; 7] = [
    Rule {
        id: "dockerfile-no-valido",
        title: "el constructor no acepta el Dockerfile",
        level: Level::Error,
        why: "Docker lee el Dockerfile entero antes de empezar: con una sola línea que no entienda, no construye nada.",
        fix: "corrige esa línea; los comentarios van en una línea propia",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["hadolint DL1000", "dockerfilelint invalid_line"],
        wrong: &[("Dockerfile", "FROM python:3.11-slim\nCOPI . /app\n")],
        right: &[("Dockerfile", "FROM python:3.11-slim\nCOPY . /app\n")],
        check: dockerfile,
    },
    Rule {
        id: "compose-no-valido",
        title: "Compose no acepta el archivo",
        level: Level::Error,
        why: "Compose comprueba el archivo entero antes de crear nada: con un error no arranca ningún servicio.",
        fix: "corrige esa línea y compruébalo con `docker compose config`",
        lesson: "04-compose.html#archivo-basico",
        equivalents: &["dclint invalid-schema", "dclint invalid-yaml"],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    user: 1000\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    user: \"1000\"\n",
        )],
        check: compose,
    },
    Rule {
        id: "compose-a-medias",
        title: "el proyecto de Compose no se puede leer sin el valor de una variable",
        level: Level::Warning,
        why: "Si nadie define la variable, Compose se detiene antes de crear nada. Sin su valor tampoco puedo revisar el resto del proyecto.",
        fix: "define la variable en `.env`, o dale un valor por defecto: `${VARIABLE:-valor}`",
        lesson: "06-entorno.html#archivo-env",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: redis:7.2\n    ports: [\"${DATOS}:80\"]\n    volumes: [\"${DATOS}:/data\"]\n",
        )],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: redis:7.2\n    ports: [\"${PUERTO}:80\"]\n    volumes: [\"${DATOS}:/data\"]\n",
            ),
            (".env", "PUERTO=8000\nDATOS=./datos\n"),
        ],
        check: half_read,
    },
    Rule {
        id: "archivo-que-falta",
        title: "Compose lee un archivo que no está en la carpeta",
        level: Level::Warning,
        why: "Si el archivo no está, Compose se detiene antes de crear nada.",
        fix: "crea el archivo; si no siempre está, escribe `required: false`",
        lesson: "06-entorno.html#usar-en-docker-compose",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    env_file: api.env\n",
        )],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n    env_file: api.env\n",
            ),
            ("api.env", "LOG_LEVEL=INFO\n"),
        ],
        check: missing,
    },
    Rule {
        id: "archivo-de-fuera",
        title: "Compose lee un archivo de fuera de la carpeta",
        level: Level::Note,
        why: "Lo que está fuera de la carpeta no viaja con ella: en otra máquina falta. Aquí tampoco se lee, así que lo que dependa de ese archivo queda sin revisar.",
        fix: "pon el archivo dentro de la carpeta del proyecto",
        lesson: "06-entorno.html#usar-en-docker-compose",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    env_file: ../comun.env\n",
        )],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n    env_file: comun.env\n",
            ),
            ("comun.env", "LOG_LEVEL=INFO\n"),
        ],
        check: outside,
    },
    Rule {
        id: "dockerignore-no-valido",
        title: "Docker no acepta el `.dockerignore`",
        level: Level::Error,
        why: "Con un patrón que Docker no entiende, la construcción se detiene antes de enviar nada.",
        fix: "corrige o quita ese patrón",
        lesson: "03-multietapa.html#dockerignore",
        equivalents: &[],
        wrong: &[
            ("Dockerfile", "FROM python:3.11-slim\nCOPY . /app\n"),
            (".dockerignore", "[abc\n"),
        ],
        right: &[
            ("Dockerfile", "FROM python:3.11-slim\nCOPY . /app\n"),
            (".dockerignore", "[abc]\n"),
        ],
        check: dockerignore,
    },
    Rule {
        id: "env-no-valido",
        title: "Compose no acepta el archivo de variables",
        level: Level::Error,
        why: "Compose lee `.env` antes que nada: con una línea que no entienda, no hace ni siquiera `docker compose ps`.",
        fix: "escribe cada línea como `NOMBRE=valor`",
        lesson: "06-entorno.html#archivo-env",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n",
            ),
            (".env", "LOG LEVEL=INFO\n"),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n",
            ),
            (".env", "LOG_LEVEL=INFO\n"),
        ],
        check: dotenv,
    },
];

/// The way out for a file that cannot be read at all.
const NOT_IT: &str = "comprueba que es el archivo que querías";

fn dockerfile(reading: &Reading, out: &mut Out<'_>) {
    for dockerfile in &reading.dockerfiles {
        for fault in &dockerfile.faults {
            out.span(dockerfile, fault.span, fault.message.clone());
        }
    }
    for fault in reading.faults_in(FileKind::Dockerfile) {
        out.at(fault.location.clone(), fault.message.clone())
            .help(NOT_IT);
    }
}

fn compose(reading: &Reading, out: &mut Out<'_>) {
    for error in reading.projects.iter().flat_map(|project| &project.errors) {
        if let ComposeError::Invalid { message, location }
        | ComposeError::Excessive { message, location } = error
            && !reading.is_dotenv(&location.file)
        {
            out.at(location.clone(), message.clone());
        }
    }
    for fault in reading.faults_in(FileKind::Compose) {
        out.at(fault.location.clone(), fault.message.clone())
            .help(NOT_IT);
    }
}

fn half_read(reading: &Reading, out: &mut Out<'_>) {
    for at in reading
        .projects
        .iter()
        .filter_map(|project| project.unread.as_ref())
    {
        let message = "aquí se usa una variable que ningún archivo define, y Compose no acepta cualquier valor: no pude leer el proyecto";
        out.at(at.clone(), message);
    }
}

fn missing(reading: &Reading, out: &mut Out<'_>) {
    for error in reading.projects.iter().flat_map(|project| &project.errors) {
        if let ComposeError::Missing {
            path,
            location: Some(location),
            ..
        } = error
            && (!reading.snapshot.is_partial() || reading.snapshot.is_of_one_file())
        {
            out.at(
                location.clone(),
                format!("`{path}` no está en la carpeta, y sin él Compose no arranca"),
            );
        }
    }
}

fn outside(reading: &Reading, out: &mut Out<'_>) {
    for error in reading.projects.iter().flat_map(|project| &project.errors) {
        if let ComposeError::Outside { path, location, .. } = error {
            out.at(
                location.clone(),
                format!("`{path}` está fuera de la carpeta, y ahí no se revisa nada"),
            );
        }
    }
}

fn dockerignore(reading: &Reading, out: &mut Out<'_>) {
    for fault in reading.faults_in(FileKind::Dockerignore) {
        out.at(fault.location.clone(), fault.message.clone());
    }
}

fn dotenv(reading: &Reading, out: &mut Out<'_>) {
    for error in reading.projects.iter().flat_map(|project| &project.errors) {
        if let ComposeError::Invalid { message, location }
        | ComposeError::Excessive { message, location } = error
            && reading.is_dotenv(&location.file)
        {
            out.at(location.clone(), message.clone());
        }
    }
    for fault in reading.faults_in(FileKind::Dotenv) {
        out.at(fault.location.clone(), fault.message.clone());
    }
}
