//! What `RUN` runs.

use super::effects;
use super::files::{self, File, Line};
use super::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::Kind;
use crate::submission::known_images::System;
use crate::submission::shell::{self, Joined, ShellWord, Simple};
use crate::verdict::Level;

pub(super) static TOPIC: Topic = Topic {
    title: "Lo que ejecuta RUN",
    rules: &RULES,
};

static RULES: [Rule; 9] = [
    Rule {
        id: "cd-que-no-dura",
        title: "`cd` al final de un `RUN` no sirve de nada",
        level: Level::Warning,
        why: "Cada `RUN` es un proceso nuevo que empieza en la carpeta de `WORKDIR`: el `cd` del anterior ya no vale.",
        fix: "usa `WORKDIR`, que vale para los pasos que siguen y para el contenedor",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["hadolint DL3003", "trivy DS-0013"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN cd /app\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nRUN cd /tmp && touch a\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: cd,
    },
    Rule {
        id: "export-que-no-dura",
        title: "lo que el `RUN` deja en su shell se pierde con ella",
        level: Level::Warning,
        why: "Cada `RUN` es una shell nueva: las variables de `export` y los entornos activados acaban con ella.",
        fix: "usa `ENV NOMBRE=valor`; para un entorno virtual, `ENV PATH=\"/opt/venv/bin:$PATH\"`",
        lesson: "03-optimizado.html#multi-stage-build",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN python -m venv /venv\nRUN . /venv/bin/activate\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN python -m venv /venv\nENV PATH=\"/venv/bin:$PATH\"\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: export,
    },
    Rule {
        id: "sudo-en-run",
        title: "`sudo` al construir",
        level: Level::Warning,
        why: "Al construir ya eres root, salvo detrás de `USER`; `sudo` no está en las imágenes oficiales y da al contenedor un camino de vuelta a root.",
        fix: "quítalo; si el paso va detrás de `USER`, ponlo delante",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[
            "hadolint DL3004",
            "checkov CKV2_DOCKER_1",
            "dockerfilelint sudo_usage",
            "dockle DKL-DI-0001",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN sudo mkdir /datos\nCMD [\"ls\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN mkdir /datos\nCMD [\"ls\"]\n",
        )],
        check: sudo,
    },
    Rule {
        id: "programa-que-no-esta",
        title: "un `RUN` usa un programa que la imagen no tiene",
        level: Level::Error,
        why: "Las imágenes `slim` y `alpine` traen lo justo: sin instalarlo antes, la shell no encuentra el programa y el paso falla.",
        fix: "instálalo en el mismo `RUN` o en uno anterior, o hazlo con lo que la imagen ya tiene",
        lesson: "03-optimizado.html#comparacion-de-tamanos",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN curl -fsSL -o /modelo https://example.com/modelo\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl && curl -fsSL -o /modelo https://example.com/modelo\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: absent,
    },
    Rule {
        id: "servidor-en-run",
        title: "un `RUN` arranca un servidor",
        level: Level::Error,
        why: "`RUN` se ejecuta al construir y espera a que la orden acabe; un servidor no acaba nunca. Lo que corre en el contenedor va en `CMD`.",
        fix: "cambia `RUN` por `CMD`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nRUN uvicorn app:app --host 0.0.0.0\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nUSER 10001\nCMD [\"uvicorn\", \"app:app\", \"--host\", \"0.0.0.0\"]\n",
        )],
        check: server,
    },
    Rule {
        id: "tuberia-que-oculta-el-fallo",
        title: "si la descarga falla, el `RUN` sigue como si nada",
        level: Level::Warning,
        why: "De una tubería la shell solo mira la última orden: si `curl` falla a la izquierda, el paso acaba bien y la imagen queda a medias.",
        fix: "descarga a un archivo y úsalo después (`curl -fsSLo x … && sh x`), o pon `SHELL [\"/bin/bash\", \"-o\", \"pipefail\", \"-c\"]`",
        lesson: "03-optimizado.html#multi-stage-build",
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
        why: "La shell que ejecuta un bloque no se para en la primera orden que falla: solo cuenta la última.",
        fix: "empieza el bloque con `set -e`",
        lesson: "03-optimizado.html#multi-stage-build",
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
    Rule {
        id: "pip-con-cache",
        title: "`pip` guarda su caché en la imagen",
        level: Level::Note,
        why: "Lo descargado queda en `/root/.cache/pip`, y dentro de la imagen ya no sirve.",
        fix: "añade `--no-cache-dir`, o `ENV PIP_NO_CACHE_DIR=1`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["hadolint DL3042", "kics f2f903fb"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: pip_cache,
    },
    Rule {
        id: "pip-sin-version",
        title: "`pip install` sin versión",
        level: Level::Note,
        why: "Sin versión se instala la de hoy: la misma construcción da mañana otra imagen, y quizá ya no funcione.",
        fix: "fija la versión (`fastapi==0.115.0`), mejor en un `requirements.txt`",
        lesson: "08-buenas-practicas.html#optimizacion-de-cache",
        equivalents: &["hadolint DL3013", "kics 02d9c71f"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN pip install --no-cache-dir fastapi uvicorn==0.30.0\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN pip install --no-cache-dir fastapi==0.115.0 uvicorn==0.30.0\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: pip_version,
    },
];

/// Every `RUN` that runs commands.
fn runs(reading: &Reading) -> impl Iterator<Item = (File<'_>, Line<'_>)> {
    files::all(reading).flat_map(|file| {
        file.lines()
            .filter(|line| !line.run().is_empty())
            .map(move |line| (file, line))
    })
}

/// The last command of a `RUN`, when it is no part of a block.
fn last(line: Line<'_>) -> Option<&Simple> {
    line.run().last().filter(|command| {
        command.depth == 0 && matches!(command.joined, Joined::First | Joined::And | Joined::Then)
    })
}

fn cd(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in runs(reading) {
        let Some(command) = last(line).filter(|_| line.script.through_shell) else {
            continue;
        };
        if command.program() == Some("cd") {
            let finding = out.span(
                file.dockerfile,
                command.span,
                "el paso siguiente vuelve a empezar en la carpeta de `WORKDIR`".to_owned(),
            );
            if let ([folder], 1) = (command.args(), line.run().len())
                && folder.text.starts_with('/')
                && !folder.expands
                && line.instruction.flags.is_empty()
            {
                file.mend(
                    finding,
                    line.instruction.span,
                    format!("WORKDIR {}", folder.text),
                );
            }
        }
    }
}

fn export(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in runs(reading) {
        let Some(command) = last(line).filter(|command| command.redirects.is_empty()) else {
            continue;
        };
        let lost = match command.program() {
            Some("export" | "alias" | "unalias" | "ulimit" | "umask") => true,
            Some("source" | ".") => command.args().first().is_some_and(|word| {
                ["activate", ".env", ".bashrc", ".profile", ".bash_profile"]
                    .iter()
                    .any(|end| word.text.ends_with(end))
            }),
            Some("conda") => command.verb() == Some("activate"),
            None => {
                command.words.is_empty()
                    && !command.assignments.is_empty()
                    && !command
                        .assignments
                        .iter()
                        .any(|word| word.text.contains("$("))
            }
            _ => false,
        };
        if lost {
            let text = file.text(command.span);
            let text = text.lines().next().unwrap_or(text);
            out.span(
                file.dockerfile,
                command.span,
                format!("lo que hace `{text}` acaba con este paso"),
            );
        }
    }
}

fn sudo(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in runs(reading) {
        let before = file.before(line);
        let mut earlier: Vec<&Simple> = Vec::new();
        for command in line.run() {
            if let Some(word) = command.sudo() {
                let base = line.instruction.stage.and_then(|stage| file.known(stage));
                let absent = base.is_some_and(|base| effects::is_absent(base, &before, "sudo"))
                    && !earlier
                        .iter()
                        .any(|command| effects::may_install(command, "sudo"))
                    && command.joined != Joined::Or;
                let user = before.iter().any(|line| line.is("USER"));
                let message = match (absent, user) {
                    (true, _) => "la imagen no tiene `sudo`: el paso falla",
                    (false, true) => "este paso corre como otro usuario y vuelve a root con `sudo`",
                    (false, false) => "aquí ya eres root: `sudo` no hace falta",
                };
                let finding = out.span(file.dockerfile, word.span, message.to_owned());
                if absent {
                    finding.level(Level::Error);
                }
                break;
            }
            earlier.push(command);
        }
    }
}

fn absent(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in runs(reading) {
        let Some(base) = line.instruction.stage.and_then(|stage| file.known(stage)) else {
            continue;
        };
        let commands = line.run();
        // An `ENV PATH` may lead anywhere.
        if line.lends_cache() && line.lends("/usr") {
            continue;
        }
        for (at, command) in commands.iter().enumerate() {
            let (Some(program), Some(word)) = (command.program(), command.program_word()) else {
                continue;
            };
            let fails = command.depth == 0
                && command.sudo().is_none()
                && !word.text.contains('/')
                && matches!(command.joined, Joined::First | Joined::And | Joined::Then)
                && !commands[at + 1..]
                    .iter()
                    .any(|next| next.joined == Joined::Or)
                && !commands[..at]
                    .iter()
                    .any(|c| matches!(c.program(), Some("alias")) || c.joined == Joined::Or);
            let goes_on = commands
                .get(at + 1)
                .is_some_and(|next| matches!(next.joined, Joined::Then | Joined::Pipe));
            let debian = matches!(base.system, System::Debian | System::DebianFull | System::Ubuntu);
            let bash = shell::shell_at(file.dockerfile, line.instruction).is_bash;
            let body = !line.instruction.heredocs.is_empty();
            if fails && program == "source" && debian && !bash && !body && command.words.len() > 1 {
                let message = "`source` es de bash, y el `sh` de esta imagen no lo conoce: ahí se escribe `.`";
                out.span(file.dockerfile, word.span, message.to_owned());
                continue;
            }
            if !fails
                || commands[..at]
                    .iter()
                    .any(|command| effects::may_install(command, program))
                || !effects::is_absent(base, &file.before(line), program)
            {
                continue;
            }
            let base_name = base.name;
            let finding = out.span(
                file.dockerfile,
                word.span,
                format!("`{program}` no está en esta imagen de `{base_name}` ni se instala antes"),
            );
            if goes_on && !line.script.stops_at_failure {
                finding.level(Level::Warning);
            }
        }
    }
}

fn server(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in runs(reading) {
        for command in line.run().iter().filter(|command| command.depth == 0) {
            let never_ends = match command.program() {
                Some("uvicorn" | "gunicorn" | "hypercorn" | "daphne") => true,
                Some("flask" | "streamlit" | "fastapi") => {
                    matches!(command.verb(), Some("run" | "dev"))
                }
                Some("python" | "python3") => {
                    let args: Vec<_> = command
                        .args()
                        .iter()
                        .map(|word| word.text.as_str())
                        .collect();
                    matches!(
                        args.as_slice(),
                        ["-m", "http.server" | "uvicorn" | "gunicorn", ..]
                    ) || args.starts_with(&["-m", "flask", "run"])
                        || args.starts_with(&["manage.py", "runserver"])
                }
                Some("npm" | "yarn" | "pnpm") => command.verb() == Some("start"),
                _ => false,
            };
            let asks = command.args().iter().any(|word| {
                [
                    "--help",
                    "-h",
                    "--version",
                    "-v",
                    "-V",
                    "--check-config",
                    "--print-config",
                    "-D",
                    "--daemon",
                ]
                .contains(&word.text.as_str())
            });
            let aside = command
                .words
                .first()
                .is_some_and(|word| word.text == "timeout")
                || file.text(line.instruction.span).contains(" &")
                    && !file
                        .text(line.instruction.span)
                        .replace("&&", "")
                        .trim_end()
                        .is_empty()
                    && file
                        .text(line.instruction.span)
                        .replace("&&", "")
                        .contains('&');
            if never_ends && !asks && !aside {
                let text = command.program_word().map_or("", |word| word.text.as_str());
                out.span(
                    file.dockerfile,
                    command.span,
                    format!("`{text}` no acaba nunca, y la construcción se queda aquí"),
                );
            }
        }
    }
}

fn pipe(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in runs(reading).filter(|(_, line)| !line.script.pipefail) {
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
                    format!("si `{program}` falla, nadie se entera"),
                );
            }
        }
    }
}

