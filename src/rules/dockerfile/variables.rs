//! The variables of a Dockerfile.

use crate::rules::files::{self, File, Line};
use crate::rules::folder::delayed_output;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::Kind;
use crate::submission::dockerfile::instruction::Pair;
use crate::submission::shell::Simple;
use crate::verdict::Level;
use std::collections::BTreeSet;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Variables del Dockerfile",
    rules: &RULES,
};

static RULES: [Rule; 4] = [
    Rule {
        id: "env-sin-igual",
        title: "un `ENV` está escrito a la antigua, sin `=`",
        level: Level::Note,
        why: "Así todo lo que sigue al nombre es el valor, también lo que parece otra variable; el constructor avisa de que no se debe usar.",
        fix: "escribe `ENV NOMBRE=valor`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["BuildKit LegacyKeyValueFormat"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV PYTHONUNBUFFERED 1\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV PYTHONUNBUFFERED=1\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: legacy,
    },
    Rule {
        id: "variable-sin-definir",
        title: "se usa una variable que no está definida",
        level: Level::Warning,
        why: "Docker pone en su lugar un texto vacío y sigue sin avisar.",
        fix: "defínela antes con `ENV` o `ARG` en la misma etapa, o dale un valor por defecto: `${NOMBRE:-valor}`",
        lesson: "06-entorno.html#archivo-env",
        equivalents: &["BuildKit UndefinedVar"],
        wrong: &[(
            "Dockerfile",
            "ARG CARPETA=/app\nFROM python:3.11-slim\nWORKDIR $CARPETA\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "ARG CARPETA=/app\nFROM python:3.11-slim\nARG CARPETA\nWORKDIR $CARPETA\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: undefined,
    },
    Rule {
        id: "variable-de-otra-etapa",
        title: "una orden usa una variable que se define en otra etapa",
        level: Level::Warning,
        why: "`ARG` y `ENV` valen en su etapa y en las que parten de ella; debajo de otro `FROM` no existen.",
        fix: "repite `ARG NOMBRE` o `ENV NOMBRE=…` en esta etapa",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS uno\nENV DATOS=/datos\nRUN mkdir $DATOS\nFROM python:3.11-slim\nCOPY --from=uno /datos /datos\nRUN ls \"$DATOS\"\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS uno\nENV DATOS=/datos\nRUN mkdir $DATOS\nFROM python:3.11-slim\nENV DATOS=/datos\nCOPY --from=uno /datos /datos\nRUN ls \"$DATOS\"\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: elsewhere,
    },
    Rule {
        id: "salida-con-retraso",
        title: "nada hace que Python escriba al momento lo que imprime",
        level: Level::Note,
        why: "En un contenedor, sin `PYTHONUNBUFFERED` ni `-u`, Python junta lo que imprimes antes de escribirlo: `docker logs` lo enseña tarde, o nunca si el proceso cae. `ENV` no pasa de una etapa a otra con `COPY --from`.",
        fix: "escribe en la última etapa `ENV PYTHONUNBUFFERED=1`",
        lesson: "08-buenas-practicas.html#logging-estructurado",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS uno\nENV PYTHONUNBUFFERED=1\nRUN python -m venv /venv\nFROM python:3.11-slim\nCOPY --from=uno /venv /venv\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS uno\nENV PYTHONUNBUFFERED=1\nRUN python -m venv /venv\nFROM python:3.11-slim\nENV PYTHONUNBUFFERED=1\nCOPY --from=uno /venv /venv\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: delayed_output::check,
    },
];

/// Every pair of an `ENV` or `ARG`.
pub(super) fn pairs(reading: &Reading) -> impl Iterator<Item = (File<'_>, Line<'_>, &Pair)> {
    files::all(reading).flat_map(|file| {
        file.lines()
            .filter(|line| matches!(line.instruction.kind, Kind::Env(_) | Kind::Arg(_)))
            .flat_map(move |line| {
                line.instruction
                    .pairs()
                    .iter()
                    .map(move |pair| (file, line, pair))
            })
    })
}

fn legacy(reading: &Reading, out: &mut Out<'_>) {
    for (file, line, pair) in pairs(reading).filter(|(_, _, pair)| pair.legacy) {
        let Some(value) = &pair.value else { continue };
        let name = pair.name.text();
        let text = &value.written;
        let bare = !text.contains([' ', '\t', '\'', '"', '\\', '#', '\n']);
        let finding = out.span(
            file.dockerfile,
            line.instruction.span,
            format!("`{name}` y su valor van sin `=`"),
        );
        if bare {
            file.mend(
                finding,
                pair.name.span.to(value.span),
                format!("{}={text}", pair.name.written),
            );
        } else if !text.contains(['"', '\\', '$', '#', '\n']) {
            file.mend(
                finding,
                pair.name.span.to(value.span),
                format!("{}=\"{text}\"", pair.name.written),
            );
        }
    }
}

/// Every variable that `ARG` or `ENV` sets in the file, with its stage.
fn set(file: File<'_>) -> BTreeSet<(Option<usize>, &str)> {
    file.lines()
        .filter(|line| matches!(line.instruction.kind, Kind::Env(_) | Kind::Arg(_)))
        .flat_map(|line| {
            line.instruction
                .pairs()
                .iter()
                .map(move |pair| (line.instruction.stage, pair.name.text()))
        })
        .collect()
}

/// What the known bases set: no more than these.
const SET: &str = "PATH LANG GPG_KEY PYTHON_VERSION PYTHON_SHA256 PYTHON_PIP_VERSION PYTHON_SETUPTOOLS_VERSION \
    PYTHON_GET_PIP_URL PYTHON_GET_PIP_SHA256 NODE_VERSION YARN_VERSION DEBIAN_FRONTEND TERM LC_ALL NGINX_VERSION \
    NJS_VERSION NJS_RELEASE PKG_RELEASE DYNPKG_RELEASE ACME_VERSION";

fn is_set_by_bases(name: &str) -> bool {
    SET.split_whitespace().any(|set| set == name)
}

fn undefined(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        let all = set(file);
        for line in file.lines() {
            let Some(stage) = line.instruction.stage else {
                continue;
            };
            let Some(base) = file.known(stage) else {
                continue;
            };
            if !["python", "node", "debian", "ubuntu", "alpine"].contains(&base.name)
                || line.is("FROM")
                || line.is("ONBUILD")
            {
                continue;
            }
            for (word, own) in words_of(line) {
                for variable in word
                    .variables
                    .iter()
                    .filter(|variable| !variable.defined && !variable.guarded)
                {
                    let name = variable.name.as_str();
                    // `ENV X=$X:…` adds to what may be there.
                    if is_set_by_bases(name) || own == Some(name) {
                        continue;
                    }
                    let above = all.contains(&(None, name));
                    let other = all
                        .iter()
                        .any(|(at, set)| *set == name && at.is_some_and(|at| at != stage));
                    let message = if name == "HOME" {
                        "al construir, `HOME` no está definida para esta instrucción: queda vacía"
                            .to_owned()
                    } else if above {
                        format!(
                            "el `ARG {name}` de encima del `FROM` no entra en la etapa: aquí `{name}` queda vacía"
                        )
                    } else if other {
                        format!(
                            "`{name}` se define en otra etapa, y de ahí no pasa: aquí queda vacía"
                        )
                    } else {
                        let names = all
                            .iter()
                            .filter(|(at, _)| *at == Some(stage))
                            .map(|(_, set)| *set);
                        let near = names
                            .map(|set| (strsim::jaro_winkler(name, set), set))
                            .filter(|(likeness, _)| *likeness > 0.9);
                        let near = near
                            .max_by(|a, b| a.0.total_cmp(&b.0))
                            .map(|(_, set)| format!("; ¿quisiste decir `{set}`?"));
                        format!(
                            "nada define `{name}` en esta etapa: queda vacía{}",
                            near.unwrap_or_default()
                        )
                    };
                    out.span(file.dockerfile, variable.span, message);
                }
            }
        }
    }
}

/// The words of an instruction in which variables are put in, and the name that each is the value of.
fn words_of(line: Line<'_>) -> Vec<(&crate::submission::dockerfile::Word, Option<&str>)> {
    match &line.instruction.kind {
        Kind::Transfer(transfer) => transfer
            .sources
            .iter()
            .chain([&transfer.destination])
            .map(|word| (word, None))
            .collect(),
        Kind::Env(pairs) | Kind::Label(pairs) => pairs
            .iter()
            .filter_map(|pair| Some((pair.value.as_ref()?, Some(pair.name.text()))))
            .collect(),
        Kind::Expose(words) | Kind::Volume(words) => {
            words.iter().map(|word| (word, None)).collect()
        }
        Kind::Workdir(word) | Kind::User(word) => vec![(word, None)],
        _ => Vec::new(),
    }
}

/// The variables that a `RUN`'s shell puts in, `${X:-…}` left out; for `ENV` those of its values.
pub(super) fn names_in(line: Line<'_>) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    if matches!(line.instruction.kind, Kind::Env(_)) {
        for pair in line.instruction.pairs() {
            let variables = pair.value.iter().flat_map(|word| &word.variables);
            names.extend(variables.map(|variable| variable.name.as_str()));
        }
    }
    for command in line.run() {
        let words = command
            .words
            .iter()
            .chain(&command.assignments)
            .chain(command.redirects.iter().map(|r| &r.target));
        for word in words.filter(|word| word.expands) {
            names.extend(names_of(&word.text));
        }
    }
    names
}

