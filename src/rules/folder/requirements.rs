//! The list of dependencies: whether the image has it when it installs them, and whether it fixes what is installed.

use super::copies::{self, Copied};
use super::wording::listed;
use crate::rules::files::{self, File, Line};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::location::Location;
use crate::submission::reading::ImageBuild;
use crate::submission::shell::{ShellWord, Simple};
use crate::submission::snapshot::Entry;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "La lista de dependencias",
    rules: &RULES,
};

static RULES: [Rule; 2] = [
    Rule {
        id: "requirements-sin-copiar",
        title: "se instalan dependencias de un archivo que aún no está en la imagen",
        level: Level::Error,
        why: "`RUN` solo ve lo que la imagen ya tiene: si la lista se copia después, o no se copia, `pip` no la encuentra y la construcción se detiene.",
        fix: "copia la lista justo antes: `COPY requirements.txt .`",
        lesson: "08-buenas-practicas.html#optimizacion-de-cache",
        equivalents: &[],
        wrong: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nRUN pip install --no-cache-dir -r requirements.txt\nCOPY . .\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
            ),
            (".dockerignore", ".git\n"),
            ("requirements.txt", "fastapi==0.115.0\n"),
        ],
        right: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\nCOPY . .\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
            ),
            (".dockerignore", ".git\n"),
            ("requirements.txt", "fastapi==0.115.0\n"),
        ],
        check: not_copied,
    },
    Rule {
        id: "dependencias-sin-fijar",
        title: "la lista de dependencias no fija versiones",
        level: Level::Note,
        why: "Sin versión, cada construcción instala la más nueva de ese día: la misma carpeta da imágenes distintas, y un modelo guardado puede no cargar.",
        fix: "escribe la versión con la que funciona: `pip freeze` te la dice",
        lesson: "08-buenas-practicas.html#optimizacion-de-cache",
        equivalents: &[],
        wrong: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
            ),
            (
                "requirements.txt",
                "fastapi==0.115.0\nscikit-learn\nuvicorn[standard]  # servidor\n",
            ),
        ],
        right: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
            ),
            (
                "requirements.txt",
                "fastapi==0.115.0\nscikit-learn==1.5.2\nuvicorn[standard]==0.30.6  # servidor\n",
            ),
        ],
        check: unpinned,
    },
];

/// One `pip install -r`.
struct Install<'r> {
    build: &'r ImageBuild,
    file: File<'r>,
    line: Line<'r>,
    command: &'r Simple,
    list: &'r ShellWord,
}

impl Install<'_> {
    fn name(&self) -> &str {
        let text = &self.list.text;
        text.rsplit('/').next().unwrap_or(text)
    }
}

fn installs(reading: &Reading) -> Vec<Install<'_>> {
    let mut found = Vec::new();
    for build in copies::builds(reading) {
        let Some(file) = files::of_build(reading, build) else {
            continue;
        };
        let built = copies::stages_built(file.dockerfile, build);
        let lines = file.lines().filter(|line| {
            line.instruction
                .stage
                .is_some_and(|stage| built.contains(&stage))
        });
        for line in lines {
            for command in line.run().iter().filter(|command| is_pip_install(command)) {
                let args = command.args();
                let lists = args.iter().enumerate().filter_map(|(index, word)| {
                    let next = args.get(index + 1);
                    matches!(word.text.as_str(), "-r" | "--requirement")
                        .then_some(next)
                        .flatten()
                });
                found.extend(
                    lists
                        .filter(|list| !list.expands && !list.text.contains("://"))
                        .map(|list| Install {
                            build,
                            file,
                            line,
                            command,
                            list,
                        }),
                );
            }
        }
    }
    found
}

fn is_pip_install(command: &Simple) -> bool {
    match command.program() {
        Some("pip" | "pip3") => command.verb() == Some("install"),
        Some("python" | "python3") => command.has_arg("pip") && command.has_arg("install"),
        _ => false,
    }
}

