//! What `COPY` takes out of the context: what is not there, and what should not come along.

use super::copies::{self, Copied, Source};
use super::{late_removal, secret_file};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::compose::Provider;
use crate::submission::dockerignore::{self, Dockerignore};
use crate::submission::location::Location;
use crate::submission::snapshot::Entry;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Lo que entra en la imagen",
    rules: &RULES,
};

const PUBLIC: &str =
    "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"main.py\"]\n";

static RULES: [Rule; 7] = [
    Rule {
        id: "copia-de-lo-ignorado",
        title: "se copia algo que `.dockerignore` deja fuera",
        level: Level::Error,
        why: "Lo que `.dockerignore` quita no llega al constructor: para él ese archivo no existe, y la construcción se detiene en el `COPY`.",
        fix: "quita esa línea de `.dockerignore`, o recupera el archivo con una excepción detrás",
        lesson: "03-optimizado.html#dockerignore",
        equivalents: &["BuildKit CopyIgnoredFile"],
        wrong: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nCOPY requirements.txt /app/\n",
            ),
            (".dockerignore", ".git\n*.txt\n"),
            ("requirements.txt", "fastapi==0.115.0\n"),
        ],
        right: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nCOPY requirements.txt /app/\n",
            ),
            (".dockerignore", ".git\n*.txt\n!requirements.txt\n"),
            ("requirements.txt", "fastapi==0.115.0\n"),
        ],
        check: ignored,
    },
    Rule {
        id: "copia-de-lo-que-no-esta",
        title: "se copia algo que no está en el contexto",
        level: Level::Warning,
        why: "`COPY` solo ve lo que hay dentro del contexto, con mayúsculas y minúsculas exactas: si no encuentra el archivo, la construcción se detiene.",
        fix: "escribe la ruta tal como es dentro del contexto",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[
            ("compose.yaml", "services:\n  api:\n    build: .\n"),
            (
                "Dockerfile",
                "FROM python:3.11-slim\nCOPY app /app\nCOPY requeriments.txt /app/\n",
            ),
            ("requirements.txt", "fastapi==0.115.0\n"),
            ("app/main.py", "print('hola')\n"),
        ],
        right: &[
            ("compose.yaml", "services:\n  api:\n    build: .\n"),
            (
                "Dockerfile",
                "FROM python:3.11-slim\nCOPY app /app\nCOPY requirements.txt /app/\n",
            ),
            ("requirements.txt", "fastapi==0.115.0\n"),
            ("app/main.py", "print('hola')\n"),
        ],
        check: missing,
    },
    Rule {
        id: "copia-de-fuera",
        title: "se copia algo de fuera del contexto",
        level: Level::Error,
        why: "El constructor solo recibe el contexto: `..` no sale de él. Docker busca la ruta como si empezara en el contexto, y no la encuentra.",
        fix: "usa como contexto la carpeta de encima (`context: ..` y `dockerfile: carpeta/Dockerfile` en Compose, o `docker build -f carpeta/Dockerfile ..`) y escribe la ruta desde ahí",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["dockerfilelint add_src_invalid"],
        wrong: &[
            ("compose.yaml", "services:\n  api:\n    build: ./api\n"),
            (
                "api/Dockerfile",
                "FROM python:3.11-slim\nCOPY ../comun /app/comun\n",
            ),
            ("comun/registro.py", "import logging\n"),
        ],
        right: &[
            (
                "api/Dockerfile",
                "FROM python:3.11-slim\nCOPY comun /app/comun\n",
            ),
            (
                "compose.yaml",
                "services:\n  api:\n    build:\n      context: .\n      dockerfile: api/Dockerfile\n",
            ),
            ("comun/registro.py", "import logging\n"),
        ],
        check: outside,
    },
    Rule {
        id: "archivo-secreto-en-la-imagen",
        title: "un archivo de secretos entra en la imagen",
        level: Level::Warning,
        why: "Lo que `COPY` mete en una capa lo lee cualquiera que tenga la imagen, y borrarlo después no lo quita de esa capa.",
        fix: "déjalo fuera con `.dockerignore` y dáselo al contenedor al arrancar, con `env_file` o `secrets`",
        lesson: "03-optimizado.html#dockerignore",
        equivalents: &["trivy DS-0031", "dockle CIS-DI-0010"],
        wrong: &[
            ("Dockerfile", PUBLIC),
            (".dockerignore", ".git\n"),
            ("main.py", "print('hola')\n"),
            (".env", "APP_NAME=iris\nAPI_KEY=sk-9f8a7b6c5d4e\n"),
        ],
        right: &[
            ("Dockerfile", PUBLIC),
            (".dockerignore", ".git\n.env\n"),
            ("main.py", "print('hola')\n"),
            (".env", "APP_NAME=iris\nAPI_KEY=sk-9f8a7b6c5d4e\n"),
        ],
        check: secrets,
    },
    Rule {
        id: "sobra-en-la-imagen",
        title: "entra en la imagen algo que la app no usa",
        level: Level::Note,
        why: "Cachés, entornos virtuales y el historial de git hacen la imagen más grande, cambian en cada construcción y rompen la caché de capas.",
        fix: "añádelo a `.dockerignore`",
        lesson: "03-optimizado.html#dockerignore",
        equivalents: &["dockle DKL-LI-0003"],
        wrong: &[
            ("Dockerfile", PUBLIC),
            (".dockerignore", ".env\n"),
            ("main.py", "print('hola')\n"),
            (".git/HEAD", "ref: refs/heads/main\n"),
            (".venv/pyvenv.cfg", "home = /usr/bin\n"),
        ],
        right: &[
            ("Dockerfile", PUBLIC),
            (".dockerignore", ".env\n.git\n.venv\n"),
            ("main.py", "print('hola')\n"),
            (".git/HEAD", "ref: refs/heads/main\n"),
            (".venv/pyvenv.cfg", "home = /usr/bin\n"),
        ],
        check: clutter,
    },
    Rule {
        id: "secreto-copiado-y-borrado",
        title: "se borra un secreto que ya está en una capa anterior",
        level: Level::Warning,
        why: "Cada instrucción deja su capa. `rm` solo tapa el archivo en la capa nueva: en la del `COPY` sigue entero, y se saca con `docker save`.",
        fix: "déjalo fuera con `.dockerignore`; si hace falta al construir, pásalo solo a ese paso con `RUN --mount=type=secret`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[],
        wrong: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nRUN rm -rf .env* claves\n",
            ),
            (".dockerignore", ".git\n"),
            (".env", "APP_NAME=iris\n"),
            ("main.py", "print('hola')\n"),
        ],
        right: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nRUN rm -rf pruebas\n",
            ),
            (".dockerignore", ".git\n.env*\nclaves\n"),
            (".env", "APP_NAME=iris\n"),
            ("main.py", "print('hola')\n"),
        ],
        check: late_removal::check,
    },
    Rule {
        id: "secreto-de-compose-en-la-imagen",
        title: "lo que Compose da como secreto también entra en la imagen",
        level: Level::Warning,
        why: "De nada sirve montar el secreto al arrancar si `COPY` ya lo metió en una capa, donde lo lee cualquiera que tenga la imagen.",
        fix: "añade ese archivo a `.dockerignore`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    secrets: [api_key]\nsecrets:\n  api_key:\n    file: ./llaves/api_key.txt\n",
            ),
            ("Dockerfile", PUBLIC),
            (".dockerignore", ".git\n"),
            ("main.py", "print('hola')\n"),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    secrets: [api_key]\nsecrets:\n  api_key:\n    file: ./llaves/api_key.txt\n",
            ),
            ("Dockerfile", PUBLIC),
            (".dockerignore", ".git\nllaves\n"),
            ("main.py", "print('hola')\n"),
        ],
        check: of_compose,
    },
];

