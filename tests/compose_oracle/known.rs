//! The differences that stay, each with its reason.

use muelle::submission::compose::ComposeError;

use super::Answer;
use super::case::Case;
use super::theirs::Refusal;

/// A difference that is meant to be there: its name, why, and how it is known.
struct Class {
    name: &'static str,
    /// For the reader, and for the table in `tests/README.md`.
    #[expect(dead_code, reason = "it is there to be read")]
    why: &'static str,
    is: fn(text: &str, ours: Side, theirs: Side) -> bool,
}

/// What one side complains about; nothing when it accepts.
type Side<'a> = Option<&'a str>;

const CLASSES: [Class; 7] = [
    Class {
        name: "port no engine takes",
        why: "`config` lets `target: 0`, `published: abc` and `published: 99999` through and `up` fails: told here",
        is: |_, ours, theirs| theirs.is_none() && says(ours, "no es un número (ni un rango"),
    },
    Class {
        name: "negative duration",
        why: "`config` lets `interval: -1s` through and the engine refuses it: told here",
        is: |_, ours, theirs| theirs.is_none() && says(ours, "no es una duración: `-"),
    },
    Class {
        name: "volume with four parts",
        why: "`config` takes `x:y:z:w` for the path `x:y` mounted at `z:w`, which no engine mounts: told here",
        is: |_, ours, theirs| theirs.is_none() && says(ours, "tiene demasiados `:`"),
    },
    Class {
        name: "braces never closed",
        why: "`${A:-${B}` without its last brace: Compose drops the rest of the text without a word; told here",
        is: |_, ours, theirs| theirs.is_none() && says(ours, "no es una variable válida"),
    },
    Class {
        name: "cannot be printed",
        why: "Compose loads `ssh: {k: ./k}` and then fails to print it as JSON",
        is: |_, ours, theirs| ours.is_none() && says(theirs, "error calling MarshalJSON"),
    },
    Class {
        name: "rare YAML",
        why: "`!!binary` is not decoded and `%YAML 1.2` is taken: no compose file has either",
        is: |text, _, _| text.contains("!!binary") || text.starts_with("%YAML"),
    },
    Class {
        name: "where a quote opens",
        why: "an unclosed quote in an env file: Compose names the last line, we the one that opens it",
        is: |_, ours, theirs| {
            says(ours, "no se cierra") && says(theirs, "unterminated quoted value")
        },
    },
];

fn says(side: Side, what: &str) -> bool {
    side.is_some_and(|complaint| complaint.contains(what))
}

/// The class of a difference that is meant to be there.
pub fn class(
    case: &Case,
    ours: &Answer<ComposeError>,
    theirs: &Answer<Refusal>,
) -> Option<&'static str> {
    let ours = ours.as_ref().err().map(ToString::to_string);
    let theirs = theirs
        .as_ref()
        .err()
        .map(|refusal| refusal.message.as_str());
    let text = case.tree.first().map_or("", |(_, text)| text);
    let is = |class: &&Class| (class.is)(text, ours.as_deref(), theirs);
    CLASSES.iter().find(is).map(|class| class.name)
}
