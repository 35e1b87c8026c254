//! What reading alone found: advice with its place, and the patch where there is just one.

use serde::Serialize;

use crate::submission::Location;

/// Something that reading alone found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StaticFinding {
    /// Id of the rule.
    pub rule: &'static str,
    /// How grave it is.
    pub level: Level,
    /// What was found here.
    pub message: String,
    /// The way out.
    pub help: String,
    /// Where it starts.
    pub location: Option<Location>,
    /// Behind its last character; nothing when only the start is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end: Option<Position>,
    /// Other places that have to do with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Related>,
    /// The one change that mends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<Patch>,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// It does not work, or it gives a secret away: certain.
    Error,
    /// It works today and will bite.
    Warning,
    /// It could be better.
    Note,
}

/// A place in a file that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// Another place that has to do with a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Related {
    /// Where.
    pub location: Location,
    /// What is there.
    pub message: String,
}

/// A change of one stretch of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Patch {
    /// Where what is replaced starts.
    pub location: Location,
    /// Behind its last character.
    pub end: Position,
    /// What takes its place.
    pub replacement: String,
}

impl StaticFinding {
    /// Says the way out in other words than the rule's.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Self {
        self.help = help.into();
        self
    }

    /// Is graver or lighter than the rule says.
    pub fn level(&mut self, level: Level) -> &mut Self {
        self.level = level;
        self
    }

    /// Names another place.
    pub fn related(&mut self, location: Location, message: impl Into<String>) -> &mut Self {
        self.related.push(Related {
            location,
            message: message.into(),
        });
        self
    }

    /// Offers the change that mends it.
    pub fn patch(
        &mut self,
        location: Location,
        end: Position,
        replacement: impl Into<String>,
    ) -> &mut Self {
        self.patch = Some(Patch {
            location,
            end,
            replacement: replacement.into(),
        });
        self
    }
}
