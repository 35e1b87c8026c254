//! What is wrong with an `exercise.toml`, and where, in the words of its author.

use std::fmt;
use std::ops::Range;

use crate::submission::Location;

/// One fault of an `exercise.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where it stands.
    pub location: Location,
    /// What is wrong, in Spanish.
    pub message: String,
    /// What was probably meant.
    pub suggestion: Option<String>,
}

impl Fault {
    /// A fault without a suggestion.
    pub fn new(location: Location, message: impl Into<String>) -> Self {
        Self {
            location,
            message: message.into(),
            suggestion: None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Location { file, line, column } = &self.location;
        write!(f, "{file}:{line}:{column}: {}", self.message)?;
        match &self.suggestion {
            Some(word) => write!(f, "; ¿quisiste decir `{word}`?"),
            None => Ok(()),
        }
    }
}

/// The faults, one a line.
pub fn lines(faults: &[Fault]) -> String {
    faults
        .iter()
        .map(Fault::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// The candidate that looks most like `word`, if any looks enough like it.
pub fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate.to_owned())
}

/// A text file whose byte offsets become places.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// The file's path.
    pub file: &'a str,
    /// Its content.
    pub text: &'a str,
}

impl Text<'_> {
    /// Where the byte at `span`'s start stands.
    pub fn at(&self, span: &Range<usize>) -> Location {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line = before.rsplit('\n').next().unwrap_or(before);
        Location {
            file: self.file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: line.chars().count() + 1,
        }
    }

    /// The fault `message` at `span`.
    pub fn fault(&self, span: &Range<usize>, message: impl Into<String>) -> Fault {
        Fault::new(self.at(span), message)
    }

    /// `error` of the TOML reader in Spanish; `fallback` is its place when it has none of its own.
    pub fn toml_fault(&self, error: &toml::de::Error, fallback: Range<usize>) -> Fault {
        let mut span = error.span().unwrap_or(fallback);
        if span.is_empty()
            && span.start > 0
            && self
                .text
                .get(span.start..)
                .is_some_and(|rest| rest.trim().is_empty())
        {
            // The end of the file: its last line with text is the one to look at.
            span.start = self.text.trim_end().len();
        }
        let (message, suggestion) = translate(error.message());
        Fault {
            location: self.at(&span),
            message,
            suggestion,
        }
    }
}

/// The texts between backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

/// serde's and toml's English messages in Spanish, and what was probably meant.
fn translate(message: &str) -> (String, Option<String>) {
    let words = quoted(message);
    let first = words.first().copied().unwrap_or_default();
    let expected = words.get(1..).unwrap_or_default();
    if message.starts_with("unknown field") {
        let known = if expected.is_empty() {
            "aquí no va ninguna".to_owned()
        } else {
            format!("aquí van {}", list(expected))
        };
        let suggestion = did_you_mean(first, expected.iter().copied());
        (
            format!("no conozco la clave `{first}` ({known})"),
            suggestion,
        )
    } else if message.starts_with("unknown variant") {
        let suggestion = did_you_mean(first, expected.iter().copied());
        (
            format!(
                "`{first}` no es uno de los valores posibles: {}",
                list(expected)
            ),
            suggestion,
        )
    } else if message.starts_with("missing field") {
        (format!("falta la clave `{first}`"), None)
    } else if message.starts_with("duplicate") {
        (
            format!("la clave {}está repetida", quote_if_any(first)),
            None,
        )
    } else if let Some(rest) = message.strip_prefix("invalid type: ") {
        let (found, wanted) = rest.split_once(", expected ").unwrap_or((rest, ""));
        (
            format!("aquí va {}, pero encontré {}", kind(wanted), kind(found)),
            None,
        )
    } else if let Some(rest) = message.strip_prefix("invalid value: ") {
        let (found, wanted) = rest.split_once(", expected ").unwrap_or((rest, ""));
        (
            format!("{} no vale aquí: hace falta {}", kind(found), kind(wanted)),
            None,
        )
    } else {
        (
            format!("el TOML no se puede leer: {}", syntax(message)),
            None,
        )
    }
}

fn quote_if_any(word: &str) -> String {
    if word.is_empty() {
        String::new()
    } else {
        format!("`{word}` ")
    }
}

fn list(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    words.join(", ")
}

/// serde's name of a type, with the value when it gives one.
fn kind(text: &str) -> String {
    const KINDS: [(&str, &str); 15] = [
        ("a string", "un texto entre comillas"),
        ("string", "el texto"),
        ("a sequence", "una lista"),
        ("sequence", "una lista"),
        ("a map", "una tabla"),
        ("map", "una tabla"),
        ("struct", "una tabla"),
        ("a boolean", "`true` o `false`"),
        ("boolean", "el valor"),
        ("floating point", "el número"),
        ("integer", "el número"),
        ("a nonzero", "un número entero mayor que cero"),
        ("f32", "un número"),
        ("f64", "un número"),
        ("u8", "un número entero de 0 a 255"),
    ];
    let name = match text {
        "u16" => "un número entero de 0 a 65535",
        "u32" | "u64" | "u128" | "usize" => "un número entero, cero o mayor",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "un número entero",
        _ => match KINDS.iter().find(|(english, _)| text.starts_with(english)) {
            Some((_, name)) => name,
            None => return text.to_owned(),
        },
    };
    // `string "abc"`, `integer `3``: the value follows the type's name.
    match text.split_once(['"', '`']) {
        Some((_, value)) => format!("{name} `{}`", value.trim_end_matches(['"', '`'])),
        None => name.to_owned(),
    }
}

/// The commonest slips of TOML in Spanish; what is rare stays in the reader's own words.
fn syntax(message: &str) -> String {
    const SLIPS: [(&str, &str); 8] = [
        (
            "missing comma",
            "antes de esto falta una coma, o cerrar la lista con `]`",
        ),
        (
            "string values must be quoted",
            "los textos van entre comillas",
        ),
        ("key with no value", "a esta clave le falta `= valor`"),
        ("missing assignment", "entre la clave y el valor va un `=`"),
        (
            "unclosed array",
            "a esta lista le falta cerrar el corchete `]`",
        ),
        (
            "unclosed table",
            "a este encabezado le falta cerrar el corchete `]`",
        ),
        (
            "unexpected key or value",
            "aquí sobra algo: cada clave va en su propia línea",
        ),
        (
            "invalid basic string",
            "a este texto le falta cerrar las comillas",
        ),
    ];
    SLIPS
        .iter()
        .find(|(english, _)| message.starts_with(english))
        .map_or_else(|| message.to_owned(), |(_, spanish)| (*spanish).to_owned())
}
