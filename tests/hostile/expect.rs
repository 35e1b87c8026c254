//! What must become of a case: its `EXPECT`.

use std::path::Path;
use std::time::Duration;

use muelle::verdict::Outcome;

/// What must become of it.
pub enum Expect {
    Decided(Decided),
    Contained(Contained),
}

/// Decided by reading alone.
pub struct Decided {
    /// The exit code.
    pub code: u8,
    /// `file:line`.
    pub at: Option<String>,
    /// A part of what is said.
    pub says: String,
}

/// Held at run time.
pub struct Contained {
    /// The items that are tried.
    pub items: Vec<String>,
    /// The outcomes that are right.
    pub outcomes: Vec<Outcome>,
    /// The time that all of it may take.
    pub within: Duration,
}

impl Expect {
    pub fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let value = |key: &str| {
            text.lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix(": "))
                .map(str::to_owned)
        };
        let must =
            |key: &str| value(key).unwrap_or_else(|| panic!("{}: no `{key}`", path.display()));
        if value("contained").is_none() {
            return Self::Decided(Decided {
                code: must("exit").parse().expect("an exit code"),
                at: value("at"),
                says: must("says"),
            });
        }
        let outcome = |word: &str| match word {
            "passed" => Outcome::Passed,
            "failed" => Outcome::Failed,
            other => panic!("{}: no outcome `{other}`", path.display()),
        };
        Self::Contained(Contained {
            items: must("items").split(' ').map(str::to_owned).collect(),
            outcomes: must("outcome").split(' ').map(outcome).collect(),
            within: Duration::from_secs(must("seconds").parse().expect("seconds")),
        })
    }
}
