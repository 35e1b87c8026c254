//! Stages: their names, and what comes of them.

use crate::rules::files;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::{Kind, StageBase};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Las etapas",
    rules: &RULES,
};

static RULES: [Rule; 5] = [
    Rule {
        id: "as-en-minusculas",
        title: "`as` no va en mayúsculas como `FROM`",
        level: Level::Note,
        why: "Funciona igual, pero el constructor avisa: las palabras del Dockerfile se leen mejor si van todas en mayúsculas.",
        fix: "escribe `AS`",
        lesson: "03-multietapa.html#multi-stage-build",
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
        why: "Quien copie o parta de ese nombre obtiene la última de las dos, y a la primera ya solo se llega por su número.",
        fix: "da a cada etapa su propio nombre",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &[
            "BuildKit DuplicateStageName",
            "hadolint DL3024",
            "checkov CKV_DOCKER_11",
            "trivy DS-0012",
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
        fix: "ponle otro nombre, como `base` o `final`",
        lesson: "03-multietapa.html#multi-stage-build",
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
        lesson: "03-multietapa.html#multi-stage-build",
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
        id: "copy-from-desconocido",
        title: "`COPY --from` nombra una etapa que no existe",
        level: Level::Warning,
        why: "Si ninguna etapa se llama así, Docker busca en internet una imagen con ese nombre.",
        fix: "escribe el nombre de la etapa como está en su `FROM … AS`",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &["hadolint DL3022"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS builder\nRUN mkdir /libs\nFROM python:3.11-slim\nCOPY --from=build /libs /libs\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS builder\nRUN mkdir /libs\nFROM python:3.11-slim\nCOPY --from=builder /libs /libs\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: from,
    },
];

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

fn from(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        let stages = &file.dockerfile.stages;
        for line in file.lines().filter(|line| !file.refused(line.instruction)) {
            let Some(word) = line.transfer().and_then(|transfer| transfer.from.as_ref()) else {
                continue;
            };
            let Some(name) = word
                .value
                .as_deref()
                .filter(|_| !word.written.contains('$'))
            else {
                continue;
            };
            if file.dockerfile.stage_named(name, stages.len()).is_some() {
                continue;
            }
            if let Ok(number) = name.parse::<usize>() {
                let (last, level) = (stages.len().saturating_sub(1), Level::Error);
                out.span(
                    file.dockerfile,
                    word.span,
                    format!("no hay etapa {number}: van de la 0 a la {last}"),
                )
                .level(level);
                continue;
            }
            let names = stages.iter().filter_map(|stage| stage.name.as_deref());
            let lower = name.to_lowercase();
            let near = names
                .map(|other| (strsim::jaro_winkler(&lower, other), other))
                .filter(|(likeness, _)| *likeness > 0.85)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((_, near)) = near.filter(|_| {
                !file.compose_names("additional_contexts") && !name.contains(['/', ':', '.'])
            }) {
                let finding = out.span(
                    file.dockerfile,
                    word.span,
                    format!("ninguna etapa se llama `{name}`; ¿quisiste decir `{near}`?"),
                );
                file.mend(finding, word.span, near);
            }
        }
    }
}