fn names_of(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    for (at, _) in text.match_indices('$') {
        let rest = &text[at + 1..];
        let (rest, braced) = match rest.strip_prefix('{') {
            Some(rest) => (rest, true),
            None => (rest, false),
        };
        let end = rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        if end > 0
            && (!braced || rest[end..].starts_with('}'))
            && !rest.starts_with(|c: char| c.is_ascii_digit())
        {
            names.push(&rest[..end]);
        }
    }
    names
}

fn elsewhere(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        let all = set(file);
        for line in file
            .lines()
            .filter(|line| line.script.through_shell && line.script.understood)
        {
            let Some(stage) = line.instruction.stage else {
                continue;
            };
            let mut here: BTreeSet<Option<usize>> = file
                .dockerfile
                .lineage(stage)
                .map(|stage| Some(stage.index))
                .collect();
            here.insert(Some(stage));
            // Whatever the shell itself may set.
            let sets = |name: &str| {
                let commands: &[Simple] = line.run();
                commands.iter().any(|command| {
                    let start = format!("{name}=");
                    command
                        .assignments
                        .iter()
                        .chain(&command.words)
                        .any(|word| word.text.starts_with(&start) || word.text == name)
                        || matches!(command.program(), Some("." | "source" | "eval"))
                }) || file
                    .text(line.instruction.span)
                    .contains(&format!("for {name} "))
            };
            let known = ["python", "node", "debian", "ubuntu", "alpine", "nginx"];
            if !file
                .known(stage)
                .is_some_and(|base| known.contains(&base.name))
            {
                continue;
            }
            for name in names_in(line) {
                let set_here = all
                    .iter()
                    .any(|(at, set)| *set == name && here.contains(at));
                let builder = is_set_by_bases(name)
                    || name.starts_with("TARGET")
                    || name.starts_with("BUILD")
                    || name == "PATH"
                    || name == "HOME"
                    || name.to_lowercase().ends_with("_proxy");
                let there = all
                    .iter()
                    .find(|(at, set)| *set == name && !here.contains(at));
                let (Some((at, _)), false) = (there, set_here || builder || sets(name)) else {
                    continue;
                };
                let Some(command) = line.run().iter().find(|command| {
                    command
                        .words
                        .iter()
                        .chain(&command.assignments)
                        .any(|word| word.expands && names_of(&word.text).contains(&name))
                }) else {
                    continue;
                };
                let place = if at.is_none() {
                    "encima del primer `FROM`"
                } else {
                    "en otra etapa"
                };
                out.span(
                    file.dockerfile,
                    command.span,
                    format!("`{name}` solo se define {place}: aquí queda vacía"),
                );
            }
        }
    }
}