fn not_copied(reading: &Reading, out: &mut Out<'_>) {
    for install in installs(reading) {
        let Some(stage) = install.line.instruction.stage else {
            continue;
        };
        let workdir = copies::workdir_at(install.file.dockerfile, install.line.instruction);
        let Some(list) = copies::absolute(&install.list.text, workdir.as_deref()) else {
            continue;
        };
        let moved = install.line.run().iter().any(|command| {
            matches!(command.program(), Some("cd" | "pushd"))
                || command.span < install.command.span && may_make(command, install.name())
        });
        let lent = !install.line.instruction.flags.is_empty();
        let before = install.file.before(install.line);
        let brought = before
            .iter()
            .any(|line| may_bring(reading, &install, *line, &list));
        if moved || lent || brought || install.file.known(stage).is_none() {
            continue;
        }
        // A Dockerfile that copies nothing at all is a fragment of one.
        let lines = install.file.lineage(stage);
        if lines.iter().all(|line| line.transfer().is_none()) {
            continue;
        }
        let later = lines.iter().find(|line| {
            line.instruction.span > install.line.instruction.span
                && may_bring(reading, &install, **line, &list)
                && line.transfer().is_some()
        });
        let finding = out.span(
            install.file.dockerfile,
            install.list.span,
            format!(
                "la imagen aún no tiene `{}` en este paso",
                install.list.text
            ),
        );
        if let Some(later) = later {
            finding.related(
                install.file.dockerfile.location(later.instruction.span),
                "se copia después, aquí",
            );
        }
        if install.name() != "requirements.txt" {
            finding.help(format!(
                "copia la lista justo antes: `COPY {} .`",
                install.list.text
            ));
        }
    }
}

/// Whether a line may put a file at `list` in the image.
fn may_bring(reading: &Reading, install: &Install<'_>, line: Line<'_>, list: &str) -> bool {
    if let Some(transfer) = line.transfer() {
        let at = copies::workdir_at(install.file.dockerfile, line.instruction);
        let Some(destination) = transfer
            .destination
            .value
            .as_deref()
            .and_then(|path| copies::absolute(path, at.as_deref()))
        else {
            return true;
        };
        if !copies::is_below(list, destination.trim_end_matches('/')) {
            return false;
        }
        // One file of the context that is called otherwise is not it; all else may be.
        let name = list.rsplit('/').next().unwrap_or(list);
        return destination == list
            || transfer.from.is_some()
            || !line.instruction.heredocs.is_empty()
            || transfer.sources.iter().any(|source| {
                let text = source.text();
                let clean = crate::submission::dockerignore::clean(&format!("/{text}"));
                let path = copies::in_context(install.build, clean.trim_start_matches('/'));
                let plain = source.value.is_some() && !text.contains(['*', '?', '[']);
                let is_file = matches!(
                    reading.snapshot.entry(&path),
                    Some(Entry::File { .. } | Entry::Unread)
                );
                text.rsplit('/').next() == Some(name) || !(plain && is_file) || line.is("ADD")
            });
    }
    let name = list.rsplit('/').next().unwrap_or(list);
    let put_off = line.is("ONBUILD");
    put_off
        || line.is("RUN")
            && (!line.script.understood || line.run().iter().any(|command| may_make(command, name)))
}

/// Whether a command may write a file of that name.
fn may_make(command: &Simple, name: &str) -> bool {
    const HARMLESS: [&str; 18] = [
        "apt-get",
        "apt",
        "apk",
        "pip",
        "pip3",
        "mkdir",
        "chmod",
        "chown",
        "useradd",
        "groupadd",
        "adduser",
        "addgroup",
        "rm",
        "set",
        "echo",
        "true",
        "export",
        "locale-gen",
    ];
    let mut words = command
        .words
        .iter()
        .chain(command.redirects.iter().map(|redirect| &redirect.target));
    let named = words.any(|word| word.text.contains(name) || word.expands);
    let itself = is_pip_install(command) && command.redirects.is_empty();
    (named && !itself)
        || !command.words.is_empty()
            && !command
                .program()
                .is_some_and(|program| HARMLESS.contains(&program) || itself)
}

