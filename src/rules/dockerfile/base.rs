//! The images that stages start from.

use crate::rules::files::{self, File};
use crate::rules::{Out, Rule, Topic, unmaintained};
use crate::submission::Reading;
use crate::submission::dockerfile::{Kind, Stage, StageBase};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "La imagen base",
    rules: &RULES,
};

static RULES: [Rule; 6] = [
    Rule {
        id: "imagen-sin-etiqueta",
        title: "la imagen base no lleva etiqueta",
        level: Level::Warning,
        why: "Sin etiqueta Docker toma `latest`: hoy es una versión y mañana otra, y un día la construcción falla sin que hayas cambiado nada.",
        fix: "elige la versión: por ejemplo `python:3.11-slim`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[
            "hadolint DL3006",
            "dockerfilelint missing_tag",
            "kics 9efb0b2d",
        ],
        wrong: &[("Dockerfile", "FROM python\nCMD [\"python\", \"-V\"]\n")],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nCMD [\"python\", \"-V\"]\n",
        )],
        check: untagged,
    },
    Rule {
        id: "imagen-latest",
        title: "la imagen base es `latest`",
        level: Level::Warning,
        why: "`latest` cambia sin avisar: dos personas que construyen el mismo Dockerfile no obtienen la misma imagen.",
        fix: "escribe en su lugar el número de la versión, como en `python:3.11-slim`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[
            "hadolint DL3007",
            "checkov CKV_DOCKER_7",
            "trivy DS-0001",
            "dockle DKL-DI-0006",
            "dockerfilelint latest_tag",
            "kics f45ea400",
            "slim lint ID.20006",
        ],
        wrong: &[("Dockerfile", "FROM nginx:latest\n")],
        right: &[("Dockerfile", "FROM nginx:1.27\n")],
        check: latest,
    },
    Rule {
        id: "etiqueta-que-se-mueve",
        title: "la etiqueta de la imagen base no dice qué versión es",
        level: Level::Note,
        why: "Etiquetas como `3`, `slim` o `lts` apuntan a una versión nueva en cuanto sale, con lo que ella rompa.",
        fix: "nombra también la versión menor, por ejemplo `python:3.11-slim`; si quieres fijar incluso el sistema, `python:3.11-slim-bookworm`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3-slim\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nCMD [\"python\", \"-V\"]\n",
        )],
        check: moving,
    },
    Rule {
        id: "plataforma-fija",
        title: "la plataforma de la imagen base está fija",
        level: Level::Note,
        why: "Con `--platform` fijo la imagen es siempre de ese procesador: en otro se emula, mucho más despacio, o no arranca.",
        fix: "quita `--platform` y elígela al construir: `docker build --platform …`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[
            "BuildKit FromPlatformFlagConstDisallowed",
            "hadolint DL3029",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM --platform=linux/amd64 python:3.11-slim\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM --platform=$BUILDPLATFORM python:3.11-slim\nCMD [\"python\", \"-V\"]\n",
        )],
        check: platform,
    },
    Rule {
        id: "arg-desconocido-en-from",
        title: "`FROM` usa una variable que ningún `ARG` de arriba declara",
        level: Level::Warning,
        why: "En `FROM` solo valen los `ARG` escritos encima del primer `FROM`; los demás quedan vacíos, y el nombre de la imagen es otro.",
        fix: "declara la variable con `ARG` encima del primer `FROM`",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &["BuildKit UndefinedArgInFrom"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11$VARIANTE\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "ARG VARIANTE=-slim\nFROM python:3.11$VARIANTE\nCMD [\"python\", \"-V\"]\n",
        )],
        check: undefined,
    },
    Rule {
        id: "etiqueta-sin-mantenimiento",
        title: "la imagen es de una versión que ya nadie arregla",
        level: Level::Note,
        why: "Cuando acaba el soporte de una versión dejan de llegar también los arreglos de seguridad, y su imagen se queda como estaba aquel día.",
        fix: "pasa a una versión con soporte y prueba con ella tu app",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[],
        wrong: &[
            (
                "Dockerfile",
                "FROM python:3.8-slim\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
            ),
            (
                "compose.yaml",
                "services:\n  web:\n    image: node:16-slim\n    command: node web.js\n",
            ),
        ],
        right: &[
            (
                "Dockerfile",
                "FROM python:3.13-slim\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
            ),
            (
                "compose.yaml",
                "services:\n  web:\n    image: node:24-slim\n    command: node web.js\n",
            ),
        ],
        check: unmaintained::check,
    },
];

