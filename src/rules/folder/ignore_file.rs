//! The `.dockerignore` itself: what its author means and Docker does not.

use super::ignore_lines::{broad, lines};
use super::{copies, exceptions, foreign_pattern, misplaced_ignore, root_only, secret_file};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerignore::Dockerignore;
use crate::submission::location::Location;
use crate::submission::reading::ImageBuild;
use crate::submission::snapshot::Entry;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "El archivo .dockerignore",
    rules: &RULES,
};

const COPIES_ALL: &str =
    "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nCMD [\"python\", \"main.py\"]\n";
const MAIN: (&str, &str) = ("main.py", "print('hola')\n");

static RULES: [Rule; 8] = [
    Rule {
        id: "dockerignore-falta",
        title: "se copia la carpeta entera y no hay `.dockerignore`",
        level: Level::Warning,
        why: "Sin `.dockerignore`, `COPY . .` mete en la imagen todo lo que haya en la carpeta el día que construyas: `.env`, `.git`, claves, datos.",
        fix: "crea un `.dockerignore` al lado, con al menos `.git`, `**/.env*`, `**/__pycache__` y tus datos; o copia solo las carpetas que la app usa",
        lesson: "03-multietapa.html#dockerignore",
        equivalents: &["slim lint ID.10001"],
        wrong: &[
            ("Dockerfile", COPIES_ALL),
            (".gitignore", "__pycache__/\n"),
            MAIN,
        ],
        right: &[
            ("Dockerfile", COPIES_ALL),
            (".dockerignore", ".git\n**/.env*\n**/__pycache__\n"),
            (".gitignore", "__pycache__/\n"),
            MAIN,
        ],
        check: absent,
    },
    Rule {
        id: "dockerignore-vacio",
        title: "el `.dockerignore` no deja nada fuera",
        level: Level::Warning,
        why: "Un `.dockerignore` sin patrones es como si no estuviera: todo entra.",
        fix: "escribe en él al menos `.git`, `**/.env*` y `**/__pycache__`",
        lesson: "03-multietapa.html#dockerignore",
        equivalents: &["slim lint ID.10002"],
        wrong: &[
            ("Dockerfile", COPIES_ALL),
            (".dockerignore", "# nada todavía\n"),
            MAIN,
        ],
        right: &[
            ("Dockerfile", COPIES_ALL),
            (".dockerignore", ".git\n**/.env*\n"),
            MAIN,
        ],
        check: empty,
    },
    Rule {
        id: "dockerignore-solo-la-raiz",
        title: "un patrón solo mira la raíz y hay archivos así más adentro",
        level: Level::Warning,
        why: "En `.dockerignore`, al revés que en `.gitignore`, un nombre sin `**/` delante solo vale en la raíz del contexto.",
        fix: "pon `**/` delante del patrón",
        lesson: "03-multietapa.html#dockerignore",
        equivalents: &[],
        wrong: &[
            ("Dockerfile", "FROM python:3.11-slim\nCOPY app /app\n"),
            (".dockerignore", ".git\n*.log\n__pycache__\n"),
            ("app/main.py", "print('hola')\n"),
            ("app/logs/hoy.log", "hola\n"),
            ("app/__pycache__/main.cpython-311.pyc", "x\n"),
        ],
        right: &[
            ("Dockerfile", "FROM python:3.11-slim\nCOPY app /app\n"),
            (".dockerignore", ".git\n**/*.log\n**/__pycache__\n"),
            ("app/main.py", "print('hola')\n"),
            ("app/logs/hoy.log", "hola\n"),
            ("app/__pycache__/main.cpython-311.pyc", "x\n"),
        ],
        check: root_only::check,
    },
    Rule {
        id: "dockerignore-no-es-gitignore",
        title: "un patrón usa lo que solo entienden git o el shell",
        level: Level::Warning,
        why: "`.dockerignore` no es `.gitignore`: no tiene comentarios al final de la línea ni llaves `{a,b}`, las clases se niegan con `[^a]` y las carpetas se separan con `/`. Docker acepta el patrón, pero no quita lo que parece.",
        fix: "escribe el patrón como lo entiende Docker, sin llaves, sin `[!…]` y sin comentario detrás",
        lesson: "03-multietapa.html#dockerignore",
        equivalents: &[],
        wrong: &[
            ("Dockerfile", COPIES_ALL),
            (
                ".dockerignore",
                ".git\n.env # las claves\n*.{log,tmp}\n[!a]*.csv\n",
            ),
            MAIN,
        ],
        right: &[
            ("Dockerfile", COPIES_ALL),
            (
                ".dockerignore",
                ".git\n# las claves\n.env\n*.log\n*.tmp\n[^a]*.csv\n",
            ),
            MAIN,
        ],
        check: foreign_pattern::check,
    },
    Rule {
        id: "dockerignore-excepcion-sin-efecto",
        title: "una excepción no recupera nada",
        level: Level::Warning,
        why: "Decide la última línea que encaja: una excepción solo recupera lo que una línea anterior quitó, y una línea posterior lo vuelve a quitar.",
        fix: "pon la excepción detrás de la línea que quita el archivo",
        lesson: "03-multietapa.html#dockerignore",
        equivalents: &[],
        wrong: &[
            ("Dockerfile", COPIES_ALL),
            (".dockerignore", ".git\n!README.md\n*.md\n"),
            MAIN,
            ("README.md", "# Iris\n"),
        ],
        right: &[
            ("Dockerfile", COPIES_ALL),
            (".dockerignore", ".git\n*.md\n!README.md\n"),
            MAIN,
            ("README.md", "# Iris\n"),
        ],
        check: exceptions::useless,
    },
    Rule {
        id: "dockerignore-recupera-un-secreto",
        title: "una excepción mete un archivo de secretos en el contexto",
        level: Level::Warning,
        why: "Una excepción vuelve a meter el archivo que otra línea quitaba, y con `COPY . .` acaba en la imagen.",
        fix: "quita la excepción; si es una plantilla sin valores, llámala `.env.ejemplo`",
        lesson: "03-multietapa.html#dockerignore",
        equivalents: &[],
        wrong: &[
            ("Dockerfile", COPIES_ALL),
            (".dockerignore", ".git\n.env*\n!.env.production\n"),
            MAIN,
        ],
        right: &[
            ("Dockerfile", COPIES_ALL),
            (".dockerignore", ".git\n.env*\n!.env.ejemplo\n"),
            MAIN,
        ],
        check: exceptions::of_secret,
    },
    Rule {
        id: "dockerignore-mal-sitio",
        title: "ninguna construcción lee un `.dockerignore`",
        level: Level::Warning,
        why: "Docker lee el `.dockerignore` de la raíz del contexto, o el que se llama como el Dockerfile y está a su lado (`api.Dockerfile.dockerignore`). Los demás no los mira.",
        fix: "llévalo a la raíz del contexto y llámalo `.dockerignore`",
        lesson: "03-multietapa.html#dockerignore",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build:\n      context: .\n      dockerfile: docker/Dockerfile\n",
            ),
            ("docker/Dockerfile", COPIES_ALL),
            ("docker/.dockerignore", ".git\n.env\n"),
            MAIN,
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build:\n      context: .\n      dockerfile: docker/Dockerfile\n",
            ),
            ("docker/Dockerfile", COPIES_ALL),
            (".dockerignore", ".git\n.env\n"),
            MAIN,
        ],
        check: misplaced_ignore::check,
    },
    Rule {
        id: "secreto-solo-en-gitignore",
        title: "`.gitignore` protege un secreto que `.dockerignore` deja entrar",
        level: Level::Warning,
        why: "Que un archivo no esté en git no impide que esté en tu carpeta: si `.dockerignore` no lo nombra, `COPY . .` lo mete en la imagen cuando construyes.",
        fix: "añade el mismo patrón a `.dockerignore`",
        lesson: "03-multietapa.html#dockerignore",
        equivalents: &[],
        wrong: &[
            ("Dockerfile", COPIES_ALL),
            (".dockerignore", ".git\n**/__pycache__\n"),
            (".gitignore", "__pycache__/\n.env\n"),
            MAIN,
        ],
        right: &[
            ("Dockerfile", COPIES_ALL),
            (".dockerignore", ".git\n**/__pycache__\n.env\n"),
            (".gitignore", "__pycache__/\n.env\n"),
            MAIN,
        ],
        check: only_in_gitignore,
    },
];

