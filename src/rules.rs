//! The catalogue of rules: what reading alone can find. One file per topic.
//!
//! Precision first: a rule that accuses a correct file is a defect. What cannot be known by reading (the value of a
//! variable, what a base image holds, whether a context is the one the student builds with) is not accused.

mod catalogue;
mod compose;
mod dockerfile;
mod effects;
mod files;
mod folder;
mod health;
mod out;
pub mod silence;
mod syntax;
mod unmaintained;

use crate::submission::Reading;
use crate::verdict::{Level, StaticFinding};

pub use catalogue::{CATALOGUE, all, find};
pub use out::Out;

/// A folder's files as an example: path and content.
pub type Example = &'static [(&'static str, &'static str)];

/// The rules of one topic.
pub struct Topic {
    /// Its name, for the student.
    pub title: &'static str,
    /// Its rules.
    pub rules: &'static [Rule],
}

/// One rule.
pub struct Rule {
    /// Its id: Spanish, kebab-case.
    pub id: &'static str,
    /// What it finds, in one line.
    pub title: &'static str,
    /// How grave its findings are, unless one says otherwise.
    pub level: Level,
    /// Why it matters, for the student.
    pub why: &'static str,
    /// The way out, for the student.
    pub fix: &'static str,
    /// Page and anchor of the book that teaches it.
    pub lesson: &'static str,
    /// The same or nearly the same elsewhere: `hadolint DL3042`, `BuildKit FromAsCasing`, `CIS 4.1`…
    pub equivalents: &'static [&'static str],
    /// Files in which it finds something.
    pub wrong: Example,
    /// The same files, mended.
    pub right: Example,
    /// Looks for it.
    pub check: fn(&Reading, &mut Out<'_>),
}

/// The rules on how a variable is named, which do not rest on its value.
const ON_VARIABLES: [&str; 3] = [
    "compose-a-medias",
    "obligatoria-que-admite-vacia",
    "variable-de-compose-sin-definir",
];

/// Everything that the rules find in `reading`, in the order of files, lines and columns.
pub fn judge(reading: &Reading) -> Vec<StaticFinding> {
    let mut findings = Vec::new();
    for rule in all() {
        (rule.check)(reading, &mut Out::new(rule, &mut findings));
    }
    // What rests on a variable's value that only whoever starts the project knows is no finding.
    findings.retain(|finding| {
        if ON_VARIABLES.contains(&finding.rule) {
            return true;
        }
        let place = finding
            .location
            .as_ref()
            .map(|at| (at.file.to_string(), at.line));
        let mut projects = reading.projects.iter();
        place.is_none_or(|place| !projects.any(|project| project.assumed.contains(&place)))
    });
    findings.sort_by(|a, b| {
        (&a.location, a.level, a.rule, &a.message).cmp(&(&b.location, b.level, b.rule, &b.message))
    });
    findings.dedup_by(|a, b| a.rule == b.rule && a.location == b.location);
    findings
}

#[cfg(test)]
mod tests;