/// Every stage that starts from an image whose name is known.
fn images(reading: &Reading) -> impl Iterator<Item = (File<'_>, &Stage, &str)> {
    files::all(reading).flat_map(|file| {
        file.dockerfile
            .stages
            .iter()
            .filter_map(move |stage| match &stage.base {
                StageBase::Image(Some(image)) => {
                    let from = &file.dockerfile.instructions[stage.from];
                    (!file.refused(from)).then_some((file, stage, image.as_str()))
                }
                _ => None,
            })
    })
}

/// The tag of a reference; nothing for one with a digest, `Some(None)` for one with neither.
fn tag(image: &str) -> Option<Option<&str>> {
    if image.contains('@') {
        return None;
    }
    let name = image.rsplit('/').next().unwrap_or(image);
    Some(name.split_once(':').map(|(_, tag)| tag))
}

fn report(file: File<'_>, stage: &Stage, out: &mut Out<'_>, message: String) {
    if let Some(from) = file.dockerfile.from_of(stage) {
        out.span(file.dockerfile, from.image.span, message);
    }
}

fn untagged(reading: &Reading, out: &mut Out<'_>) {
    for (file, stage, image) in images(reading) {
        // Distroless images carry their version in their name, and have no tags for it.
        if tag(image) == Some(None) && !image.starts_with("gcr.io/distroless/") {
            report(
                file,
                stage,
                out,
                format!("`{image}` no dice qué versión: Docker toma `{image}:latest`"),
            );
        }
    }
}

fn latest(reading: &Reading, out: &mut Out<'_>) {
    for (file, stage, image) in images(reading) {
        if tag(image) == Some(Some("latest")) {
            report(
                file,
                stage,
                out,
                format!("`{image}` es otra imagen en cuanto sale una versión"),
            );
        }
    }
}

fn moving(reading: &Reading, out: &mut Out<'_>) {
    const NAMES: [&str; 9] = [
        "slim", "alpine", "lts", "stable", "current", "mainline", "edge", "nightly", "rolling",
    ];
    for (file, stage, image) in images(reading) {
        let Some(Some(tag)) = tag(image) else {
            continue;
        };
        let first = tag.split('-').next().unwrap_or(tag);
        let python_major = image.starts_with("python:") && matches!(first, "3");
        if NAMES.contains(&first) || python_major {
            report(
                file,
                stage,
                out,
                format!("`{image}` pasa sola a la versión siguiente cuando sale"),
            );
        }
    }
}

fn platform(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for line in file.lines().filter(|line| line.is("FROM")) {
            let Some(flag) = line.instruction.flag("platform") else {
                continue;
            };
            let Some(word) = &flag.value else { continue };
            if !word.written.contains('$') && !word.written.is_empty() {
                out.span(
                    file.dockerfile,
                    flag.span,
                    format!(
                        "la imagen será siempre de `{}`, sea cual sea la máquina que la construya",
                        word.text()
                    ),
                );
            }
        }
    }
}

fn undefined(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for line in file.lines() {
            let Kind::From(from) = &line.instruction.kind else {
                continue;
            };
            if file.refused(line.instruction) {
                continue;
            }
            for variable in from
                .image
                .variables
                .iter()
                .filter(|v| !v.defined && !v.guarded)
            {
                out.span(
                    file.dockerfile,
                    variable.span,
                    format!(
                        "`{}` no está declarada encima del primer `FROM`: aquí queda vacía",
                        variable.name
                    ),
                );
            }
        }
    }
}
