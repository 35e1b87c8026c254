//! The compose file itself: what is obsolete in it, which images it names, how it starts them.

use std::collections::BTreeSet;

use super::official::{self, Reference};
use super::written;
use crate::rules::{Out, Rule, Topic};
use crate::submission::compose::command::Form;
use crate::submission::compose::{self, Command, Service};
use crate::submission::{Location, Reading};
use crate::verdict::{Level, Position};

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "El archivo de Compose",
    rules: &RULES,
};

static RULES: [Rule; 7] = [
    Rule {
        id: "version-obsoleta",
        title: "la clave `version` está obsoleta",
        level: Level::Warning,
        why: "Compose ya no mira `version`: no cambia nada, y en cada orden avisa de que sobra.",
        fix: "borra la línea",
        lesson: "04-compose.html#archivo-basico",
        equivalents: &["dclint no-version-field"],
        wrong: &[(
            "compose.yaml",
            "version: \"3.8\"\nservices:\n  api:\n    image: python:3.11-slim\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n",
        )],
        check: version,
    },
    Rule {
        id: "imagen-sin-fijar",
        title: "la imagen de un servicio no dice qué versión quiere",
        level: Level::Warning,
        why: "Sin etiqueta, o con `latest`, la imagen es otra en cuanto sale una versión: lo que hoy arranca, mañana puede que no.",
        fix: "escribe la etiqueta de una versión, como `python:3.11-slim`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &["dclint service-image-require-explicit-tag"],
        wrong: &[(
            "compose.yaml",
            "services:\n  web:\n    image: nginx\n  cache:\n    image: redis:latest\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  web:\n    image: nginx:1.27\n  cache:\n    image: redis:7.4\n",
        )],
        check: tag,
    },
    Rule {
        id: "varios-archivos-de-compose",
        title: "hay dos archivos de Compose con nombre propio, y solo vale uno",
        level: Level::Warning,
        why: "Compose lee el primero que encuentra e ignora el otro: los cambios que hagas en él no tienen efecto.",
        fix: "borra el que sobra, o dale otro nombre y úsalo con `-f`",
        lesson: "04-compose.html#archivo-basico",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n",
            ),
            (
                "docker-compose.yml",
                "services:\n  api:\n    image: python:3.12-slim\n",
            ),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    image: python:3.11-slim\n",
            ),
            (
                "compose.debug.yaml",
                "services:\n  api:\n    image: python:3.12-slim\n",
            ),
        ],
        check: several,
    },
    Rule {
        id: "orden-sin-shell",
        title: "Compose corta la orden en el primer `&&`, `;`, `|`, `<` o `>`",
        level: Level::Error,
        why: "Compose no usa un shell para `command` ni `entrypoint`: se queda con las palabras de antes de `&&`, `;`, `|`, `<` o `>` y lo demás no se ejecuta nunca, sin avisar.",
        fix: "pásasela a un shell: `command: sh -c \"primera && exec segunda\"`",
        lesson: "04-compose.html#archivo-basico",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    command: python preparar.py && python servir.py\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    command: sh -c \"python preparar.py && exec python servir.py\"\n",
        )],
        check: operator,
    },
    Rule {
        id: "orden-en-una-palabra",
        title: "la orden entera está en una sola palabra de la lista",
        level: Level::Error,
        why: "Cada elemento de la lista es una palabra: Docker busca un programa que se llame así, con sus espacios, y no lo encuentra.",
        fix: "separa las palabras, `[\"python\", \"app.py\"]`, o quita los corchetes",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    command: [\"python app.py\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    command: [\"python\", \"app.py\"]\n",
        )],
        check: one_word,
    },
    Rule {
        id: "orden-con-variable-sin-shell",
        title: "una orden sin shell recibe `$VARIABLE` tal cual",
        level: Level::Warning,
        why: "Las variables del contenedor las sustituye un shell. Sin él, el programa recibe el texto `$VARIABLE`, con su dólar.",
        fix: "pásasela a un shell: `command: sh -c 'exec programa --puerto $$PORT'`",
        lesson: "06-entorno.html#usar-en-docker-compose",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    command: python -m http.server $$PORT\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    command: sh -c 'exec python -m http.server $$PORT'\n",
        )],
        check: variable,
    },
    Rule {
        id: "enlaces-obsoletos",
        title: "un servicio usa `links`, que ya no hace falta",
        level: Level::Note,
        why: "En la red del proyecto cada servicio ya se encuentra por su nombre; `links` solo añade un orden de arranque que no se ve.",
        fix: "quita `links`; si uno tiene que arrancar después, escribe `depends_on`",
        lesson: "07-redes.html#comunicacion-entre-servicios",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    links: [cache]\n  cache:\n    image: redis:7.4\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    depends_on: [cache]\n  cache:\n    image: redis:7.4\n",
        )],
        check: links,
    },
];

fn version(reading: &Reading, out: &mut Out<'_>) {
    let loaded = reading.loaded();
    for warning in loaded.flat_map(|loaded| &loaded.warnings) {
        let at = &warning.location;
        let line = reading.line(at);
        let key = line.trim_start_matches(['"', '\'']);
        if at.column != 1 || !key.starts_with("version") {
            continue;
        }
        let finding = out.at(at.clone(), "Compose ignora `version`");
        let next = Position {
            line: at.line + 1,
            column: 1,
        };
        finding.patch(at.clone(), next, "");
    }
}

