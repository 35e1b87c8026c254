//! The script that starts the container, looked at together with how the image gets and starts it.

use super::copies::{self, InImage};
use crate::rules::compose::official;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::{Dockerfile, Instruction, Kind};
use crate::submission::location::{Location, Span};
use crate::submission::reading::ImageBuild;
use crate::submission::shell::{Script, Simple};
use crate::submission::snapshot::Entry;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "El guion de arranque",
    rules: &RULES,
};

const STARTS: &str = "FROM python:3.11-slim\nWORKDIR /app\nCOPY arranca.sh .\nRUN chmod +x arranca.sh\nENTRYPOINT [\"./arranca.sh\"]\nCMD [\"python\", \"-m\", \"http.server\"]\n";

static RULES: [Rule; 4] = [
    Rule {
        id: "guion-con-crlf",
        title: "el guion de arranque tiene finales de línea de Windows",
        level: Level::Error,
        why: "Linux lee el `\\r` del final como parte del nombre del intérprete: busca `/bin/sh\\r`, no lo encuentra y dice «no such file or directory».",
        fix: "guárdalo con finales de línea LF y pon `*.sh text eol=lf` en `.gitattributes`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[
            ("Dockerfile", STARTS),
            ("arranca.sh", "#!/bin/sh\r\nset -e\r\nexec \"$@\"\r\n"),
        ],
        right: &[
            ("Dockerfile", STARTS),
            ("arranca.sh", "#!/bin/sh\nset -e\nexec \"$@\"\n"),
        ],
        check: carriage_returns,
    },
    Rule {
        id: "guion-sin-interprete",
        title: "el guion de arranque no dice con qué se ejecuta",
        level: Level::Error,
        why: "En la forma exec no hay shell que adivine: sin `#!` al principio, Linux no sabe ejecutar el archivo y dice «exec format error».",
        fix: "empieza el guion con `#!/bin/sh`, sin nada delante",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[
            ("Dockerfile", STARTS),
            ("arranca.sh", "set -e\nexec \"$@\"\n"),
        ],
        right: &[
            ("Dockerfile", STARTS),
            ("arranca.sh", "#!/bin/sh\nset -e\nexec \"$@\"\n"),
        ],
        check: interpreter,
    },
    Rule {
        id: "guion-sin-permiso",
        title: "el guion de arranque no se puede ejecutar",
        level: Level::Error,
        why: "`COPY` conserva los permisos del archivo: sin el de ejecución, el contenedor no arranca y dice «permission denied».",
        fix: "cópialo con `COPY --chmod=755`, o añade `RUN chmod +x` detrás; en git, `git update-index --chmod=+x`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY arranca.sh .\nENTRYPOINT [\"./arranca.sh\"]\n",
            ),
            ("arranca.sh", "#!/bin/sh\nset -e\nexec \"$@\"\n"),
        ],
        right: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY --chmod=755 arranca.sh .\nENTRYPOINT [\"./arranca.sh\"]\n",
            ),
            ("arranca.sh", "#!/bin/sh\nset -e\nexec \"$@\"\n"),
        ],
        check: permission,
    },
    Rule {
        id: "guion-sin-exec",
        title: "el guion de arranque no cede su sitio a la aplicación",
        level: Level::Warning,
        why: "Sin `exec`, el proceso 1 es el shell, que no pasa SIGTERM: `docker stop` espera 10 segundos y mata la aplicación a medias.",
        fix: "pon `exec` delante de la última orden",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[
            ("Dockerfile", STARTS),
            ("arranca.sh", "#!/bin/sh\nset -e\n\"$@\"\n"),
        ],
        right: &[
            ("Dockerfile", STARTS),
            ("arranca.sh", "#!/bin/sh\nset -e\nexec \"$@\"\n"),
        ],
        check: no_exec,
    },
];

/// How a script is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// As it is, by the kernel.
    Kernel,
    /// By name from a shell, which runs what the kernel does not know itself.
    Shell,
    /// Given to a shell as its argument.
    Interpreter,
}

