//! Our loader against Docker Compose itself: `config --format json` of the same files must say the same.
//!
//! Not part of a plain `cargo test`: `tests/oracles.sh` installs Compose and runs it.

mod case;
mod generated;
mod known;
mod ours;
mod theirs;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use case::{Case, written};
use muelle::submission::compose::{self, ComposeError, Request};
use muelle::submission::snapshot::{Limits, Snapshot};
use serde_json::Value;
use theirs::Oracle;

/// What one side makes of a project.
type Answer<E> = Result<Value, E>;

#[test]
#[ignore = "needs Docker Compose: run `tests/oracles.sh`"]
fn every_project_means_to_us_what_it_means_to_compose() {
    let oracle = Oracle::from_environment();
    let only = std::env::var("MUELLE_COMPOSE_ONLY").unwrap_or_default();
    let mut cases = written();
    cases.extend(case::repository());
    cases.extend(generated::cases());
    cases.retain(|case| case.name.contains(&only));
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally::default());
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = compare(&oracle, case);
                    tally.lock().expect("no worker panics").add(case, outcome);
                }
            });
        }
    });
    let tally = tally.into_inner().expect("no worker panics");
    println!("{}", tally.summary());
    assert!(
        tally.unexplained.is_empty(),
        "{} unexplained differences:\n\n{}",
        tally.unexplained.len(),
        tally.unexplained.join("\n\n")
    );
    assert!(only.len() + tally.cases > 300, "too few cases");
}

/// How one case went.
enum Outcome {
    Accepted,
    Refused,
    Explained(&'static str),
    Unexplained(String),
}

#[derive(Default)]
struct Tally {
    cases: usize,
    accepted: usize,
    refused: usize,
    explained: BTreeMap<&'static str, usize>,
    unexplained: Vec<String>,
}

impl Tally {
    fn add(&mut self, case: &Case, outcome: Outcome) {
        self.cases += 1;
        match outcome {
            Outcome::Accepted => self.accepted += 1,
            Outcome::Refused => self.refused += 1,
            Outcome::Explained(class) => *self.explained.entry(class).or_default() += 1,
            Outcome::Unexplained(what) => {
                self.unexplained
                    .push(format!("=== {}\n{}\n{what}", case.name, case.shown()))
            }
        }
    }

    fn summary(&self) -> String {
        let classes: Vec<String> = self
            .explained
            .iter()
            .map(|(class, count)| format!("{class} {count}"))
            .collect();
        format!(
            "compose: {} cases, {} equal ({} accepted, {} refused), explained: [{}], unexplained: {}",
            self.cases,
            self.accepted + self.refused,
            self.accepted,
            self.refused,
            classes.join(", "),
            self.unexplained.len()
        )
    }
}

fn compare(oracle: &Oracle, case: &Case) -> Outcome {
    let folder = tempfile::tempdir().expect("a folder for the case");
    let root = folder.path().join("proyecto");
    case.write(&root);
    let theirs = oracle.config(case, &root);
    let ours = load(case, &root);
    let told = match (&ours, &theirs) {
        (Ok(ours), Ok(theirs)) if ours == theirs => return Outcome::Accepted,
        (Ok(ours), Ok(theirs)) => differences(ours, theirs, ""),
        (Err(ours), Err(theirs)) => match &theirs.lines {
            // Of two broken files, Compose may name either.
            Some(lines)
                if !case.has_several_files()
                    && ours.location().is_none_or(|at| !lines.contains(&at.line)) =>
            {
                format!("line {lines:?} to them; {ours} to us; {}", theirs.message)
            }
            _ => return Outcome::Refused,
        },
        (Ok(_), Err(theirs)) => format!("only they refuse: {}", theirs.message),
        (Err(ours), Ok(_)) => format!("only we refuse: {ours}"),
    };
    match known::class(case, &ours, &theirs) {
        Some(class) => Outcome::Explained(class),
        None => Outcome::Unexplained(told),
    }
}

fn load(case: &Case, root: &Path) -> Answer<ComposeError> {
    let snapshot = Snapshot::read(root, Limits::default()).expect("the case is readable");
    let loaded = compose::load(&Request {
        snapshot: &snapshot,
        shell: &case.shell,
        files: &case.files,
        env_files: &case.env_files,
        profiles: &case.profiles,
        project: case.folder().unwrap_or("proyecto"),
    })?;
    let loaded = loaded.expect("the case has a compose file");
    Ok(ours::project(&loaded.project))
}

/// The parts that differ, with their paths.
fn differences(ours: &Value, theirs: &Value, path: &str) -> String {
    if let (Value::Object(ours), Value::Object(theirs)) = (ours, theirs) {
        let mut keys: Vec<&String> = ours.keys().chain(theirs.keys()).collect();
        keys.sort();
        keys.dedup();
        let missing = Value::String("(absent)".to_owned());
        let parts = keys.iter().filter_map(|key| {
            let (a, b) = (ours.get(*key), theirs.get(*key));
            (a != b).then(|| {
                differences(
                    a.unwrap_or(&missing),
                    b.unwrap_or(&missing),
                    &format!("{path}.{key}"),
                )
            })
        });
        return parts.collect::<Vec<_>>().join("\n");
    }
    format!("{path}\n  ours:   {ours}\n  theirs: {theirs}")
}