/// Whether the context that is taken for `copied` may be another one, in which `path` stands as well.
fn may_be_of_another(reading: &Reading, copied: &Copied<'_>, path: &str) -> bool {
    let mut folder = copied.build.context.as_str();
    while copied.build.service.is_none() && !folder.is_empty() {
        folder = folder.rsplit_once('/').map_or("", |(above, _)| above);
        let there = match folder {
            "" => path.to_owned(),
            folder => format!("{folder}/{path}"),
        };
        if reading.snapshot.contains(&there) {
            return true;
        }
    }
    false
}

fn ignored(reading: &Reading, out: &mut Out<'_>) {
    for copied in copies::all(reading) {
        let Some(ignore) = &copied.build.ignore else {
            continue;
        };
        for source in copied.sources() {
            if source.is_broad() || source.is_pattern() {
                continue;
            }
            let at = copied.in_snapshot(&source.path);
            let decision = ignore.decide(&source.path);
            let (Some(line), Some(file), true) = (decision.line, ignore.file(), decision.ignored)
            else {
                continue;
            };
            let what = match reading.snapshot.entry(&at) {
                Some(Entry::File { .. } | Entry::Unread) => "el archivo",
                // Of a folder whose content is not known, an exception may bring back a part.
                Some(Entry::Dir) if !is_partly_sent(reading, &copied, &source, ignore) => {
                    "la carpeta"
                }
                _ => continue,
            };
            if may_be_of_another(reading, &copied, &source.path) {
                continue;
            }
            let written = line_of(reading, file, line);
            out.span(
                copied.dockerfile,
                source.word.span,
                format!(
                    "`{}` no llega al constructor: `.dockerignore` deja fuera {what}",
                    source.word.written
                ),
            )
            .related(
                Location::line(file, line),
                format!("`{written}` lo deja fuera"),
            );
        }
    }
}

