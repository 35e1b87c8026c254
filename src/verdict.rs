//! Verdicts: what was decided of each item, with what evidence, and the event stream that says so.

mod static_finding;

use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::submission::Location;
pub use static_finding::{Level, Patch, Position, Related, StaticFinding};

/// How an item, or a whole submission, came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Tried, and it holds.
    Passed,
    /// Tried, and it does not hold.
    Failed,
    /// Not tried: an item that it depends on did not pass. No second fault.
    Blocked,
    /// The sandbox's policy said no before anything ran.
    Refused,
    /// Not decided: no engine, or the engine lacks the feature.
    Unverified,
    /// Our fault or the machine's; never costs points.
    Error,
}

/// Most lines of what was observed that a finding keeps; a submission's own output may be in it.
const SAW_LINES: usize = 24;

/// Most characters of one of them.
const SAW_WIDTH: usize = 600;

/// What one experiment found: the outcome with its evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The outcome; experiments never answer [`Outcome::Blocked`].
    pub outcome: Outcome,
    /// What was observed, for the student.
    pub saw: String,
    /// Where in the student's files to look, when one place is to blame.
    pub location: Option<Location>,
}

impl Finding {
    /// It holds; `saw` is the evidence.
    pub fn passed(saw: impl Into<String>) -> Self {
        Self::new(Outcome::Passed, saw)
    }

    /// It does not hold; `saw` is the evidence.
    pub fn failed(saw: impl Into<String>) -> Self {
        Self::new(Outcome::Failed, saw)
    }

    /// It could not be decided here; `saw` says why.
    pub fn unverified(saw: impl Into<String>) -> Self {
        Self::new(Outcome::Unverified, saw)
    }

    /// The machine or the checker failed; `saw` says how.
    pub fn error(saw: impl Into<String>) -> Self {
        Self::new(Outcome::Error, saw)
    }

    /// The policy refused it; `saw` says why.
    pub fn refused(saw: impl Into<String>) -> Self {
        Self::new(Outcome::Refused, saw)
    }

    /// Points at `location`, unless it is unknown.
    #[must_use]
    pub fn at(mut self, location: Option<Location>) -> Self {
        self.location = location;
        self
    }

    fn new(outcome: Outcome, saw: impl Into<String>) -> Self {
        Self {
            outcome,
            saw: cut(&saw.into()),
            location: None,
        }
    }
}

/// `text` within the limits of a finding; what is left out is marked.
fn cut(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.split('\n') {
        if lines.len() == SAW_LINES {
            lines.push("[…]".to_owned());
            break;
        }
        lines.push(match line.char_indices().nth(SAW_WIDTH) {
            Some((at, _)) => format!("{} […]", &line[..at]),
            None => line.to_owned(),
        });
    }
    lines.join("\n")
}

/// The verdict on one item of the checklist.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ItemVerdict {
    /// Id of the item, unique in its exercise.
    pub id: String,
    /// The statement that was tried.
    pub title: String,
    /// How it came out.
    pub outcome: Outcome,
    /// Points earned.
    pub points: f64,
    /// Points to be had.
    pub max_points: f64,
    /// What was tried.
    pub tried: String,
    /// What was observed; empty for an item that was not tried.
    pub saw: String,
    /// Why it matters.
    pub why: String,
    /// Page and anchor of the book that teaches it.
    pub lesson: String,
    /// The item that stands in the way, for one that was not tried.
    pub blocked_by: Option<String>,
    /// Where in the student's files to look.
    pub location: Option<Location>,
    /// Time from the item's start to its decision, waiting for shared work included.
    #[serde(rename = "duration_ms", serialize_with = "as_millis")]
    pub duration: Duration,
}

/// The engine that a verdict rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EngineUsed {
    /// `Docker Engine` or `Podman`.
    pub product: String,
    /// The engine's own version.
    pub version: String,
    /// `buildkit` or `classic`.
    pub builder: String,
}

