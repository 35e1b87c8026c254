//! How packages of the system are installed.

use crate::rules::effects;
use crate::rules::files::{self, Line};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::known_images::System;
use crate::submission::shell::{Joined, Simple};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Instalar paquetes del sistema",
    rules: &RULES,
};

static RULES: [Rule; 4] = [
    Rule {
        id: "apt-update-suelto",
        title: "`apt-get update` va en un `RUN` distinto del que instala",
        level: Level::Warning,
        why: "La capa del `update` queda en caché: meses después el `install` usa una lista vieja y pide versiones que ya no existen.",
        fix: "únelos en un solo `RUN`: `apt-get update && apt-get install -y --no-install-recommends …`",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &[
            "checkov CKV_DOCKER_5",
            "trivy DS-0017",
            "dockle CIS-DI-0007",
            "dockerfilelint apt-get_update_require_install",
            "CIS 4.7",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN apt-get update\nRUN apt-get install -y --no-install-recommends curl\nCMD [\"curl\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\nCMD [\"curl\", \"-V\"]\n",
        )],
        check: lone_update,
    },
    Rule {
        id: "apt-install-sin-update",
        title: "se instalan paquetes sin traer antes su lista",
        level: Level::Error,
        why: "Las imágenes oficiales vienen sin la lista de paquetes: sin `apt-get update` en el mismo `RUN`, `apt-get` no encuentra ninguno.",
        fix: "escribe `apt-get update && apt-get install …` en el mismo `RUN`",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN apt-get install -y --no-install-recommends curl\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: no_update,
    },
    Rule {
        id: "apt-sin-y",
        title: "`apt-get install` se queda esperando una respuesta",
        level: Level::Warning,
        why: "Sin `-y`, `apt-get` pregunta antes de instalar lo que el paquete necesita; en una construcción nadie contesta y el paso falla.",
        fix: "añade `-y`",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &[
            "hadolint DL3014",
            "trivy DS-0021",
            "dockerfilelint apt-get_missing_param",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN apt-get update && apt-get install --no-install-recommends curl\nCMD [\"curl\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl\nCMD [\"curl\", \"-V\"]\n",
        )],
        check: no_yes,
    },
    Rule {
        id: "apt-interactivo",
        title: "un `RUN` usa `apt` y no `apt-get`",
        level: Level::Note,
        why: "`apt` avisa de que su salida y sus opciones pueden cambiar; para guiones está `apt-get`.",
        fix: "usa `apt-get`",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &["hadolint DL3027", "checkov CKV_DOCKER_9"],
        wrong: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN apt update && apt install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\nCMD [\"curl\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\nCMD [\"curl\", \"-V\"]\n",
        )],
        check: apt,
    },
];

/// Whether a command is `apt-get` or `apt` with that verb.
pub(super) fn is_apt(command: &Simple, verb: &str) -> bool {
    command.is("apt-get", verb) || command.is("apt", verb)
}

fn lone_update(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::runs(reading) {
        let commands = line.run();
        let only = commands
            .iter()
            .all(|command| is_apt(command, "update") || is_apt(command, "upgrade"));
        if !only || line.lends("/var/lib/apt") {
            continue;
        }
        let stage = line.instruction.stage.unwrap_or_default();
        let install = file.stage(stage).find(|other| {
            other.instruction.span > line.instruction.span
                && other.run().iter().any(|command| is_apt(command, "install"))
                && !other.run().iter().any(|command| is_apt(command, "update"))
        });
        if let (Some(install), Some(update)) = (install, commands.first()) {
            out.span(
                file.dockerfile,
                update.span,
                "la lista de paquetes queda en su propia capa".to_owned(),
            )
            .related(
                file.dockerfile.location(install.instruction.span),
                "aquí se usa".to_owned(),
            );
        }
    }
}