fn is_partly_sent(
    reading: &Reading,
    copied: &Copied<'_>,
    source: &Source<'_>,
    ignore: &Dockerignore,
) -> bool {
    let at = copied.in_snapshot(&source.path);
    let known = reading
        .snapshot
        .entries()
        .any(|(path, _)| path != at && copies::is_below(path, &at));
    let any = copied.brings(reading, source).next().is_some();
    let text = ignore.file().and_then(|file| reading.snapshot.file(file));
    let exceptions = text.is_some_and(|text| text.contains(&b'!'));
    any || (!known && exceptions) || (exceptions && copies::is_unsure(reading, &at))
}

/// A line of a file, trimmed.
pub(super) fn line_of(reading: &Reading, file: &str, line: usize) -> String {
    let bytes = reading.snapshot.file(file).cloned().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().nth(line - 1).unwrap_or_default();
    line.trim().trim_start_matches('\u{feff}').to_owned()
}

fn missing(reading: &Reading, out: &mut Out<'_>) {
    for copied in copies::all(reading) {
        if reading.snapshot.is_partial() || !additional_contexts_are_none(reading, &copied) {
            continue;
        }
        for source in copied.sources() {
            let at = copied.in_snapshot(&source.path);
            let climbs = source.word.text().contains("..");
            if source.is_broad()
                || source.is_pattern()
                || climbs
                || reading.snapshot.contains(&at)
                || copies::is_unsure(reading, &at)
                || copies::is_git_ignored(reading, &at)
            {
                continue;
            }
            let near = near(reading, &copied, &source.path);
            // Without a compose file the context is a guess, and a folder may be laid over another one: there only a
            // name that is nearly right tells a mistake.
            let complete = copied.build.service.is_some() && others_are_there(reading, &copied);
            if !complete && near.is_none() {
                continue;
            }
            let folder = match copied.build.context.as_str() {
                "" => "la carpeta que se envía al constructor".to_owned(),
                context => format!("`{context}/`, la carpeta que se envía al constructor"),
            };
            let finding = out.span(
                copied.dockerfile,
                source.word.span,
                format!("`{}` no está en {folder}", source.word.written),
            );
            if let Some(near) = near {
                finding.help(format!(
                    "¿quisiste decir `{near}`? {}",
                    capital(finding.help.clone())
                ));
            }
        }
    }
}

fn capital(text: String) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => text,
    }
}

fn additional_contexts_are_none(reading: &Reading, copied: &Copied<'_>) -> bool {
    let Some((project, service)) = &copied.build.service else {
        return true;
    };
    reading
        .services()
        .find(|(index, _, one)| index == project && one.name == *service)
        .and_then(|(_, _, service)| service.build.as_ref())
        .is_none_or(|build| build.additional_contexts.is_empty())
}

/// Whether most of what the same Dockerfile copies is in the context: else the folder is only a part of one.
fn others_are_there(reading: &Reading, copied: &Copied<'_>) -> bool {
    let mut there = 0;
    let mut absent = 0;
    for other in copies::of_build(reading, copied.build) {
        for source in other.sources() {
            if source.is_broad() || source.is_pattern() {
                continue;
            }
            if reading.snapshot.contains(&other.in_snapshot(&source.path)) {
                there += 1;
            } else {
                absent += 1;
            }
        }
    }
    there > absent
}

