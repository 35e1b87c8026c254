//! The `.dockerignore` itself: what its author means and Docker does not.

use std::collections::BTreeSet;

use super::context::listed;
use super::copies::{self, Copied, Source};
use super::secret_file;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerignore::Dockerignore;
use crate::submission::location::Location;
use crate::submission::reading::ImageBuild;
use crate::submission::snapshot::Entry;
use crate::verdict::{Level, Position};

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
        lesson: "03-optimizado.html#dockerignore",
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
        lesson: "03-optimizado.html#dockerignore",
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
        lesson: "03-optimizado.html#dockerignore",
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
        check: only_root,
    },
    Rule {
        id: "dockerignore-no-es-gitignore",
        title: "un patrón usa lo que solo entienden git o el shell",
        level: Level::Warning,
        why: "`.dockerignore` no es `.gitignore`: no tiene comentarios al final de la línea ni llaves `{a,b}`, las clases se niegan con `[^a]` y las carpetas se separan con `/`. Docker acepta el patrón, pero no quita lo que parece.",
        fix: "escribe el patrón como lo entiende Docker, sin llaves, sin `[!…]` y sin comentario detrás",
        lesson: "03-optimizado.html#dockerignore",
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
        check: foreign_syntax,
    },
    Rule {
        id: "dockerignore-excepcion-sin-efecto",
        title: "una excepción no recupera nada",
        level: Level::Warning,
        why: "Decide la última línea que encaja: una excepción solo recupera lo que una línea anterior quitó, y una línea posterior lo vuelve a quitar.",
        fix: "pon la excepción detrás de la línea que quita el archivo",
        lesson: "03-optimizado.html#dockerignore",
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
        check: useless_exception,
    },
    Rule {
        id: "dockerignore-recupera-un-secreto",
        title: "una excepción mete un archivo de secretos en el contexto",
        level: Level::Warning,
        why: "Una excepción vuelve a meter el archivo que otra línea quitaba, y con `COPY . .` acaba en la imagen.",
        fix: "quita la excepción; si es una plantilla sin valores, llámala `.env.ejemplo`",
        lesson: "03-optimizado.html#dockerignore",
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
        check: secret_exception,
    },
    Rule {
        id: "dockerignore-mal-sitio",
        title: "ninguna construcción lee un `.dockerignore`",
        level: Level::Warning,
        why: "Docker lee el `.dockerignore` de la raíz del contexto, o el que se llama como el Dockerfile y está a su lado (`api.Dockerfile.dockerignore`). Los demás no los mira.",
        fix: "llévalo a la raíz del contexto y llámalo `.dockerignore`",
        lesson: "03-optimizado.html#dockerignore",
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
        check: misplaced,
    },
    Rule {
        id: "secreto-solo-en-gitignore",
        title: "`.gitignore` protege un secreto que `.dockerignore` deja entrar",
        level: Level::Warning,
        why: "Que un archivo no esté en git no impide que esté en tu carpeta: si `.dockerignore` no lo nombra, `COPY . .` lo mete en la imagen cuando construyes.",
        fix: "añade el mismo patrón a `.dockerignore`",
        lesson: "03-optimizado.html#dockerignore",
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

/// The copies that take everything and stay in the image, one of each build.
fn broad<'r>(reading: &'r Reading) -> Vec<(Copied<'r>, Source<'r>)> {
    let mut found = Vec::new();
    for build in copies::builds(reading) {
        let broad = copies::of_build(reading, build)
            .into_iter()
            .filter(|copied| copied.is_kept() && copied.instruction.flag("exclude").is_none())
            .find_map(|copied| {
                let source = copied.sources().into_iter().find(Source::is_broad)?;
                Some((copied, source))
            });
        found.extend(broad);
    }
    found
}

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

/// A line of a `.dockerignore` that is a pattern.
struct Line {
    number: usize,
    column: usize,
    exception: bool,
    /// Without the `!` and the blanks around.
    pattern: String,
    written: String,
}

impl Line {
    fn end(&self) -> Position {
        Position {
            line: self.number,
            column: self.column + self.written.chars().count(),
        }
    }

