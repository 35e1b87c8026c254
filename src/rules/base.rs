//! The images that stages start from, and the stages themselves.

use super::files::{self, File};
use super::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::{Kind, Stage, StageBase};
use crate::verdict::Level;

pub(super) static TOPIC: Topic = Topic {
    title: "La imagen base y las etapas",
    rules: &RULES,
};

static RULES: [Rule; 9] = [
    Rule {
        id: "imagen-sin-etiqueta",
        title: "la imagen base no lleva etiqueta",
        level: Level::Warning,
        why: "Sin etiqueta Docker toma `latest`: hoy es una versión y mañana otra, y un día la construcción falla sin que hayas cambiado nada.",
        fix: "elige la versión: por ejemplo `python:3.11-slim`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["hadolint DL3006", "dockerfilelint missing_tag"],
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
        id: "as-en-otra-caja",
        title: "`as` no va en mayúsculas como `FROM`",
        level: Level::Note,
        why: "Funciona igual, pero el constructor avisa: las palabras del Dockerfile se leen mejor si van todas igual.",
        fix: "escribe `AS`",
        lesson: "03-optimizado.html#multi-stage-build",
        equivalents: &["BuildKit FromAsCasing"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim as base\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS base\nCMD [\"python\", \"-V\"]\n",
        )],
        check: casing,
    },
    Rule {
        id: "etapa-repetida",
        title: "dos etapas se llaman igual",
        level: Level::Warning,
        why: "Quien copie o parta de ese nombre obtiene la última de las dos, y la primera queda sin usar.",
        fix: "da a cada etapa su propio nombre",
        lesson: "03-optimizado.html#multi-stage-build",
        equivalents: &[
            "BuildKit DuplicateStageName",
            "hadolint DL3024",
            "checkov CKV_DOCKER_11",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS base\nRUN mkdir /a\nFROM python:3.11-slim AS base\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS base\nRUN mkdir /a\nFROM base AS final\nCMD [\"python\", \"-V\"]\n",
        )],
        check: twice,
    },
    Rule {
        id: "nombre-de-etapa-reservado",
        title: "una etapa lleva un nombre que ya significa otra cosa",
        level: Level::Warning,
        why: "`scratch` es la imagen vacía y `context` la carpeta que se envía al construir: el nombre no lleva a tu etapa.",
        fix: "ponle otro nombre",
        lesson: "03-optimizado.html#multi-stage-build",
        equivalents: &["BuildKit ReservedStageName"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS scratch\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS base\nCMD [\"python\", \"-V\"]\n",
        )],
        check: reserved,
    },
    Rule {
        id: "etapa-sin-usar",
        title: "de una etapa no llega nada a la imagen",
        level: Level::Warning,
        why: "Cada `FROM` empieza de cero: lo que instala o copia la etapa anterior no pasa a la siguiente, y BuildKit ni siquiera la construye.",
        fix: "copia de ella lo que haga falta con `COPY --from=…`, parte de ella con `FROM nombre`, o bórrala",
        lesson: "03-optimizado.html#multi-stage-build",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM node:22-slim\nRUN npm install -g serve@14\n\nFROM python:3.11-slim\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM node:22-slim AS web\nRUN mkdir /web\n\nFROM python:3.11-slim\nCOPY --from=web /web /web\nCMD [\"python\", \"-V\"]\n",
        )],
        check: unused,
    },
    Rule {
        id: "arg-desconocido-en-from",
        title: "`FROM` usa una variable que ningún `ARG` de arriba declara",
        level: Level::Warning,
        why: "En `FROM` solo valen los `ARG` escritos encima del primer `FROM`; los demás quedan en nada y el nombre de la imagen cambia.",
        fix: "declara la variable con `ARG` encima del primer `FROM`",
        lesson: "03-optimizado.html#multi-stage-build",
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
                format!("`{image}` es cada día la versión más nueva"),
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
                        "la imagen será siempre de `{}`, sea cual sea la máquina",
                        word.text()
                    ),
                );
            }
        }
    }
}

fn casing(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for line in file.lines() {
            let Kind::From(from) = &line.instruction.kind else {
                continue;
            };
            let Some(span) = from.as_span else { continue };
            let keyword = file.text(line.instruction.keyword_span);
            let written = file.text(span);
            let upper = keyword.chars().all(char::is_uppercase);
            if upper && written != "AS" {
                let finding = out.span(
                    file.dockerfile,
                    span,
                    format!("`{keyword}` va en mayúsculas y `{written}` no"),
                );
                file.mend(finding, span, "AS");
            }
        }
    }
}

fn twice(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        let stages = &file.dockerfile.stages;
        for stage in stages {
            let Some(name) = &stage.name else { continue };
            let earlier = stages[..stage.index]
                .iter()
                .find(|other| other.name.as_ref() == Some(name));
            let named = |stage| {
                file.dockerfile
                    .from_of(stage)
                    .and_then(|from| from.name.as_ref())
            };
            if let (Some(earlier), Some(word)) = (earlier.and_then(named), named(stage)) {
                out.span(
                    file.dockerfile,
                    word.span,
                    format!("ya hay otra etapa `{name}` más arriba"),
                )
                .related(
                    file.dockerfile.location(earlier.span),
                    "la primera".to_owned(),
                );
            }
        }
    }
}

fn reserved(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for stage in &file.dockerfile.stages {
            let name = file
                .dockerfile
                .from_of(stage)
                .and_then(|from| from.name.as_ref());
            if let (Some("scratch" | "context"), Some(word)) = (stage.name.as_deref(), name) {
                out.span(
                    file.dockerfile,
                    word.span,
                    format!("`{}` es un nombre reservado", word.text()),
                );
            }
        }
    }
}

fn unused(reading: &Reading, out: &mut Out<'_>) {
    /// Names of stages that are only there to be copied from; others may be built for themselves, with `--target`.
    const COPIED_FROM: [&str; 10] = [
        "builder",
        "build",
        "constructor",
        "compilador",
        "deps",
        "dependencias",
        "dependencies",
        "compile",
        "obra",
        "venv",
    ];
    for file in files::all(reading) {
        let dockerfile = file.dockerfile;
        if !dockerfile.faults.is_empty() {
            continue;
        }
        let outputs = file.outputs();
        for stage in &dockerfile.stages {
            let is = |name: &str, above: usize| {
                dockerfile
                    .stage_named(name, above)
                    .is_some_and(|found| found.index == stage.index)
            };
            let used = dockerfile.stages.iter().any(|other| other.base == StageBase::Stage(stage.index))
                || file.lines().any(|line| {
                    let above = dockerfile.stages.len();
                    let copied = line.transfer().and_then(|transfer| transfer.from.as_ref());
                    let mounted = matches!(&line.instruction.kind, Kind::Run(run)
                        if run.mounts.iter().any(|mount| mount.option("from").is_some_and(|from| is(from, above) || from.contains('$'))));
                    mounted || copied.is_some_and(|from| from.written.contains('$') || is(from.text(), above))
                });
            let from_variable = dockerfile
                .stages
                .iter()
                .any(|stage| stage.base == StageBase::Image(None));
            let alone = stage
                .name
                .as_deref()
                .is_some_and(|name| !COPIED_FROM.contains(&name));
            if used || from_variable || alone || outputs.contains(&stage.index) {
                continue;
            }
            let Some(from) = dockerfile.from_of(stage) else {
                continue;
            };
            let word = from.name.as_ref().unwrap_or(&from.image);
            let message = format!(
                "nada de esta etapa (`{}`) llega a la imagen final",
                word.text()
            );
            out.span(dockerfile, word.span, message);
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