/// What lies beside where `path` should be and has nearly its name.
fn near(reading: &Reading, copied: &Copied<'_>, path: &str) -> Option<String> {
    let (folder, name) = path.rsplit_once('/').map_or(("", path), |parts| parts);
    let beside = copied.in_snapshot(folder);
    let prefix = if beside.is_empty() {
        String::new()
    } else {
        format!("{beside}/")
    };
    let names = reading.snapshot.entries().filter_map(|(path, _)| {
        let name = path.strip_prefix(&prefix)?;
        (!name.contains('/')).then_some(name)
    });
    let alike = |other: &&str| {
        let extension = |name: &str| name.rsplit_once('.').map(|(_, end)| end.to_lowercase());
        let same = other.to_lowercase() == name.to_lowercase();
        let typo = name.len() > 4
            && extension(other) == extension(name)
            && strsim::damerau_levenshtein(other, name) <= 2
            && !name.chars().any(|c| c.is_ascii_digit());
        same || typo
    };
    let found = names.filter(alike).min()?;
    Some(match folder {
        "" => found.to_owned(),
        folder => format!("{folder}/{found}"),
    })
}

fn outside(reading: &Reading, out: &mut Out<'_>) {
    for copied in copies::all(reading) {
        for source in copied.sources() {
            let climbs = dockerignore::clean(source.word.text()).starts_with("../");
            // BuildKit, unlike the builder before it, drops what climbs out and looks inside of the context.
            let at = copied.in_snapshot(&source.path);
            if !climbs || source.is_pattern() || reading.snapshot.contains(&at) {
                continue;
            }
            let finding = out.span(
                copied.dockerfile,
                source.word.span,
                format!(
                    "`{}` está fuera del contexto, y ahí no llega `{}`",
                    source.word.written, copied.instruction.keyword
                ),
            );
            let guess = copied.build.service.is_none()
                && (reading.snapshot.is_partial()
                    || may_be_of_another(reading, &copied, &source.path));
            if guess {
                finding.level(Level::Warning);
            }
        }
    }
}

fn secrets(reading: &Reading, out: &mut Out<'_>) {
    for copied in copies::all(reading) {
        if !copied.is_kept() {
            continue;
        }
        for source in copied.sources() {
            let found: Vec<_> = copied
                .brings(reading, &source)
                .filter_map(|path| {
                    let at = copied.in_snapshot(path);
                    Some((path, secret_file::of(&reading.snapshot, &at)?))
                })
                .collect();
            let Some((first, _)) = found.first() else {
                continue;
            };
            let list = listed(found.iter().map(|(path, _)| *path));
            // What gives the secret away is named, never shown: the report may end up in a log that many read.
            let shown = found.iter().find_map(|(path, secret)| {
                let (line, name) = secret.shown.as_ref()?;
                Some(match name {
                    Some(name) => {
                        format!(", y con él el valor de `{name}` (`{path}`, línea {line})")
                    }
                    None => format!(", y con él una clave (`{path}`, línea {line})"),
                })
            });
            let what = match (source.path == *first, &*source.word.written) {
                (true, _) => format!("`{}`", copied.instruction.keyword),
                (false, written) => format!("`{} {written}`", copied.instruction.keyword),
            };
            let message = format!(
                "{what} mete en la imagen {list}{}",
                shown.as_deref().unwrap_or_default()
            );
            let finding = out.span(copied.dockerfile, source.word.span, message);
            if shown.is_some() {
                finding.level(Level::Error);
            }
            let ignore = copied.build.ignore.as_ref();
            if ignore.is_some_and(|ignore| ignore.file().is_none()) && source.path != *first {
                finding.help(format!(
                    "crea un `.dockerignore` con {list} y dáselo al contenedor al arrancar, con `env_file` o `secrets`"
                ));
            }
        }
    }
}

/// The files that the projects give to containers as secrets or variables: path, place and what it is.
fn given_by_compose(reading: &Reading) -> Vec<(String, Location, &'static str)> {
    let mut given = Vec::new();
    for loaded in reading.projects.iter().filter_map(|p| p.loaded.as_ref()) {
        for secret in loaded.project.secrets.values() {
            if let Provider::File(path) = &secret.provider.value {
                given.push((path.clone(), secret.provider.location.clone(), "secreto"));
            }
        }
        for file in loaded
            .project
            .services
            .values()
            .flat_map(|service| &service.env_file)
        {
            given.push((
                file.path.clone(),
                file.location.clone(),
                "archivo de variables",
            ));
        }
    }
    given.retain(|(path, _, _)| !path.starts_with(['/', '~', '.']) || path.starts_with(".env"));
    given
}