/// Whether the folder taken for the context holds what an application is made of, and so is one.
fn holds_an_application(reading: &Reading, build: &ImageBuild) -> bool {
    let prefix = copies::in_context(build, "");
    reading.snapshot.entries().any(|(path, entry)| {
        let name = path.rsplit('/').next().unwrap_or(path);
        let docker = name.to_lowercase().contains("docker")
            || name.contains("compose")
            || name.starts_with('.')
            || name.ends_with(".md");
        copies::is_below(path, &prefix) && !docker && !matches!(entry, Entry::Dir)
    })
}

fn absent(reading: &Reading, out: &mut Out<'_>) {
    for (copied, source) in broad(reading) {
        let none = copied
            .build
            .ignore
            .as_ref()
            .is_some_and(|i| i.file().is_none());
        if !none || reading.snapshot.is_partial() || !holds_an_application(reading, copied.build) {
            continue;
        }
        let folder = match copied.build.context.as_str() {
            "" => "la carpeta".to_owned(),
            context => format!("`{context}/`"),
        };
        let finding = out.span(
            copied.dockerfile,
            source.word.span,
            format!(
                "`{} {}` copia {folder} entera, y no hay `.dockerignore`",
                copied.instruction.keyword, source.word.written
            ),
        );
        if !holds_what_stays_out(reading, copied.build) {
            finding.level(Level::Note);
        }
    }
}