fn heredoc(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in runs(reading) {
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
            command.depth == 0
                && may_fail
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

/// What a `pip install` is given.
fn pip_install(command: &Simple) -> Option<&[ShellWord]> {
    let args = command.args();
    match command.program()? {
        "pip" | "pip3" => (command.verb() == Some("install")).then_some(args),
        "python" | "python3" => {
            let at = args.iter().position(|word| word.text == "pip")?;
            let module = at > 0 && args[at - 1].text == "-m";
            (module && args.get(at + 1).is_some_and(|word| word.text == "install"))
                .then(|| &args[at + 1..])
        }
        _ => None,
    }
}

fn pip_cache(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in runs(reading) {
        let Some(stage) = line
            .instruction
            .stage
            .filter(|stage| file.kept().contains(stage))
        else {
            continue;
        };
        let span = line.instruction.span;
        let cleaned = line.run().iter().any(|command| {
            command
                .words
                .iter()
                .chain(&command.assignments)
                .any(|word| word.text.contains(".cache") || word.text.contains("PIP_NO_CACHE_DIR"))
                || command
                    .args()
                    .windows(2)
                    .any(|two| two[0].text == "cache" && two[1].text == "purge")
        });
        let arg = file.lineage(stage).into_iter().any(|line| {
            matches!(line.instruction.kind, Kind::Arg(_))
                && line
                    .instruction
                    .pairs()
                    .iter()
                    .any(|pair| pair.name.text() == "PIP_NO_CACHE_DIR")
        });
        if cleaned || arg || line.lends_cache() || file.sets(stage, "PIP_NO_CACHE_DIR", Some(span))
        {
            continue;
        }
        for command in line.run() {
            let Some(args) = pip_install(command) else {
                continue;
            };
            let told = args.iter().any(|word| {
                ["--no-cache-dir", "--no-index", "--no-cache"].contains(&word.text.as_str())
                    || word.expands && word.text.starts_with('$')
            });
            if !told && !command.has_arg("--no-cache-dir") {
                out.span(
                    file.dockerfile,
                    command.span,
                    "lo que `pip` descarga queda también en la imagen".to_owned(),
                );
            }
        }
    }
}

fn pip_version(reading: &Reading, out: &mut Out<'_>) {
    const VALUED: [&str; 14] = [
        "-r",
        "--requirement",
        "-e",
        "--editable",
        "-t",
        "--target",
        "-i",
        "--index-url",
        "--extra-index-url",
        "-f",
        "--find-links",
        "--prefix",
        "--root",
        "--platform",
    ];
    for (file, line) in runs(reading) {
        for command in line.run() {
            let Some(args) = pip_install(command) else {
                continue;
            };
            if args.iter().any(|word| {
                word.text == "-c"
                    || word.text.starts_with("--constraint")
                    || word.text == "--no-index"
            }) {
                continue;
            }
            let mut skip = true;
            for word in args {
                let valued = VALUED.contains(&word.text.as_str());
                if std::mem::replace(&mut skip, valued) || valued || word.expands {
                    continue;
                }
                let name = word.text.as_str();
                let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && name
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "-_.[],".contains(c))
                    && ![".txt", ".whl", ".gz", ".zip"]
                        .iter()
                        .any(|end| name.ends_with(end));
                let tools = [
                    "pip",
                    "setuptools",
                    "wheel",
                    "install",
                    "uv",
                    "poetry",
                    "pipenv",
                    "pip-tools",
                    "build",
                    "virtualenv",
                ];
                if plain && !tools.contains(&name) {
                    out.span(
                        file.dockerfile,
                        word.span,
                        format!("`{name}` no dice qué versión"),
                    );
                }
            }
        }
    }
}