/// A file of the context that starts the container.
struct Started<'r> {
    dockerfile: &'r Dockerfile,
    build: &'r ImageBuild,
    /// Where it is named.
    span: Span,
    by: By,
    file: InImage<'r>,
    bytes: &'r [u8],
    executable: bool,
}

impl Started<'_> {
    fn name(&self) -> &str {
        self.file.path.rsplit('/').next().unwrap_or(&self.file.path)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes).into_owned()
    }

    /// Whether a `RUN` may change what is asked of it with one of `programs`.
    fn is_changed_by(&self, reading: &Reading, programs: &[&str]) -> bool {
        let scripts = &reading.scripts[self.build.dockerfile];
        let kept = copies::stages_kept(self.dockerfile, self.build);
        let runs = self.dockerfile.instructions.iter().zip(scripts);
        runs.filter(|(instruction, _)| {
            matches!(instruction.kind, Kind::Run(_))
                && instruction.stage.is_some_and(|stage| kept.contains(&stage))
                && self.file.instruction.span < instruction.span
        })
        .any(|(_, script)| {
            !script.understood
                || script.commands.iter().any(|command| {
                    // Who changes one file, whatever it is called, may well change this one.
                    matches!(command.program(), None | Some("find" | "xargs" | "make"))
                        || command.program().is_some_and(|program| {
                            programs.contains(&program) && self.may_be_meant(command)
                        })
                })
        })
    }

    fn may_be_meant(&self, command: &Simple) -> bool {
        command.args().iter().any(|word| {
            word.expands
                || word.text.contains('*')
                || word.text.ends_with(self.name())
                || word.text == "-R"
                || word.text == "--recursive"
        })
    }
}

fn started(reading: &Reading) -> Vec<Started<'_>> {
    let found = reading.builds.iter().filter_map(|build| {
        let dockerfile = &reading.dockerfiles[build.dockerfile];
        let (instruction, script) = starter(reading, dockerfile, build)?;
        let service = build.service.as_ref().and_then(|(project, name)| {
            reading
                .services()
                .find(|(index, _, service)| index == project && service.name == *name)
                .map(|(_, _, service)| service)
        });
        let replaced = service.is_some_and(|service| {
            service.entrypoint.is_some()
                || (instruction.is("CMD") && service.command.is_some())
                || service.working_dir.is_some()
        });
        let (word, by) = named(&script)?;
        // The images of `node` and distroless hand such a `CMD` to their own program, which needs no permission.
        let own = instruction.is("CMD")
            && by == By::Kernel
            && !official::build_is(reading, build, "ENTRYPOINT", |image| {
                image.has_no_entrypoint()
            });
        if replaced || own {
            return None;
        }
        let (text, span) = (word.0, word.1);
        let workdir = copies::workdir_of(dockerfile, copies::last_stage(dockerfile, build)?);
        let candidates: Vec<String> = if text.contains('/') || by == By::Interpreter {
            copies::absolute(&text, workdir.as_deref())
                .into_iter()
                .collect()
        } else {
            let folders = [
                "/usr/local/sbin",
                "/usr/local/bin",
                "/usr/sbin",
                "/usr/bin",
                "/sbin",
                "/bin",
            ];
            folders.map(|folder| format!("{folder}/{text}")).to_vec()
        };
        let mut files = copies::image_files(reading, build);
        let at = candidates.into_iter().find(|at| files.contains_key(at))?;
        let mounted = service.is_some_and(|service| {
            service
                .volumes
                .iter()
                .any(|mount| copies::is_below(&at, mount.target.trim_end_matches('/')))
        });
        let file = files.remove(&at).filter(|_| !mounted)?;
        let Some(Entry::File { bytes, executable }) = reading.snapshot.entry(&file.path) else {
            return None;
        };
        let executable = *executable;
        Some(Started {
            dockerfile,
            build,
            span,
            by,
            file,
            bytes,
            executable,
        })
    });
    found.collect()
}

