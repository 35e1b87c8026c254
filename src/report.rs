//! Verdicts and findings made visible: one file per format.

pub mod github;
pub mod json;
pub mod reference;
pub mod sarif;
pub mod snippet;
pub mod terminal;

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use crate::submission::Reading;
use crate::verdict::{Level, StaticFinding};

/// How much was read, and how much was found.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Dockerfiles and compose files.
    pub files: usize,
    /// Findings of level error.
    pub errors: usize,
    /// Findings of level warning.
    pub warnings: usize,
    /// Findings of level note.
    pub notes: usize,
    /// Findings that a file's comments asked not to be told of.
    pub silenced: usize,
}

impl Counts {
    /// Adds one folder's.
    pub fn add(&mut self, reading: &Reading, findings: &[StaticFinding]) {
        let of = |level| {
            findings
                .iter()
                .filter(|finding| finding.level == level)
                .count()
        };
        self.files += reading.files();
        self.errors += of(Level::Error);
        self.warnings += of(Level::Warning);
        self.notes += of(Level::Note);
    }

    /// One line that tells them.
    pub fn summary(&self, elapsed: Duration) -> String {
        let some = |count: usize, one: &str, many: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {many}"),
        };
        let files = some(self.files, "archivo", "archivos");
        let mut text = format!(
            "{files} en {} ms · {} · {} · {}\n",
            elapsed.as_millis(),
            some(self.errors, "error", "errores"),
            some(self.warnings, "aviso", "avisos"),
            some(self.notes, "nota", "notas"),
        );
        if self.silenced > 0 {
            let _ = writeln!(
                text,
                "{} que los comentarios del archivo piden callar",
                some(self.silenced, "hallazgo", "hallazgos")
            );
        }
        if self.errors + self.warnings + self.notes > 0 {
            let _ = writeln!(text, "Para saber más de una regla: muelle explain REGLA");
        }
        text
    }
}

/// Writes `text` on standard output; colours only where they are wanted.
///
/// # Errors
/// When standard output cannot be written.
pub fn write(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}

/// The path `file` of a folder that was asked for as `root`, as whoever asked would write it.
pub fn under(root: &str, file: &str) -> String {
    match root.trim_end_matches('/') {
        "" | "." => file.to_owned(),
        root => format!("{root}/{file}"),
    }
}
