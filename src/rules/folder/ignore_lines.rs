//! The lines of a `.dockerignore`, and the copies that it matters to.

use std::collections::BTreeSet;

use super::copies::{self, Copied, Source};
use crate::submission::Reading;
use crate::submission::location::Location;
use crate::submission::reading::ImageBuild;
use crate::verdict::Position;

/// A line of a `.dockerignore` that is a pattern.
pub(super) struct Line {
    pub(super) number: usize,
    column: usize,
    pub(super) exception: bool,
    /// Without the `!` and the blanks around.
    pub(super) pattern: String,
    pub(super) written: String,
}

impl Line {
    pub(super) fn end(&self) -> Position {
        Position {
            line: self.number,
            column: self.column + self.written.chars().count(),
        }
    }

    pub(super) fn location(&self, file: &str) -> Location {
        Location {
            file: file.to_owned(),
            line: self.number,
            column: self.column,
        }
    }
}

pub(super) fn lines(reading: &Reading, file: &str) -> Vec<Line> {
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
pub(super) fn read_by(reading: &Reading) -> Vec<(&str, &ImageBuild, Vec<Line>)> {
    let mut seen = BTreeSet::new();
    let files = reading.builds.iter().filter_map(|build| {
        let file = build.ignore.as_ref()?.file()?;
        seen.insert(file)
            .then(|| (file, build, lines(reading, file)))
    });
    files.collect()
}

/// The copies that take everything and stay in the image, one of each build.
pub(super) fn broad<'r>(reading: &'r Reading) -> Vec<(Copied<'r>, Source<'r>)> {
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
