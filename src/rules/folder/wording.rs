//! How messages name files and lines.

use crate::submission::Reading;

/// A line of a file, trimmed.
pub(super) fn line_of(reading: &Reading, file: &str, line: usize) -> String {
    let bytes = reading.snapshot.file(file).cloned().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let line = text.lines().nth(line - 1).unwrap_or_default();
    line.trim().trim_start_matches('\u{feff}').to_owned()
}

/// Up to three names, and how many more there are.
pub(super) fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, second] => format!("{first} y {second}"),
        [first, second, third] => format!("{first}, {second} y {third}"),
        [first, second, rest @ ..] => format!("{first}, {second} y {} más", rest.len()),
    }
}
