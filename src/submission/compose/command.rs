//! `command` and `entrypoint`.

use super::fields::{Read, invalid, text};
use crate::submission::location::Location;
use crate::submission::yaml::Node;

/// A `command` or an `entrypoint` that is written, be it as null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Where the value is.
    pub location: Location,
    /// The words; Compose takes a string apart as a shell would, but runs no shell,
    /// and drops all from the first `;`, `&`, `|`, `<` or `>` on: compare with [`Form::Text`].
    pub words: Vec<String>,
    /// How it is written.
    pub form: Form,
}

/// How a command is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Null: the image's own stays, as if the key was not there.
    Null,
    /// One string, as written. An empty one clears the image's own.
    Text(String),
    /// A list. An empty one clears the image's own.
    List,
}

impl Command {
    pub(super) fn read(node: &Node, key: &str) -> Read<Self> {
        let (words, form) = match (node.seq(), text(node)) {
            (Some(items), _) => (items.iter().filter_map(text).collect(), Form::List),
            (None, None) => (Vec::new(), Form::Null),
            (None, Some(written)) => match words(&written) {
                Some(words) => (words, Form::Text(written)),
                None => {
                    return invalid(
                        &node.location,
                        format!(
                            "Compose no puede separar en palabras `{key}` (`{}`): revisa comillas y paréntesis, o escríbelo como lista",
                            written.trim_end()
                        ),
                    );
                }
            },
        };
        Ok(Self {
            location: node.location.clone(),
            words,
            form,
        })
    }
}

/// Takes a command apart as `mattn/go-shellwords` does it for Compose: quotes and backslashes, but no variables.
/// It stops without a word at the first `;`, `&`, `|`, `<` or `>`: what follows never runs.
/// Nothing when a quote stays open, or at a parenthesis.
fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut in_word = false;
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (None | Some('"' | '`'), '\\') => {
                word.push(match chars.next()? {
                    'n' => '\n',
                    't' => '\t',
                    c => c,
                });
                in_word = true;
            }
            (Some(open), c) if c == open => {
                quote = None;
                if matches!(c, '`' | ')') {
                    word.push(c);
                }
            }
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => {
                quote = Some(c);
                in_word = true;
            }
            (None, '`') => {
                quote = Some(c);
                in_word = true;
                word.push(c);
            }
            (None, '(') if word.ends_with('$') => {
                quote = Some(')');
                word.push(c);
            }
            (None, '(' | ')') => return None,
            (None, ';' | '&' | '|' | '<' | '>') => {
                // `2>` takes its number along.
                if c == '>' && word.starts_with(|c: char| c.is_ascii_digit()) {
                    in_word = false;
                }
                break;
            }
            (None, ' ' | '\t' | '\r' | '\n') => {
                if in_word {
                    words.push(std::mem::take(&mut word));
                }
                in_word = false;
            }
            (None, c) => {
                word.push(c);
                in_word = true;
            }
        }
    }
    if in_word {
        words.push(word);
    }
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_string_is_taken_apart_without_a_shell() {
        let table: [(&str, &[&str]); 8] = [
            ("python -m app", &["python", "-m", "app"]),
            ("echo \"a b\" 'c d'", &["echo", "a b", "c d"]),
            ("sh -c 'a && b | c'", &["sh", "-c", "a && b | c"]),
            ("a && b", &["a"]),
            ("echo $HOME", &["echo", "$HOME"]),
            ("a\\ b \"\\\"\"", &["a b", "\""]),
            ("a '' b", &["a", "", "b"]),
            ("  ", &[]),
        ];
        for (text, meant) in table {
            assert_eq!(
                words(text).as_deref(),
                Some(
                    meant
                        .iter()
                        .map(|w| (*w).to_owned())
                        .collect::<Vec<_>>()
                        .as_slice()
                ),
                "{text}"
            );
        }
        for bad in ["a \"b", "a (b)", "a \\"] {
            assert_eq!(words(bad), None, "{bad}");
        }
    }
}