/// What starts the image, and what it runs.
fn starter<'r>(
    reading: &Reading,
    dockerfile: &'r Dockerfile,
    build: &ImageBuild,
) -> Option<(&'r Instruction, Script)> {
    let kept = copies::stages_kept(dockerfile, build);
    let last = |keyword: &str| {
        kept.iter().find_map(|stage| {
            let instructions = dockerfile.stage_instructions(*stage);
            instructions.filter(|one| one.is(keyword)).last()
        })
    };
    let instruction = last("ENTRYPOINT").or_else(|| last("CMD"))?;
    let index = dockerfile
        .instructions
        .iter()
        .position(|one| std::ptr::eq(one, instruction))?;
    let script = reading.scripts[build.dockerfile].get(index)?.clone();
    Some((instruction, script))
}

/// The script that a command starts, and how.
fn named(script: &Script) -> Option<((String, Span), By)> {
    let [command] = script.commands.as_slice() else {
        return None;
    };
    let mut words = command.words.iter().skip_while(|word| word.text == "exec");
    let mut word = words.next()?;
    let base = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
    let mut by = if script.through_shell {
        By::Shell
    } else {
        By::Kernel
    };
    if matches!(base(&word.text).as_str(), "tini" | "dumb-init") {
        word = words.find(|word| !word.text.starts_with('-'))?;
        by = By::Kernel;
    }
    if matches!(base(&word.text).as_str(), "sh" | "bash" | "dash" | "ash") {
        word = words.next()?;
        while word.text.starts_with('-') && !word.text.contains('c') {
            word = words.next()?;
        }
        if word.text.starts_with('-') {
            return None;
        }
        by = By::Interpreter;
    }
    (!word.expands).then(|| ((word.text.clone(), word.span), by))
}

fn carriage_returns(reading: &Reading, out: &mut Out<'_>) {
    for started in started(reading) {
        let text = started.text();
        let shebang = text
            .split('\n')
            .next()
            .is_some_and(|line| line.starts_with("#!") && line.ends_with('\r'));
        let anywhere = text.contains("\r\n");
        let wrong = match started.by {
            By::Kernel | By::Shell => shebang,
            By::Interpreter => anywhere,
        };
        let changes = ["dos2unix", "sed", "tr", "perl", "awk", "python", "python3"];
        if !wrong || started.is_changed_by(reading, &changes) {
            continue;
        }
        let finding = out.at(
            Location::line(started.file.path.clone(), 1),
            format!(
                "`{}` tiene finales de línea de Windows (CRLF), y con ellos no arranca",
                started.name()
            ),
        );
        finding.related(started.dockerfile.location(started.span), "aquí se arranca");
        if started.by == By::Interpreter {
            finding.level(Level::Warning).message = format!(
                "`{}` tiene finales de línea de Windows (CRLF): el shell toma el `\\r` por parte de cada orden",
                started.name()
            );
        }
    }
}

fn interpreter(reading: &Reading, out: &mut Out<'_>) {
    for started in started(reading) {
        let text = started.bytes;
        let is_text = std::str::from_utf8(text).is_ok_and(|text| !text.contains('\0'));
        if started.by != By::Kernel || !is_text || text.starts_with(b"#!") {
            continue;
        }
        if started.is_changed_by(
            reading,
            &[
                "sed", "tr", "perl", "awk", "dos2unix", "cat", "printf", "echo", "tee", "mv", "cp",
            ],
        ) {
            continue;
        }
        let name = started.name();
        let visible = started.text();
        let hidden = visible.trim_start_matches('\u{feff}').trim_start();
        let message = if hidden.starts_with("#!") {
            format!(
                "delante del `#!` de `{name}` hay algo (una marca de orden de bytes, un espacio o una línea vacía): Linux no lo reconoce"
            )
        } else {
            format!("`{name}` no empieza por `#!`, y la forma exec lo ejecuta sin shell")
        };
        out.at(Location::line(started.file.path.clone(), 1), message)
            .related(started.dockerfile.location(started.span), "aquí se ejecuta");
    }
}