fn of_compose(reading: &Reading, out: &mut Out<'_>) {
    let given = given_by_compose(reading);
    if given.is_empty() {
        return;
    }
    for copied in copies::all(reading) {
        if !copied.is_kept() || copied.build.ignore.is_none() {
            continue;
        }
        for source in copied.sources().iter().filter(|source| source.is_broad()) {
            let root = copied.in_snapshot("");
            let found = given.iter().find(|(path, _, _)| {
                let inside = match root.as_str() {
                    "" => Some(path.as_str()),
                    root => path
                        .strip_prefix(root)
                        .and_then(|path| path.strip_prefix('/')),
                };
                let told = secret_file::of(&reading.snapshot, path).is_some();
                let empty = reading
                    .snapshot
                    .file(path)
                    .is_some_and(|bytes| bytes.is_empty());
                inside.is_some_and(|inside| copied.takes(inside))
                    && !told
                    && !empty
                    && !secret_file::is_for_publication(path)
            });
            let Some((path, location, what)) = found else {
                continue;
            };
            let finding = out.span(
                copied.dockerfile,
                source.word.span,
                format!(
                    "`{} {}` mete en la imagen `{path}` si está en la carpeta",
                    copied.instruction.keyword, source.word.written
                ),
            );
            finding.related(location.clone(), format!("Compose lo da como {what}"));
            if reading.snapshot.contains(path) {
                finding.message = format!(
                    "`{} {}` mete en la imagen `{path}`",
                    copied.instruction.keyword, source.word.written
                );
                if *what == "secreto" {
                    finding.level(Level::Error);
                }
            }
        }
    }
}

/// Up to three names, and how many more there are.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, second] => format!("{first} y {second}"),
        [first, second, third] => format!("{first}, {second} y {third}"),
        [first, second, rest @ ..] => format!("{first}, {second} y {} más", rest.len()),
    }
}

/// What a tool makes in the folder, with what stands for all that is in it.
const CLUTTER: [(&str, &str); 11] = [
    (".git", "HEAD"),
    (".venv", "pyvenv.cfg"),
    ("venv", "pyvenv.cfg"),
    ("node_modules", "x"),
    ("__pycache__", "x.pyc"),
    (".pytest_cache", "x"),
    (".mypy_cache", "x"),
    (".ruff_cache", "x"),
    (".ipynb_checkpoints", "x"),
    (".idea", "x"),
    (".vscode", "x"),
];

fn clutter(reading: &Reading, out: &mut Out<'_>) {
    for copied in copies::all(reading) {
        // Without a `.dockerignore` another rule speaks of it.
        let Some(ignore) = copied.build.ignore.as_ref().filter(|i| i.file().is_some()) else {
            continue;
        };
        let excludes = copied.instruction.flag("exclude").is_some();
        if !copied.is_kept() || excludes {
            continue;
        }
        for source in copied.sources().into_iter().filter(Source::is_broad) {
            let root = copied.in_snapshot("");
            let found: Vec<String> = reading
                .snapshot
                .entries()
                .filter(|(_, entry)| matches!(entry, Entry::Dir))
                .filter_map(|(path, _)| {
                    let path = if root.is_empty() {
                        path
                    } else {
                        path.strip_prefix(&root)?.strip_prefix('/')?
                    };
                    let (above, name) = path.rsplit_once('/').map_or(("", path), |parts| parts);
                    let (_, inside) = CLUTTER.iter().find(|(clutter, _)| *clutter == name)?;
                    let inner = above
                        .split('/')
                        .any(|part| CLUTTER.iter().any(|(c, _)| *c == part));
                    let sent = !ignore.decide(&format!("{path}/{inside}")).ignored;
                    (sent && !inner).then(|| path.to_owned())
                })
                .collect();
            if found.is_empty() {
                continue;
            }
            let list = listed(found.iter().map(String::as_str));
            let finding = out.span(
                copied.dockerfile,
                source.word.span,
                format!(
                    "`{} {}` mete en la imagen {list}",
                    copied.instruction.keyword, source.word.written
                ),
            );
            if let Some(file) = ignore.file() {
                let lines: Vec<String> = found
                    .iter()
                    .map(|path| path.rsplit('/').next().unwrap_or(path))
                    .collect::<std::collections::BTreeSet<_>>()
                    .into_iter()
                    .map(|name| format!("`**/{name}`"))
                    .collect();
                finding.help(format!("añade a `{file}` {}", lines.join(", ")));
            }
        }
    }
}
