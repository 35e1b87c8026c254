//! Cases: submissions whose verdict is known beforehand, which put the checker itself to the test.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use tokio::sync::RwLock;

use crate::check::check;
use crate::course::Exercise;
use crate::lab::engine::Engine;
use crate::submission::Snapshot;
use crate::submission::snapshot::Limits;
use crate::verdict::{Outcome, Verdict};

/// File of a mutant that names, one a line, the items that must fail: first the one that it is about.
const EXPECT: &str = "EXPECT";

/// File of a case that names, one a line, what of the starter is taken away.
const REMOVE: &str = "REMOVE";

/// An exercise with more items is long: of it, a mutant is never tried on more than it must be.
const SHORT: usize = 12;

/// Where cases are tried.
pub struct Trials {
    engine: Arc<Engine>,
    thorough: bool,
    /// Held alone by a case that had no verdict while others ran.
    quiet: RwLock<()>,
}

/// What a case is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What the student starts from.
    Starter,
    /// The course's own solution.
    Solution,
    /// Another right way.
    Alternative,
    /// A solution with one thing wrong.
    Mutant,
}

/// What a case must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Expected {
    AllPass,
    SomethingFails,
    /// These items fail and no others.
    Fail(Vec<String>),
}

/// A submission and what it must come to.
#[derive(Clone, Debug)]
pub struct Case {
    /// What it is.
    pub kind: Kind,
    /// What it shows, as a sentence that starts with the exercise's id.
    pub name: String,
    exercise: Arc<Exercise>,
    files: Snapshot,
    expected: Expected,
}

/// The cases of `exercise`: its starter, its solution, and the folders of `root/tests/cases/ID`.
///
/// # Errors
/// When a case cannot be read, or a mutant does not say which item it fails.
pub fn of(exercise: &Arc<Exercise>, root: &Path) -> anyhow::Result<Vec<Case>> {
    let id = &exercise.id;
    let case = |kind, name: String, files, expected| Case {
        kind,
        name: format!("{id}: {name}"),
        exercise: exercise.clone(),
        files,
        expected,
    };
    let (solution, starter) = (exercise.solution.clone(), exercise.starter.clone());
    let mut cases = vec![
        case(
            Kind::Solution,
            "the solution passes".into(),
            solution,
            Expected::AllPass,
        ),
        case(
            Kind::Starter,
            "the starter fails".into(),
            starter,
            Expected::SomethingFails,
        ),
    ];
    let folder = root.join("tests/cases").join(id);
    for (name, dir) in folders(&folder.join("alternatives")) {
        cases.push(case(
            Kind::Alternative,
            format!("alternative {name} passes"),
            overlay(exercise, &dir)?,
            Expected::AllPass,
        ));
    }
    for (name, dir) in folders(&folder.join("mutants")) {
        let path = dir.join(EXPECT);
        let text = fs::read_to_string(&path)
            .with_context(|| format!("no pude leer `{}`", path.display()))?;
        let items: Vec<_> = text.lines().map(|line| line.trim().to_owned()).collect();
        if let Some(unknown) = items.iter().find(|id| exercise.item(id).is_none()) {
            anyhow::bail!("{}: no hay ningún ítem `{unknown}`", path.display());
        }
        let first = items.first();
        let first = first.with_context(|| format!("{}: no nombra ningún ítem", path.display()))?;
        cases.push(case(
            Kind::Mutant,
            format!("mutant {name} fails {first}"),
            overlay(exercise, &dir)?,
            Expected::Fail(items),
        ));
    }
    Ok(cases)
}

impl Case {
    /// What it is a submission of.
    pub fn exercise(&self) -> &Exercise {
        &self.exercise
    }
}

impl Trials {
    /// On `engine`. Where they are `thorough`, a mutant is tried on all items, to see that it fails nothing else; if
    /// not, on those of its `EXPECT` and what they depend on.
    pub fn on(engine: Arc<Engine>, thorough: bool) -> Self {
        Self {
            engine,
            thorough,
            quiet: RwLock::default(),
        }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The engine, when all have been tried.
    pub fn into_engine(self) -> Arc<Engine> {
        self.engine
    }

    /// Checks `case`; gives what is not as it must be. What the machine did not let happen while others ran is tried
    /// once more alone.
    ///
    /// # Errors
    /// When there is no verdict.
    pub async fn run(&self, case: &Case) -> anyhow::Result<Option<String>> {
        let folder = tempfile::tempdir()?;
        case.files.write(folder.path())?;
        let exercise = match &case.expected {
            Expected::Fail(ids) if !self.thorough || case.exercise.items.len() > SHORT => {
                &reduced(&case.exercise, ids)
            }
            _ => &*case.exercise,
        };
        let first = {
            let _turn = self.quiet.read().await;
            check(self.engine.clone(), exercise, folder.path(), &|_| {}).await?
        };
        let verdict = if first.outcome == Outcome::Error {
            let _alone = self.quiet.write().await;
            check(self.engine.clone(), exercise, folder.path(), &|_| {}).await?
        } else {
            first
        };
        Ok((!case.expected.is(&verdict)).then(|| told(&verdict)))
    }
}

impl Expected {
    /// Whether `verdict` is what was expected. A fault of the machine's is no right answer, even beside it.
    fn is(&self, verdict: &Verdict) -> bool {
        let items = verdict.items.iter();
        let failed = items.filter(|item| item.outcome == Outcome::Failed);
        let failed: BTreeSet<&str> = failed.map(|item| item.id.as_str()).collect();
        match self {
            Self::AllPass => verdict.outcome == Outcome::Passed,
            Self::SomethingFails => verdict.outcome == Outcome::Failed,
            Self::Fail(ids) => {
                verdict.outcome == Outcome::Failed
                    && failed == ids.iter().map(String::as_str).collect()
            }
        }
    }
}

/// The exercise with nothing but the items `ids` and what they depend on.
fn reduced(exercise: &Exercise, ids: &[String]) -> Exercise {
    let mut wanted = ids.to_vec();
    let mut next = 0;
    while let Some(id) = wanted.get(next).cloned() {
        next += 1;
        let item = exercise.item(&id).into_iter();
        wanted.extend(item.flat_map(|item| item.blocked_by.clone()));
    }
    let mut exercise = exercise.clone();
    exercise.items.retain(|item| wanted.contains(&item.id));
    exercise
}

/// Every item that did not pass, with what was seen.
fn told(verdict: &Verdict) -> String {
    let mut text = format!("the whole: {:?}", verdict.outcome);
    let items = verdict.items.iter();
    for item in items.filter(|item| item.outcome != Outcome::Passed) {
        text.push_str(&format!("\n{} {:?}: {}", item.id, item.outcome, item.saw));
    }
    text
}

/// A case's folder laid over the starter, without what its `REMOVE` takes away.
fn overlay(exercise: &Exercise, dir: &Path) -> anyhow::Result<Snapshot> {
    let mut case = Snapshot::read(dir, Limits::default())?;
    let removed = case
        .file(REMOVE)
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    case.remove(REMOVE);
    case.remove(EXPECT);
    let mut files = exercise.starter.clone();
    for path in removed.iter().flat_map(|text| text.lines()) {
        files.remove(path.trim());
    }
    files.lay(&case);
    Ok(files)
}

/// The folders in `dir` by name; none where there is no such folder.
fn folders(dir: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(dir).into_iter().flatten();
    let entries = entries.filter_map(Result::ok);
    let mut folders: Vec<_> = entries
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
            )
        })
        .filter(|(_, path)| path.is_dir())
        .collect();
    folders.sort();
    folders
}
