//! Forms that builders warn of.

use crate::rules::files::{self};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::Kind;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Lo que el constructor avisa que no se use",
    rules: &RULES,
};

static RULES: [Rule; 2] = [
    Rule {
        id: "maintainer-antiguo",
        title: "un Dockerfile usa `MAINTAINER`, que está retirado",
        level: Level::Note,
        why: "El constructor avisa de que no se debe usar; un `LABEL` dice lo mismo y se lee con `docker inspect`.",
        fix: "escribe `LABEL org.opencontainers.image.authors=\"…\"`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[
            "BuildKit MaintainerDeprecated",
            "hadolint DL4000",
            "checkov CKV_DOCKER_6",
            "trivy DS-0022",
            "dockerfile_lint maintainer_deprecated",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nMAINTAINER equipo@example.com\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nLABEL org.opencontainers.image.authors=\"equipo@example.com\"\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: maintainer,
    },
    Rule {
        id: "protocolo-en-mayusculas",
        title: "el protocolo de `EXPOSE` va en mayúsculas",
        level: Level::Note,
        why: "Funciona, pero el constructor avisa: el protocolo se escribe en minúsculas.",
        fix: "escríbelo en minúsculas",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["BuildKit ExposeProtoCasing"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nEXPOSE 8000/TCP\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nEXPOSE 8000/tcp\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: protocol,
    },
];

fn maintainer(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for line in file.lines() {
            let Kind::Maintainer(word) = &line.instruction.kind else {
                continue;
            };
            let who = word.written.trim_matches('"');
            let finding = out.span(
                file.dockerfile,
                line.instruction.keyword_span,
                "`MAINTAINER` ya no se usa".to_owned(),
            );
            if !who.contains(['"', '\\', '$', '\n']) {
                file.mend(
                    finding,
                    line.instruction.span,
                    format!("LABEL org.opencontainers.image.authors=\"{who}\""),
                );
            }
        }
    }
}

fn protocol(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for line in file.lines() {
            let Kind::Expose(words) = &line.instruction.kind else {
                continue;
            };
            for word in words {
                let Some((_, protocol)) = word.written.split_once('/') else {
                    continue;
                };
                let lower = protocol.to_lowercase();
                if protocol != lower && ["tcp", "udp", "sctp"].contains(&lower.as_str()) {
                    let finding = out.span(
                        file.dockerfile,
                        word.span,
                        format!("`{protocol}` se escribe `{lower}`"),
                    );
                    file.mend(finding, word.span, word.written.replace(protocol, &lower));
                }
            }
        }
    }
}