    fn location(&self, file: &str) -> Location {
        Location {
            file: file.to_owned(),
            line: self.number,
            column: self.column,
        }
    }
}

fn lines(reading: &Reading, file: &str) -> Vec<Line> {
    let Some(bytes) = reading.snapshot.file(file) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let patterns = text.lines().enumerate().filter_map(|(index, line)| {
        let written = line.trim();
        if line.starts_with('#') || written.is_empty() {
            return None;
        }
        let exception = written.strip_prefix('!').map(str::trim);
        let indent = line.chars().take_while(|c| c.is_whitespace()).count();
        Some(Line {
            number: index + 1,
            column: indent + 1,
            exception: exception.is_some(),
            pattern: exception.unwrap_or(written).to_owned(),
            written: written.to_owned(),
        })
    });
    patterns.collect()
}

/// Every `.dockerignore` that a build reads, with one of the builds that do.
fn read_by(reading: &Reading) -> Vec<(&str, &ImageBuild, Vec<Line>)> {
    let mut seen = BTreeSet::new();
    let files = reading.builds.iter().filter_map(|build| {
        let file = build.ignore.as_ref()?.file()?;
        seen.insert(file)
            .then(|| (file, build, lines(reading, file)))
    });
    files.collect()
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

/// What nobody means for the root alone.
fn is_meant_everywhere(pattern: &str) -> bool {
    const NAMES: [&str; 16] = [
        "__pycache__",
        ".DS_Store",
        ".coverage",
        ".git",
        ".idea",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".pytest_cache",
        ".python-version",
        ".ruff_cache",
        ".venv",
        ".vscode",
        "Thumbs.db",
        "credentials.json",
        "id_rsa",
        "node_modules",
    ];
    const ENDS: [&str; 18] = [
        "*.bak",
        "*.egg-info",
        "*.key",
        "*.log",
        "*.md",
        "*.p12",
        "*.pem",
        "*.pyc",
        "*.pyd",
        "*.pyo",
        "*.py[cod]",
        "*.py[co]",
        "*.swo",
        "*.swp",
        "*.temp",
        "*.tmp",
        "*$py.class",
        "*~",
    ];
    NAMES.contains(&pattern) || ENDS.contains(&pattern) || pattern.starts_with(".env")
}

fn only_root(reading: &Reading, out: &mut Out<'_>) {
    for (file, _, lines) in read_by(reading) {
        for line in lines.iter().filter(|line| !line.exception) {
            let pattern = line.pattern.trim_start_matches("./").trim_end_matches('/');
            let Some(Ok(deep)) =
                is_meant_everywhere(pattern).then(|| Dockerignore::parse(&format!("**/{pattern}")))
            else {
                continue;
            };
            let Some((at, name)) = deeper(reading, file, &deep) else {
                continue;
            };
            let finding = out.at(
                line.location(file),
                format!(
                    "`{}` solo mira la raíz: `{name}` entra en la imagen",
                    line.written
                ),
            );
            finding.help(format!("escribe `**/{pattern}`"));
            // The first line of a secret is not for the terminal.
            if secret_file::of(&reading.snapshot, &at).is_none() {
                finding.related(Location::line(at, 1), "este entra");
            }
            finding.end = Some(line.end());
            finding.patch(line.location(file), line.end(), format!("**/{pattern}"));
            if pattern == "*.md" {
                finding.level(Level::Note);
            }
        }
    }
}

/// A file below the root that `deep` would leave out, that no line of `file` speaks of, and that is copied: its path
/// in the snapshot, and in the context.
fn deeper(reading: &Reading, file: &str, deep: &Dockerignore) -> Option<(String, String)> {
    let builds = copies::builds(reading)
        .into_iter()
        .filter(|build| build.ignore.as_ref().and_then(Dockerignore::file) == Some(file));
    for build in builds {
        let ignore = build.ignore.as_ref()?;
        for copied in copies::of_build(reading, build) {
            if !copied.is_kept() {
                continue;
            }
            for source in copied.sources() {
                let found = copied
                    .brings(reading, &source)
                    .find(|path| deep.decide(path).ignored && ignore.decide(path).line.is_none());
                if let Some(path) = found {
                    return Some((copied.in_snapshot(path), path.to_owned()));
                }
            }
        }
    }
    None
}

fn foreign_syntax(reading: &Reading, out: &mut Out<'_>) {
    for (file, build, lines) in read_by(reading) {
        for line in &lines {
            let Some((message, mended)) = foreign(reading, build, line) else {
                continue;
            };
            let finding = out.at(line.location(file), message);
            finding.end = Some(line.end());
            if let Some(mended) = mended {
                finding.help(format!(
                    "escribe {}",
                    listed(
                        mended
                            .lines()
                            .map(str::trim)
                            .filter(|line| !line.is_empty())
                    )
                ));
                finding.patch(line.location(file), line.end(), mended);
            }
        }
    }
}

/// What is wrong with a line, and what to write.
fn foreign(reading: &Reading, build: &ImageBuild, line: &Line) -> Option<(String, Option<String>)> {
    let written = &line.written;
    if let Some(at) = written.find(" #").or_else(|| written.find("\t#")) {
        let (pattern, comment) = written.split_at(at);
        let pattern = pattern.trim_end();
        return Some((
            format!("el comentario forma parte del patrón: no deja fuera `{pattern}`"),
            Some(format!("{}\n{pattern}", comment.trim_start())),
        ));
    }
    if line.pattern.contains("[!") {
        return Some((
            format!("`{written}`: aquí la clase se niega con `^`, y `[!…]` busca un `!`"),
            Some(written.replace("[!", "[^")),
        ));
    }
    if let Some((before, rest)) = written.split_once('{')
        && let Some((choices, after)) = rest.split_once('}')
        && choices.contains(',')
        && !after.contains('{')
    {
        let patterns: Vec<String> = choices
            .split(',')
            .map(|choice| format!("{before}{choice}{after}"))
            .collect();
        return Some((
            format!(
                "`{written}`: aquí las llaves no eligen; busca un archivo con llaves en el nombre"
            ),
            Some(patterns.join("\n")),
        ));
    }
    let slashes = line.pattern.replace('\\', "/");
    if line.pattern.contains('\\')
        && !line.pattern.contains(['*', '?', '['])
        && reading
            .snapshot
            .contains(&copies::in_context(build, &slashes))
    {
        return Some((
            format!("`{written}`: las carpetas se separan con `/`; así no deja fuera `{slashes}`"),
            Some(written.replace('\\', "/")),
        ));
    }
    if line.pattern.ends_with("*/") && !line.exception {
        let alone = Dockerignore::parse(&line.pattern).ok()?;
        let file = build.files(reading).find(|path| {
            let above = path.rsplit_once('/').map_or("", |(above, _)| above);
            alone.decide(path).ignored && (above.is_empty() || !alone.decide(above).ignored)
        })?;
        return Some((
            format!(
                "`{written}`: la barra del final no quiere decir «solo carpetas»: también deja fuera `{file}`"
            ),
            None,
        ));
    }
    None
}

fn useless_exception(reading: &Reading, out: &mut Out<'_>) {
    for (file, build, lines) in read_by(reading) {
        for (index, line) in lines.iter().enumerate() {
            if !line.exception {
                continue;
            }
            if lines[..index].iter().all(|line| line.exception) && index + 1 == lines.len() {
                let finding = out.at(
                    line.location(file),
                    format!(
                        "`{}` no recupera nada: ninguna línea anterior lo quita",
                        line.written
                    ),
                );
                finding.end = Some(line.end());
                continue;
            }
            let Ok(own) = Dockerignore::parse(&line.pattern) else {
                continue;
            };
            let meant: Vec<&str> = build
                .files(reading)
                .filter(|path| own.decide(path).ignored)
                .collect();
            let decisions: Vec<_> = build
                .ignore
                .iter()
                .flat_map(|ignore| meant.iter().map(|path| ignore.decide(path)))
                .collect();
            // Only when all that it names is taken away again by one later line.
            let later = decisions.first().and_then(|decision| decision.line);
            let same = |decision: &&crate::submission::dockerignore::Decision| {
                decision.ignored && decision.line == later
            };
            if let (Some(first), Some(later)) = (meant.first(), later)
                && later > line.number
                && decisions.iter().filter(same).count() == decisions.len()
            {
                let other = super::context::line_of(reading, file, later);
                let finding = out.at(
                    line.location(file),
                    format!(
                        "`{}` no recupera `{first}`: una línea posterior lo vuelve a quitar",
                        line.written
                    ),
                );
                finding.end = Some(line.end());
                finding.related(Location::line(file, later), format!("`{other}` lo quita"));
            }
        }
    }
}

fn secret_exception(reading: &Reading, out: &mut Out<'_>) {
    for (file, build, lines) in read_by(reading) {
        for line in lines.iter().filter(|line| line.exception) {
            let path = line
                .pattern
                .trim_start_matches("**/")
                .trim_start_matches("./");
            let at = copies::in_context(build, path);
            let named = secret_file::is_named(path) && !path.contains(['*', '?', '[']);
            let present = reading.snapshot.contains(&at);
            let harmless = present && secret_file::of(&reading.snapshot, &at).is_none();
            let back = build
                .ignore
                .as_ref()
                .is_some_and(|ignore| !ignore.decide(path).ignored);
            let copied = broad(reading)
                .iter()
                .any(|(copied, _)| std::ptr::eq(copied.build, build));
            if named && !harmless && back && copied {
                let finding = out.at(
                    line.location(file),
                    format!("`{}` vuelve a meter `{path}` en el contexto", line.written),
                );
                finding.end = Some(line.end());
            }
        }
    }
}

fn misplaced(reading: &Reading, out: &mut Out<'_>) {
    if reading.snapshot.is_partial() || reading.projects.iter().any(|p| p.loaded.is_none()) {
        return;
    }
    let read: BTreeSet<&str> = reading
        .builds
        .iter()
        .filter_map(|build| build.ignore.as_ref()?.file())
        .collect();
    for (path, entry) in reading.snapshot.entries() {
        let (folder, name) = path.rsplit_once('/').map_or(("", path), |parts| parts);
        if !matches!(entry, Entry::File { .. }) || read.contains(path) {
            continue;
        }
        if name == ".dockerignore" {
            // Somebody may build this folder by hand, unless its Dockerfiles are all built from elsewhere.
            let here: Vec<&ImageBuild> = reading
                .builds
                .iter()
                .filter(|build| {
                    copies::is_below(&reading.dockerfiles[build.dockerfile].path, folder)
                })
                .collect();
            let elsewhere = here.iter().all(|build| {
                build.service.is_some()
                    && build.context != folder
                    && copies::is_below(folder, &build.context)
            });
            if let (Some(build), true) = (here.first(), elsewhere) {
                let context = match build.context.as_str() {
                    "" => "la raíz de la carpeta".to_owned(),
                    context => format!("`{context}/`"),
                };
                let at = reading.projects.iter().zip(0..).find_map(|(_, index)| {
                    let (project, name) = build.service.as_ref()?;
                    (*project == index).then_some(())?;
                    let (_, _, service) = reading
                        .services()
                        .find(|(p, _, service)| p == project && service.name == *name)?;
                    Some(service.build.as_ref()?.context.location.clone())
                });
                let finding = out.at(
                    Location::line(path, 1),
                    format!("nadie lee este archivo: el contexto es {context}, no `{folder}/`"),
                );
                if let Some(at) = at {
                    finding.related(at, "aquí se dice el contexto");
                }
            }
        } else if let Some(stem) = name.strip_suffix(".dockerignore") {
            let join = |name: &str| match folder {
                "" => name.to_owned(),
                folder => format!("{folder}/{name}"),
            };
            let meant = [format!("{stem}.Dockerfile"), format!("Dockerfile.{stem}")]
                .into_iter()
                .find(|name| reading.dockerfiles.iter().any(|d| d.path == join(name)));
            if let Some(meant) = meant.filter(|_| !reading.snapshot.contains(&join(stem))) {
                out.at(
                    Location::line(path, 1),
                    format!(
                        "nadie lee este archivo: el de `{meant}` se llama `{meant}.dockerignore`"
                    ),
                )
                .help(format!("cámbiale el nombre a `{meant}.dockerignore`"));
            }
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
