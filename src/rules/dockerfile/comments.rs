//! Comments where they are none, and lines that end otherwise than they look.

use crate::rules::files::{self, File, Line};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::{Kind, Word};
use crate::submission::location::Span;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Comentarios y continuaciones",
    rules: &RULES,
};

static RULES: [Rule; 3] = [
    Rule {
        id: "comentario-al-final",
        title: "un comentario al final de una instrucción pasa a ser parte de ella",
        level: Level::Error,
        why: "En un Dockerfile solo es comentario la línea que empieza por `#`. Detrás de una instrucción, `#` y lo que sigue son texto de la instrucción.",
        fix: "pon el comentario en su propia línea, encima de la instrucción",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN useradd -m app\nWORKDIR /app # código\nUSER app # sin root\nCMD [\"python\", \"-V\"] # versión\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN useradd -m app # un usuario\n# código\nWORKDIR /app\n# sin root\nUSER app\n# versión\nCMD [\"python\", \"-V\"]\n",
        )],
        check: trailing,
    },
    Rule {
        id: "comentario-que-se-traga-ordenes",
        title: "un comentario dentro de un `RUN` continuado anula las líneas que siguen",
        level: Level::Error,
        why: "Docker une las líneas que acaban en `\\` antes de dárselas al shell: para él todo lo que va detrás de `#` es comentario, también las órdenes de las líneas siguientes.",
        fix: "pon el comentario en su propia línea: ahí Docker lo quita antes de unir",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN mkdir /datos \\ \n    && touch /datos/a # marca \\\n    && chmod 700 /datos\nCMD [\"ls\", \"/datos\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN mkdir /datos \\\n    # marca\n    && touch /datos/a \\\n    && chmod 700 /datos\nCMD [\"ls\", \"/datos\"]\n",
        )],
        check: swallowing,
    },
    Rule {
        id: "linea-vacia-en-continuacion",
        title: "hay una línea vacía en medio de una instrucción",
        level: Level::Warning,
        why: "Docker todavía la salta, pero avisa de que dejará de aceptarla: entonces la instrucción acabará ahí.",
        fix: "borra la línea vacía, o escribe en ella un comentario",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["BuildKit NoEmptyContinuation"],
        wrong: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN mkdir /a \\\n\n    && mkdir /b\nCMD [\"ls\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN mkdir /a \\\n    && mkdir /b\nCMD [\"ls\"]\n",
        )],
        check: blank,
    },
];

/// Where in `text` a comment seems to begin: a `#` behind a blank, with a blank or a letter behind it.
fn comment_in(text: &str) -> Option<usize> {
    text.match_indices('#').map(|(at, _)| at).find(|&at| {
        let before = text[..at].chars().next_back();
        at > 0 && before.is_some_and(char::is_whitespace)
    })
}

fn trailing(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for line in file.lines().filter(|line| !file.refused(line.instruction)) {
            if let Some((at, message, level)) = misplaced(file, line) {
                let finding = out.span(file.dockerfile, at, message).level(level);
                let text = file.text(Span::new(line.instruction.span.start, at.start));
                let kept = text.trim_end().len();
                let from = line.instruction.span.start + kept;
                file.mend(finding, Span::new(from, at.end), "");
            }
        }
    }
}

/// What is no comment in an instruction: where, what comes of it, and how bad that is.
fn misplaced(file: File<'_>, line: Line<'_>) -> Option<(Span, String, Level)> {
    let instruction = line.instruction;
    let inside = |word: &Word| {
        let at = comment_in(&word.written)?;
        (!word.written.starts_with(['"', '\'']))
            .then_some(Span::new(word.span.start + at, word.span.end))
    };
    let alone = |words: &[Word]| {
        words
            .iter()
            .find(|word| word.written.starts_with('#'))
            .map(|word| word.span)
    };
    let to_end = |span: Span| Span::new(span.start, instruction.span.end);
    Some(match &instruction.kind {
        Kind::User(word) => {
            let span = inside(word)?;
            (
                span,
                format!(
                    "el usuario pasa a llamarse `{}`, y el contenedor no arranca",
                    word.written
                ),
                Level::Error,
            )
        }
        Kind::Workdir(word) => {
            let span = inside(word)?;
            (
                span,
                format!("la carpeta pasa a llamarse `{}`", word.written),
                Level::Warning,
            )
        }
        Kind::Transfer(transfer) => {
            let span = alone(&transfer.sources)?;
            let last = &transfer.destination.written;
            (
                to_end(span),
                format!("`#` pasa a ser un archivo más que copiar y `{last}` el destino"),
                Level::Error,
            )
        }
        Kind::Volume(words) => {
            let span = alone(words)?;
            (
                to_end(span),
                "cada palabra del comentario pasa a ser un volumen más".to_owned(),
                Level::Warning,
            )
        }
        Kind::Env(pairs) if pairs.first().is_some_and(|pair| pair.legacy) => {
            let pair = &pairs[0];
            let span = inside(pair.value.as_ref()?)?;
            (
                span,
                format!("el comentario entra en el valor de `{}`", pair.name.text()),
                Level::Warning,
            )
        }
        _ => {
            let command = instruction
                .command()
                .filter(|command| command.broken_array)?;
            let text = file.text(command.span);
            let at = text.rfind("]").map(|end| end + 1)?;
            let at = text.char_indices().map(|(at, _)| at).find(|&start| {
                start <= at
                    && text[..start].ends_with(']')
                    && text[start..].trim_start().starts_with('#')
                    && serde_json::from_str::<Vec<String>>(&text[..start]).is_ok()
            })?;
            let at = at + text[at..].find('#')?;
            let span = Span::new(command.span.start + at, command.span.end);
            let message = format!(
                "con el comentario detrás, los corchetes dejan de ser una lista: el shell busca un programa llamado `{}`",
                text[..at]
                    .split(',')
                    .next()
                    .unwrap_or(text)
                    .trim()
                    .replace('"', "")
            );
            (span, message, Level::Error)
        }
    })
}

fn swallowing(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for line in file.lines() {
            for comment in &line.script.comments {
                let text = file.text(*comment);
                let Some((first, rest)) = text.split_once('\n') else {
                    continue;
                };
                let lost = rest
                    .lines()
                    .map(str::trim)
                    .find(|line| !line.is_empty() && !line.starts_with('#'));
                let Some(lost) = lost else { continue };
                let lost = lost.trim_end_matches(['\\', '`']).trim_end();
                let span = Span::new(comment.start, comment.start + first.trim_end().len());
                out.span(
                    file.dockerfile,
                    span,
                    format!(
                        "lo que sigue se queda dentro del comentario y no se ejecuta: `{lost}`"
                    ),
                );
            }
        }
    }
}

fn blank(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for span in &file.dockerfile.blank_continuations {
            out.span(
                file.dockerfile,
                *span,
                "la instrucción sigue debajo de esta línea vacía".to_owned(),
            );
        }
    }
}
