//! What `COPY` takes out of the context: what is not there, and what should not come along.

use super::copies::{self, Copied, Source};
use super::missing_source::may_be_of_another;
use super::wording::line_of;
use super::{clutter, copied_secret, missing_source};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerignore::Dockerignore;
use crate::submission::location::Location;
use crate::submission::snapshot::Entry;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Lo que entra en la imagen",
    rules: &RULES,
};

const PUBLIC: &str =
    "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"main.py\"]\n";

static RULES: [Rule; 6] = [
    Rule {
        id: "copia-de-lo-ignorado",
        title: "se copia algo que `.dockerignore` deja fuera",
        level: Level::Error,
        why: "Lo que `.dockerignore` quita no llega al constructor: para él ese archivo no existe, y la construcción se detiene en el `COPY`.",
        fix: "quita esa línea de `.dockerignore`, o recupera el archivo con una excepción detrás",
        lesson: "03-multietapa.html#dockerignore",
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
        check: missing_source::missing,
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
        check: missing_source::outside,
    },
    Rule {
        id: "archivo-secreto-en-la-imagen",
        title: "un archivo de secretos entra en la imagen",
        level: Level::Warning,
        why: "Lo que `COPY` mete en una capa lo lee cualquiera que tenga la imagen, y borrarlo después no lo quita de esa capa.",
        fix: "déjalo fuera con `.dockerignore` y dáselo al contenedor al arrancar, con `env_file` o `secrets`",
        lesson: "03-multietapa.html#dockerignore",
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
        check: copied_secret::known,
    },
    Rule {
        id: "sobra-en-la-imagen",
        title: "entra en la imagen algo que la app no usa",
        level: Level::Note,
        why: "Cachés, entornos virtuales y el historial de git hacen la imagen más grande, cambian en cada construcción y rompen la caché de capas.",
        fix: "añádelo a `.dockerignore`",
        lesson: "03-multietapa.html#dockerignore",
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
        check: clutter::check,
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
        check: copied_secret::of_compose,
    },
];

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