/// Whether the folder is one in which somebody works: what lies around there is not for an image.
fn holds_what_stays_out(reading: &Reading, build: &ImageBuild) -> bool {
    const SIGNS: [&str; 9] = [
        ".git",
        ".gitignore",
        ".venv",
        "venv",
        "node_modules",
        "__pycache__",
        ".ipynb_checkpoints",
        ".idea",
        ".vscode",
    ];
    let prefix = copies::in_context(build, "");
    reading.snapshot.entries().any(|(path, _)| {
        let name = path.rsplit('/').next().unwrap_or(path);
        copies::is_below(path, &prefix)
            && (SIGNS.contains(&name) || secret_file::of(&reading.snapshot, path).is_some())
    })
}

fn empty(reading: &Reading, out: &mut Out<'_>) {
    for (copied, source) in broad(reading) {
        let Some(file) = copied.build.ignore.as_ref().and_then(Dockerignore::file) else {
            continue;
        };
        if lines(reading, file).is_empty() {
            out.at(
                Location::line(file, 1),
                format!("`{file}` no tiene ningún patrón: no deja nada fuera"),
            )
            .related(
                copied.dockerfile.location(source.word.span),
                "aquí se copia todo",
            );
        }
    }
}

fn only_in_gitignore(reading: &Reading, out: &mut Out<'_>) {
    for (copied, source) in broad(reading) {
        let Some(ignore) = copied.build.ignore.as_ref().filter(|i| i.file().is_some()) else {
            continue;
        };
        let git = copied.in_snapshot(".gitignore");
        let Some(bytes) = reading.snapshot.file(&git) else {
            continue;
        };
        let text = String::from_utf8_lossy(bytes);
        let Some(gitignore) = copies::git_ignores(&text) else {
            continue;
        };
        for (index, line) in text.lines().enumerate() {
            let name = line.trim().trim_start_matches('/').trim_end_matches('/');
            let path = name.trim_end_matches('*').trim_end_matches('.');
            let present = reading.snapshot.contains(&copied.in_snapshot(path));
            if !secret_file::is_named(path)
                || path.contains(['*', '?', '[', '!'])
                || !gitignore.decide(path).ignored
                || ignore.decide(path).ignored
                // Another rule speaks of a file that is there.
                || present
            {
                continue;
            }
            out.at(
                Location::line(git.clone(), index + 1),
                format!("`{path}` está en `.gitignore`, pero `.dockerignore` lo deja entrar"),
            )
            .related(
                copied.dockerfile.location(source.word.span),
                "aquí se copia todo",
            );
        }
    }
}
