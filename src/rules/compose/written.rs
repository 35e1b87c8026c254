//! What stands at a place of a file, before Compose put variables in.

use crate::submission::{Location, Reading};
use crate::verdict::{Level, Position};

/// The line of `location` from its column on; empty when there is none.
pub(super) fn rest<'r>(reading: &'r Reading, location: &Location) -> &'r str {
    let line = reading.line(location);
    let start = line.char_indices().nth(location.column.saturating_sub(1));
    start.map_or("", |(at, _)| &line[at..])
}

/// Whether the value that starts at `location`, or whose key does, is written there whole and without variables.
pub(super) fn is_literal(reading: &Reading, location: &Location) -> bool {
    let rest = rest(reading, location).trim_end();
    let value = rest
        .split_once(": ")
        .map_or(rest, |(_, value)| value.trim());
    let elsewhere = ['*', '|', '>', '&'].iter().any(|c| value.starts_with(*c));
    !rest.is_empty() && !rest.contains('$') && !rest.ends_with(':') && !elsewhere
}

/// How grave a fault is that is certain as long as the value at `location` is what the files say; nothing when
/// only whoever starts the project knows that value.
pub(super) fn certain(reading: &Reading, location: &Location) -> Option<Level> {
    if is_literal(reading, location) {
        return Some(Level::Error);
    }
    has_value(reading, location).then_some(Level::Warning)
}

/// Whether the files themselves give every variable on the line of `location` a value.
pub(super) fn has_value(reading: &Reading, location: &Location) -> bool {
    let rest = rest(reading, location).replace("$$", "");
    rest.split('$').skip(1).all(|after| {
        let name = after.strip_prefix('{').unwrap_or_default();
        let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
        let form = end.map_or("", |end| &name[end..]);
        form.starts_with('-') || form.starts_with(":-")
    })
}

/// Behind the character `chars` characters after `location`, on the same line.
pub(super) fn behind(location: &Location, chars: usize) -> Position {
    Position {
        line: location.line,
        column: location.column + chars,
    }
}

/// The name of a variable that is left in `text` for a shell: `$NAME` or `${NAME}`, in capitals.
pub(in crate::rules) fn shell_variable(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('$') {
        let name = after.strip_prefix('{').unwrap_or(after);
        let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let end = name.find(|c| !is_part(c)).unwrap_or(name.len());
        if end >= 2 && name.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Some(&name[..end]);
        }
        rest = after;
    }
    None
}

/// Whether `word` starts a shell.
pub(in crate::rules) fn is_shell(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    ["sh", "bash", "ash", "dash", "zsh", "ksh", "env", "busybox"].contains(&name)
}