/// One stretch of work, for `--timings`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Timing {
    /// What was done.
    pub what: String,
    /// From the start of the check.
    #[serde(rename = "start_ms", serialize_with = "as_millis")]
    pub start: Duration,
    /// How long it took.
    #[serde(rename = "duration_ms", serialize_with = "as_millis")]
    pub duration: Duration,
}

/// All outcomes of one submission of one exercise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Verdict {
    /// Version of this document's format.
    pub version: u32,
    /// Id of the exercise.
    pub exercise: String,
    /// Title of the exercise.
    #[serde(skip)]
    pub title: String,
    /// The whole's outcome, see [`Verdict::overall`].
    pub outcome: Outcome,
    /// Points earned.
    pub points: f64,
    /// Points to be had.
    pub max_points: f64,
    /// The engine; none when nothing ran.
    pub engine: Option<EngineUsed>,
    /// Whole time of the check.
    #[serde(rename = "duration_ms", serialize_with = "as_millis")]
    pub duration: Duration,
    /// What the reader should know of how this verdict came about (a stand-in image, no engine…).
    pub notes: Vec<String>,
    /// Every item, in the exercise's order.
    pub items: Vec<ItemVerdict>,
    /// What reading found.
    pub findings: Vec<StaticFinding>,
    /// Where the time went; filled on request.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub timings: Vec<Timing>,
}

impl Verdict {
    /// The outcome of a whole: refused, else error, else failed, else unverified, else passed.
    ///
    /// A blocked item alone never decides: what blocks it does.
    pub fn overall(items: &[ItemVerdict]) -> Outcome {
        let any = |outcome| items.iter().any(|item| item.outcome == outcome);
        [
            Outcome::Refused,
            Outcome::Error,
            Outcome::Failed,
            Outcome::Unverified,
        ]
        .into_iter()
        .find(|&outcome| any(outcome))
        .unwrap_or(Outcome::Passed)
    }
}

/// What happens while a submission is checked; every report is made from this stream.
#[derive(Clone, Debug)]
pub enum Event {
    /// The check begins; `items` will be decided.
    Started {
        /// Title of the exercise.
        title: String,
        /// How many items it has.
        items: usize,
    },
    /// The submission was read; this is what reading alone found.
    Read(Vec<StaticFinding>),
    /// The checker turned to something worth telling.
    Doing(String),
    /// An item was decided.
    Decided(Box<ItemVerdict>),
}

fn as_millis<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(outcome: Outcome) -> ItemVerdict {
        ItemVerdict {
            id: "x".into(),
            title: String::new(),
            outcome,
            points: 0.0,
            max_points: 1.0,
            tried: String::new(),
            saw: String::new(),
            why: String::new(),
            lesson: String::new(),
            blocked_by: None,
            location: None,
            duration: Duration::from_millis(1500),
        }
    }

    #[test]
    fn a_whole_is_as_bad_as_its_gravest_item() {
        use Outcome::*;
        for (items, whole) in [
            (vec![Passed, Passed], Passed),
            (vec![Passed, Unverified], Unverified),
            (vec![Failed, Blocked, Unverified], Failed),
            (vec![Failed, Error], Error),
            (vec![Refused, Error, Failed], Refused),
        ] {
            let items: Vec<_> = items.into_iter().map(item).collect();
            assert_eq!(Verdict::overall(&items), whole);
        }
    }

    #[test]
    fn a_submission_cannot_flood_a_finding() {
        let saw = Finding::failed("ñ".repeat(SAW_WIDTH + 1)).saw;
        assert_eq!(saw, format!("{} […]", "ñ".repeat(SAW_WIDTH)));
        let saw = Finding::failed("línea\n".repeat(1000)).saw;
        assert_eq!(saw.lines().count(), SAW_LINES + 1);
        assert!(saw.ends_with("[…]"));
        assert_eq!(Finding::passed("una\n\ndos").saw, "una\n\ndos");
    }

    #[test]
    fn durations_are_written_as_whole_milliseconds() {
        let json = serde_json::to_value(item(Outcome::Blocked)).expect("serialises");
        assert_eq!(json["duration_ms"], 1500);
        assert_eq!(json["outcome"], "blocked");
    }
}