fn no_update(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::runs(reading) {
        let commands = line.run();
        let Some(at) = commands
            .iter()
            .position(|command| is_apt(command, "install"))
        else {
            continue;
        };
        let debian =
            |system| matches!(system, System::Debian | System::DebianFull | System::Ubuntu);
        let stage = line.instruction.stage.unwrap_or_default();
        if !file.known(stage).is_some_and(|base| debian(base.system)) || line.lends("/var/lib/apt")
        {
            continue;
        }
        // Whatever is not plainly something else may have brought the list.
        let brings = |command: &Simple| {
            is_apt(command, "update")
                || ![
                    "apt-get", "apt", "rm", "mkdir", "useradd", "groupadd", "pip", "chmod",
                    "chown", "echo",
                ]
                .iter()
                .any(|program| command.program() == Some(program))
        };
        let files_only = effects::packages(&commands[at]).is_none_or(|packages| {
            packages.is_empty()
                || packages
                    .iter()
                    .any(|word| word.expands || word.text.contains('/'))
        });
        if commands[..at].iter().any(brings) || files_only || commands[at].depth > 0 {
            continue;
        }
        let before = file.before(line);
        let removed = |line: &Line<'_>| {
            line.run().iter().any(|command| {
                command.program() == Some("rm")
                    && command
                        .args()
                        .iter()
                        .any(|word| word.text.starts_with("/var/lib/apt"))
            })
        };
        let earlier = before.iter().rev().find(|line| {
            line.is("RUN") && (!line.script.understood || line.run().iter().any(brings))
                || line
                    .transfer()
                    .is_some_and(|transfer| transfer.destination.text().starts_with("/var"))
        });
        let message = match earlier {
            None => "ningún `apt-get update` trae antes la lista de paquetes",
            Some(earlier)
                if removed(earlier) && earlier.run().iter().any(|c| is_apt(c, "update")) =>
            {
                "la lista de paquetes ya se borró en un `RUN` anterior"
            }
            Some(_) => continue,
        };
        out.span(file.dockerfile, commands[at].span, message.to_owned());
    }
}

fn no_yes(reading: &Reading, out: &mut Out<'_>) {
    /// They never come alone.
    const NEEDING: [&str; 12] = [
        "curl",
        "wget",
        "git",
        "gcc",
        "g++",
        "build-essential",
        "vim",
        "python3",
        "python3-pip",
        "nginx",
        "nodejs",
        "ffmpeg",
    ];
    for (file, line) in files::runs(reading) {
        let configured = line.run().iter().any(|command| {
            command
                .words
                .iter()
                .any(|word| word.text.to_lowercase().contains("assume-yes"))
                || command.program() == Some("yes")
        });
        for command in line
            .run()
            .iter()
            .filter(|command| is_apt(command, "install"))
        {
            let yes = command.has_short('y')
                || command.args().iter().any(|word| {
                    [
                        "--yes",
                        "--assume-yes",
                        "--force-yes",
                        "-qq",
                        "--dry-run",
                        "-s",
                        "--download-only",
                        "--print-uris",
                    ]
                    .contains(&word.text.as_str())
                        || word.text.starts_with("-q=2")
                        || word.expands && word.text.starts_with('$')
                });
            if yes
                || configured
                || command.joined == Joined::Pipe
                || command.redirects.iter().any(|r| r.operator == "<")
            {
                continue;
            }
            // Nothing is asked where the package is there already.
            let base = line.instruction.stage.and_then(|stage| file.known(stage));
            let lacks = |name: &str| {
                base.is_some_and(|base| {
                    matches!(base.system, System::Debian | System::Ubuntu)
                        && base.has(name) != Some(true)
                })
            };
            let needing = effects::packages(command).and_then(|packages| {
                packages
                    .into_iter()
                    .find(|word| NEEDING.contains(&word.text.as_str()) && lacks(&word.text))
            });
            let configured_before = file.before(line).iter().any(|line| {
                line.transfer()
                    .is_some_and(|transfer| transfer.destination.text().contains("/etc"))
                    || line.run().iter().any(|command| {
                        command
                            .redirects
                            .iter()
                            .any(|r| r.target.text.contains("/etc/apt"))
                    })
            });
            if configured_before {
                continue;
            }
            let message =
                "`apt-get install` pregunta si continúa, y al construir no hay quien conteste";
            let finding = out.span(file.dockerfile, command.span, message.to_owned());
            if needing.is_some() {
                finding.level(Level::Error);
            }
        }
    }
}

fn apt(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::runs(reading) {
        let used = || {
            line.run()
                .iter()
                .filter(|command| command.program() == Some("apt"))
        };
        if let Some(word) = used().next().and_then(Simple::program_word) {
            let finding = out.span(
                file.dockerfile,
                word.span,
                "`apt` avisa de que su interfaz no es estable".to_owned(),
            );
            if used().count() == 1 {
                file.mend(finding, word.span, "apt-get");
            }
        }
    }
}
