//! Failures of a `RUN` that nobody notices.

use crate::rules::files::{self};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::shell::Joined;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Fallos que no se ven al construir",
    rules: &RULES,
};

static RULES: [Rule; 2] = [
    Rule {
        id: "tuberia-que-oculta-el-fallo",
        title: "el `RUN` sigue aunque falle lo que hay antes de `|`",
        level: Level::Warning,
        why: "De una tubería el shell solo mira la última orden: si `curl` falla a la izquierda, el paso acaba bien y la imagen queda a medias.",
        fix: "descarga a un archivo y úsalo después (`curl -fsSLo x … && sh x`), o pon `SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]`",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &["hadolint DL4006"],
        wrong: &[(
            "Dockerfile",
            "FROM node:22\nRUN curl -fsSL https://example.com/x.sh | sh\nUSER node\nCMD [\"node\", \"-v\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM node:22\nSHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]\nRUN curl -fsSL https://example.com/x.sh | sh\nUSER node\nCMD [\"node\", \"-v\"]\n",
        )],
        check: pipe,
    },
    Rule {
        id: "heredoc-sigue-tras-un-fallo",
        title: "el bloque `<<EOF` sigue aunque falle una orden",
        level: Level::Warning,
        why: "El shell que ejecuta un bloque no se para en la primera orden que falla: solo cuenta la última.",
        fix: "empieza el bloque con `set -e`",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN <<EOF\npip install --no-cache-dir -r /r.txt\nmkdir /datos\nEOF\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN <<EOF\nset -e\npip install --no-cache-dir -r /r.txt\nmkdir /datos\nEOF\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: heredoc,
    },
];

fn pipe(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::runs(reading).filter(|(_, line)| !line.script.pipefail) {
        let commands = line.run();
        for pair in commands.windows(2) {
            let download = matches!(pair[0].program(), Some("curl" | "wget"));
            let right = matches!(
                pair[1].program(),
                Some(
                    "sh" | "bash"
                        | "python"
                        | "python3"
                        | "gpg"
                        | "apt-key"
                        | "tee"
                        | "node"
                        | "php"
                )
            );
            if download && right && pair[1].joined == Joined::Pipe && !pair[0].substituted {
                let program = pair[0].program().unwrap_or_default();
                out.span(
                    file.dockerfile,
                    pair[0].span.to(pair[1].span),
                    format!("si `{program}` falla, el paso acaba bien igual"),
                );
            }
        }
    }
}

fn heredoc(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::runs(reading) {
        let commands = line.run();
        let only_body = line.instruction.heredocs.len() == 1
            && commands
                .first()
                .is_some_and(|first| first.span.start >= line.instruction.heredocs[0].body.start);
        if !only_body || line.script.stops_at_failure || !line.script.through_shell {
            continue;
        }
        let sets = commands.iter().any(|command| {
            command.program() == Some("set") && command.has_short('e') || command.has_arg("errexit")
        });
        let lost = commands.iter().enumerate().find(|(at, command)| {
            let may_fail = !matches!(
                command.program(),
                Some("echo" | "export" | "set" | ":" | "true" | "umask" | "cd") | None
            );
            let next = commands[at + 1..].iter().find(|next| !next.substituted);
            // What follows an update needs it, and fails without it.
            let updates = matches!(command.program(), Some("apt-get" | "apt" | "apk"))
                && command.verb() == Some("update");
            command.depth == 0
                && may_fail
                && !updates
                && next.is_some_and(|next| next.joined == Joined::Then && next.depth == 0)
        });
        if let (Some((_, command)), false) = (lost, sets) {
            out.span(
                file.dockerfile,
                command.span,
                "si esta orden falla, las siguientes se ejecutan igual".to_owned(),
            );
        }
    }
}