fn unpinned(reading: &Reading, out: &mut Out<'_>) {
    for install in installs(reading) {
        let constrained = ["-c", "--constraint", "--require-hashes"]
            .iter()
            .any(|option| {
                install.command.option(option).is_some() || install.command.has_arg(option)
            });
        let by_variable = install.file.lines().any(|line| {
            line.instruction
                .pairs()
                .iter()
                .any(|pair| pair.name.text() == "PIP_CONSTRAINT")
        });
        if constrained || by_variable {
            continue;
        }
        let copies = copies::of_build(reading, install.build);
        let Some(path) = copies
            .iter()
            .find_map(|copied| source_of(reading, copied, install.name()))
        else {
            continue;
        };
        let Some(bytes) = reading.snapshot.file(&path) else {
            continue;
        };
        let text = String::from_utf8_lossy(bytes);
        let open: Vec<(usize, &str)> = text
            .lines()
            .enumerate()
            .filter_map(|(index, line)| Some((index + 1, open_name(line)?)))
            .collect();
        let Some((line, _)) = open.first() else {
            continue;
        };
        let names = listed(open.iter().map(|(_, name)| *name));
        let what = if open.len() == 1 {
            "no fija su versión"
        } else {
            "no fijan su versión"
        };
        out.at(Location::line(path, *line), format!("{names} {what}"))
            .related(
                install.file.dockerfile.location(install.list.span),
                "aquí se instalan",
            );
    }
}

/// The file called `name` that a copy brings out of the context.
fn source_of(reading: &Reading, copied: &Copied<'_>, name: &str) -> Option<String> {
    copied.sources().iter().find_map(|source| {
        let path = if source.is_broad() {
            name.to_owned()
        } else {
            (source.path.rsplit('/').next() == Some(name)).then(|| source.path.clone())?
        };
        let at = copied.in_snapshot(&path);
        reading.snapshot.file(&at).is_some().then_some(at)
    })
}

/// The name of a dependency that a line leaves open.
fn open_name(line: &str) -> Option<&str> {
    let line = line.split(" #").next().unwrap_or(line);
    let line = line.split(';').next().unwrap_or(line).trim();
    let is_name = line.starts_with(|c: char| c.is_ascii_alphanumeric());
    if !is_name
        || line.contains("://")
        || line.contains('/')
        || line.contains(" @ ")
        || line.ends_with('\\')
    {
        return None;
    }
    let end = line
        .find(['=', '<', '>', '!', '~', ' ', '['])
        .unwrap_or(line.len());
    let name = &line[..end];
    let bounded = ["==", "~=", "<", "@"]
        .iter()
        .any(|sign| line.contains(sign));
    let is_file = [".txt", ".whl", ".gz", ".zip"]
        .iter()
        .any(|end| name.ends_with(end));
    (!bounded && !is_file && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_an_upper_bound_or_a_place_is_not_left_open() {
        for fixed in [
            "fastapi==0.115.0",
            "numpy>=1.26,<2",
            "pydantic~=2.8",
            "mi-paquete @ https://example.com/x.whl",
            "-r otro.txt",
            "--index-url https://example.com",
            "./vendor/x.whl",
            "# fastapi",
            "",
            "fastapi==0.115.0 \\",
        ] {
            assert_eq!(open_name(fixed), None, "{fixed}");
        }
        assert_eq!(open_name("uvicorn[standard]  # servidor"), Some("uvicorn"));
        assert_eq!(open_name("torch>=2.0"), Some("torch"));
        assert_eq!(
            open_name("scikit-learn ; python_version > '3.8'"),
            Some("scikit-learn")
        );
    }
}