fn tag(reading: &Reading, out: &mut Out<'_>) {
    const MOVING: [&str; 6] = ["alpine", "edge", "lts", "mainline", "slim", "stable"];
    let built: BTreeSet<&str> = reading
        .services()
        .filter(|(_, _, service)| service.build.is_some())
        .filter_map(|(_, _, service)| Some(service.image.as_ref()?.as_str()))
        .collect();
    for (_, _, service) in reading.services() {
        let Some(reference) = official::run_by(reading, service) else {
            continue;
        };
        let Some(image) = &service.image else {
            continue;
        };
        let policy = service.pull_policy.as_ref().map(|policy| policy.as_str());
        let here = built.contains(image.as_str()) || matches!(policy, Some("never" | "build"));
        if here || reference.digest || image.starts_with("sha256:") {
            continue;
        }
        let message = match reference.tag {
            None => format!(
                "`{}` no dice qué versión: Docker toma `latest`",
                image.value
            ),
            Some("latest") => format!(
                "`{}` es otra imagen en cuanto sale una versión",
                image.value
            ),
            Some(tag) if MOVING.contains(&tag) => {
                format!(
                    "`{}` no dice qué versión: `{tag}` es la última",
                    image.value
                )
            }
            Some(_) => continue,
        };
        let finding = out.at(image.location.clone(), message);
        if reference.tag.is_some_and(|tag| tag != "latest") {
            finding.level(Level::Note);
        }
    }
}

fn several(reading: &Reading, out: &mut Out<'_>) {
    const STEMS: [&str; 4] = [
        "compose",
        "docker-compose",
        "compose.override",
        "docker-compose.override",
    ];
    let files = reading.projects.iter().flat_map(|project| &project.files);
    let folders: BTreeSet<&str> = files
        .map(|file| file.rsplit_once('/').map_or("", |(folder, _)| folder))
        .collect();
    for folder in folders {
        let found = compose::found_in(&reading.snapshot, folder);
        for (index, stem) in STEMS.iter().enumerate() {
            let Some(used) = found.get(index / 2) else {
                continue;
            };
            for extension in ["yaml", "yml"] {
                let path = match folder {
                    "" => format!("{stem}.{extension}"),
                    folder => format!("{folder}/{stem}.{extension}"),
                };
                if path != *used && reading.snapshot.file(&path).is_some() {
                    let message = format!("Compose lee `{used}` y no este archivo");
                    out.at(Location::line(path, 1), message);
                }
            }
        }
    }
}

fn commands(service: &Service) -> impl Iterator<Item = (&'static str, &Command)> {
    let both = [
        ("command", &service.command),
        ("entrypoint", &service.entrypoint),
    ];
    both.into_iter()
        .filter_map(|(key, command)| Some((key, command.as_ref()?)))
}

fn operator(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        for (key, command) in commands(service) {
            let Form::Text(text) = &command.form else {
                continue;
            };
            let Some((found, after)) = first_operator(text) else {
                continue;
            };
            let lost = after.split_whitespace().collect::<Vec<_>>().join(" ");
            if lost.is_empty() {
                continue;
            }
            let message = format!("Compose corta `{key}` en `{found}`: `{lost}` no se ejecuta");
            let finding = out.at(command.location.clone(), message);
            if found.ends_with(['<', '>']) {
                finding.level(Level::Warning);
                finding.message = format!("Compose corta `{key}` en `{found}`: no hay redirección");
            }
        }
    }
}

/// The first operator outside of quotes, and what follows it.
fn first_operator(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    let mut last = ' ';
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None | Some('"' | '`'), '\\') => drop(chars.next()),
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'' | '`') => quote = Some(c),
            (None, '(') if last == '$' => quote = Some(')'),
            (None, ';' | '&' | '|' | '<' | '>') => {
                let rest = &text[at..];
                let end = 1 + usize::from(rest[1..].starts_with(c));
                return Some(rest.split_at(end));
            }
            _ => {}
        }
        last = c;
    }
    None
}

/// Whether nothing stands in front of the service's `command` that might change it.
fn runs_as_it_is(reading: &Reading, project: usize, service: &Service) -> bool {
    let no_entrypoint = |image: &Reference<'_>| image.has_no_entrypoint();
    if service.entrypoint.is_some() {
        return false;
    }
    match reading.build_of(project, &service.name) {
        Some(build) => official::build_is(reading, build, "ENTRYPOINT", no_entrypoint),
        None => official::run_by(reading, service).is_some_and(|image| image.has_no_entrypoint()),
    }
}

fn one_word(reading: &Reading, out: &mut Out<'_>) {
    for (project, _, service) in reading.services() {
        for (key, command) in commands(service) {
            let [word] = command.words.as_slice() else {
                continue;
            };
            let split = word.trim().contains(' ') && !word.starts_with(['/', '.']);
            let decided = key == "entrypoint" || runs_as_it_is(reading, project, service);
            if command.form == Form::List && split && decided {
                let message = format!("no hay un programa que se llame `{word}`");
                out.at(command.location.clone(), message);
            }
        }
    }
}

fn variable(reading: &Reading, out: &mut Out<'_>) {
    for (project, _, service) in reading.services() {
        let Some(command) = &service.command else {
            continue;
        };
        let words = &command.words;
        let Some(name) = words.iter().find_map(|word| written::shell_variable(word)) else {
            continue;
        };
        let shell = words.iter().any(|word| written::is_shell(word));
        if !shell && runs_as_it_is(reading, project, service) {
            let message = format!("no hay un shell que sustituya `${name}`: llega tal cual");
            out.at(command.location.clone(), message);
        }
    }
}

fn links(reading: &Reading, out: &mut Out<'_>) {
    for (_, _, service) in reading.services() {
        if let Some(link) = service.links.first() {
            let message = format!("`{}` ya encuentra a los demás sin `links`", service.name);
            out.at(link.location.clone(), message);
        }
    }
}