fn permission(reading: &Reading, out: &mut Out<'_>) {
    // Where there are no such permissions, none is missing.
    if cfg!(windows) {
        return;
    }
    for started in started(reading) {
        let given = started.file.instruction.flag("chmod").is_some();
        if started.by == By::Interpreter
            || started.executable
            || given
            || started.is_changed_by(reading, &["chmod", "install", "cp", "mv", "setfacl"])
        {
            continue;
        }
        out.span(
            started.dockerfile,
            started.span,
            format!("`{}` no tiene permiso de ejecución", started.file.path),
        )
        .related(
            started.dockerfile.location(started.file.instruction.span),
            "aquí se copia, con los permisos que tiene",
        );
    }
}

/// Programs that go on until they are stopped.
const SERVERS: [&str; 12] = [
    "celery",
    "daphne",
    "flask",
    "granian",
    "gunicorn",
    "hypercorn",
    "java",
    "jupyter",
    "mlflow",
    "node",
    "streamlit",
    "uvicorn",
];

fn no_exec(reading: &Reading, out: &mut Out<'_>) {
    for started in started(reading) {
        let text = started.text();
        let first = text.lines().next().unwrap_or_default();
        let is_shell = started.by == By::Interpreter
            || (first.starts_with("#!")
                && ["sh", "bash", "dash", "ash"]
                    .iter()
                    .any(|name| first.split(['/', ' ']).any(|part| part.trim() == *name)));
        // Who handles signals, or leaves the application in the background, knows what to do with them.
        let handles = text.contains("trap ") || text.contains("wait");
        if !is_shell || handles {
            continue;
        }
        let Some((line, command)) = last_command(&text) else {
            continue;
        };
        let word = command.split_whitespace().next().unwrap_or_default();
        let arguments = matches!(word, "\"$@\"" | "$@" | "$*" | "\"${@}\"" | "${@}");
        let module = matches!(word, "python" | "python3")
            && [
                "-m http.server",
                "-m uvicorn",
                "-m gunicorn",
                "-m flask",
                "-m app",
                "manage.py runserver",
            ]
            .iter()
            .any(|server| command.contains(server));
        let joined = [";", "&&", "||", "|", "&"]
            .iter()
            .any(|sign| command.contains(sign));
        if joined || !(arguments || module || SERVERS.contains(&word)) {
            continue;
        }
        out.at(
            Location::line(started.file.path.clone(), line),
            format!(
                "`{}` arranca la aplicación sin `exec`: no le llegará la señal de parada",
                started.name()
            ),
        )
        .help(format!("escribe `exec {command}`"))
        .related(started.dockerfile.location(started.span), "aquí se arranca");
    }
}

/// The last line that does something, with its number, when it stands in no block and is not continued.
fn last_command(text: &str) -> Option<(usize, String)> {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let (index, line) = lines.iter().enumerate().rev().find(|(_, line)| {
        let empty = line.trim().is_empty() || line.trim_start().starts_with('#');
        // What only hands the application's code on does not count.
        !empty && !matches!(**line, "exit" | "exit $?" | "exit \"$?\"" | "exit 0")
    })?;
    let continued = index > 0 && lines[index - 1].ends_with('\\');
    let plain = !line.starts_with([' ', '\t']) && !continued && !text.contains("<<");
    plain.then(|| (index + 1, (*line).to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_command_is_one_that_stands_in_no_block() {
        let last = |text| last_command(text).map(|(line, _)| line);
        assert_eq!(last("#!/bin/sh\nset -e\n\"$@\"\n# fin\n\n"), Some(3));
        assert_eq!(last("#!/bin/sh\n\"$@\"\nexit $?\n"), Some(2));
        assert_eq!(last("if true; then\n  \"$@\"\nfi\n"), Some(3));
        assert_eq!(last("if true; then\n  \"$@\"\n"), None);
        assert_eq!(last("uvicorn \\\napp:app\n"), None);
    }
}
