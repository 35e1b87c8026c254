//! The check of one submission: read, judge, try, and a verdict.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::future::{Either, join_all, select};
use tokio::sync::watch;

use crate::course::source::MANIFEST;
use crate::course::{Exercise, Item, exercise};
use crate::experiments::bench::{self, Plants, Tell};
use crate::experiments::{self, Bench, Entry};
use crate::lab::engine::Engine;
use crate::lab::{Halt, Lab, images, limits};
use crate::policy::{self, Refusal};
use crate::rules;
use crate::submission::snapshot::{Limits, SnapshotError};
use crate::submission::{Reading, Snapshot};
use crate::verdict::{EngineUsed, Event, Finding, ItemVerdict, Outcome, StaticFinding, Verdict};

/// Version of the JSON document of a verdict.
const VERDICT_VERSION: u32 = 1;

/// Why a check gives no verdict at all.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The submission cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// Someone asked for its end; nothing of it is left on the engine.
    #[error("la comprobación se interrumpió")]
    Interrupted,
    /// The checker or the machine failed before anything could be decided.
    #[error(transparent)]
    Machine(#[from] anyhow::Error),
}

/// Checks the folder `root` as a submission of `exercise` on `engine`.
///
/// Dropping the future stops everything; what it had on the engine is then removed by
/// [`crate::lab::reaper::reap`].
///
/// # Errors
/// See [`CheckError`]. What goes wrong later becomes the outcome of the items it concerns.
pub async fn check(
    engine: Arc<Engine>,
    exercise: &Exercise,
    root: &Path,
    tell: Tell<'_>,
) -> Result<Verdict, CheckError> {
    check_until(engine, exercise, root, tell, std::future::pending()).await
}

/// As [`check`], but ends in order, with nothing left on the engine, as soon as `interrupt` comes.
///
/// # Errors
/// See [`CheckError`].
pub async fn check_until(
    engine: Arc<Engine>,
    exercise: &Exercise,
    root: &Path,
    tell: Tell<'_>,
    interrupt: impl Future<Output = ()>,
) -> Result<Verdict, CheckError> {
    let begun = Instant::now();
    tell(Event::Started {
        title: exercise.title.clone(),
        items: exercise.items.len(),
    });
    let Admitted { files, findings } = match admit(exercise, root, begun, tell)? {
        Ok(admitted) => admitted,
        Err(verdict) => return Ok(*verdict),
    };
    let lab = Lab::open(engine)?;
    let mut bench = Bench::lay_out(&lab, exercise, files, &plants(exercise)?, tell)?;
    // With other variables it is another project: what is brought up is reviewed as it is.
    if let Some(tuned) = bench.tuned() {
        let project = Ok(Some(tuned.clone()));
        if let Err(refusal) = policy::review(bench.files(), &project, &bench.allowance()) {
            return Ok(refused(exercise, begun, refusal, findings, tell));
        }
    }
    bench.set_secrets_apart().map_err(anyhow::Error::from)?;
    let tried = {
        let work = std::pin::pin!(work(exercise, &bench, tell));
        let interrupt = std::pin::pin!(interrupt);
        match select(work, interrupt).await {
            Either::Left((tried, _)) => Some(tried),
            Either::Right(_) => None,
        }
    };
    let closed = lab
        .timed("recoger el laboratorio", lab.close(tried.is_none()))
        .await;
    let items = match tried {
        None => return Err(CheckError::Interrupted),
        Some(Err(error)) => {
            let mut verdict =
                undecided(exercise, begun, &Finding::error(format!("{error:#}")), tell);
            verdict.findings = findings;
            return Ok(verdict);
        }
        Some(Ok(items)) => items,
    };
    let mut notes = Vec::new();
    match closed {
        Ok(()) => {
            for image in &exercise.images {
                if let Some(made_of) = images::standin_label(lab.engine(), image).await {
                    notes.push(format!(
                        "`{image}` no es la imagen oficial, sino un sustituto del curso hecho con paquetes de {made_of}"
                    ));
                }
            }
        }
        // An engine that is in trouble is asked for no more.
        Err(error) => notes.push(format!(
            "no pude retirar todo del motor ({error:#}); `muelle clean` quitará el resto"
        )),
    }
    let facts = lab.engine().facts();
    let mut verdict = verdict(exercise, items, begun);
    verdict.engine = Some(EngineUsed {
        product: facts.product().to_owned(),
        version: facts.version.clone(),
        builder: facts.builder.to_string(),
    });
    verdict.notes = notes;
    verdict.findings = findings;
    verdict.timings = lab.timings();
    Ok(verdict)
}

/// Tries all items, under the lab's watch.
async fn work(
    exercise: &Exercise,
    bench: &Bench<'_>,
    tell: Tell<'_>,
) -> anyhow::Result<Vec<ItemVerdict>> {
    bench.lab.moor(&exercise.images).await?;
    let items = std::pin::pin!(try_items(exercise, bench, tell));
    let watch = std::pin::pin!(bench.lab.watch());
    Ok(match select(items, watch).await {
        Either::Left((items, _)) => items,
        // It ended the lab's work: every item that is not decided yet hears of it.
        Either::Right(((), items)) => items.await,
    })
}

/// What reading finds in the student's own files, with the course's laid over them.
fn findings(own: &Snapshot, files: Snapshot) -> Vec<StaticFinding> {
    let mut findings = rules::judge(&Reading::of(files));
    findings.retain(|finding| {
        let file = finding.location.as_ref().map(|at| at.file.as_str());
        file.is_none_or(|file| own.contains(file))
    });
    findings
}

/// A submission that may touch the engine.
struct Admitted {
    /// Its files, with the course's laid over them.
    files: Snapshot,
    /// What reading finds in it.
    findings: Vec<StaticFinding>,
}

/// Reads the submission and asks the policy, before anything touches an engine; the verdict where that settles it.
fn admit(
    exercise: &Exercise,
    root: &Path,
    begun: Instant,
    tell: Tell<'_>,
) -> Result<Result<Admitted, Box<Verdict>>, CheckError> {
    let mut snapshot = match Snapshot::read(root, Limits::default()) {
        Ok(snapshot) => snapshot,
        Err(SnapshotError::Unreadable(why)) => return Err(CheckError::Unreadable(why)),
        Err(SnapshotError::Refused(why)) => {
            let finding = Finding::refused(why);
            return Ok(Err(Box::new(undecided(exercise, begun, &finding, tell))));
        }
    };
    if snapshot.is_empty() {
        let why = format!(
            "la carpeta `{}` está vacía: ¿es la de tu entrega?",
            root.display()
        );
        let finding = Finding::failed(why);
        return Ok(Err(Box::new(undecided(exercise, begun, &finding, tell))));
    }
    // In a course folder the exercise's own description lies beside the student's files.
    snapshot.remove(MANIFEST);
    let files = exercise::lay(&snapshot, exercise);
    let findings = findings(&snapshot, files.clone());
    tell(Event::Read(findings.clone()));
    let project = bench::load(&files, &BTreeMap::new());
    match policy::review(&files, &project, &bench::allowance(exercise)) {
        Ok(()) => Ok(Ok(Admitted { files, findings })),
        Err(refusal) => Ok(Err(Box::new(refused(
            exercise, begun, refusal, findings, tell,
        )))),
    }
}

/// The verdict on what the policy says no to.
fn refused(
    exercise: &Exercise,
    begun: Instant,
    refusal: Refusal,
    findings: Vec<StaticFinding>,
    tell: Tell<'_>,
) -> Verdict {
    let finding = Finding::refused(refusal.message).at(Some(refusal.location));
    let mut verdict = undecided(exercise, begun, &finding, tell);
    verdict.findings = findings;
    verdict
}

/// The verdict when there is no engine to try anything on: what reading alone settles, and nothing else.
///
/// # Errors
/// When the submission cannot be read.
pub fn without_engine(exercise: &Exercise, root: &Path, why: &str) -> Result<Verdict, CheckError> {
    let begun = Instant::now();
    let tell: Tell<'_> = &|_| {};
    Ok(match admit(exercise, root, begun, tell)? {
        Err(verdict) => *verdict,
        Ok(_) => undecided(exercise, begun, &Finding::unverified(why), tell),
    })
}

/// A verdict in which the first item has `finding`, and all others wait for it.
fn undecided(exercise: &Exercise, begun: Instant, finding: &Finding, tell: Tell<'_>) -> Verdict {
    let mut items: Vec<ItemVerdict> = Vec::new();
    for item in &exercise.items {
        let mut verdict = match items.first() {
            None => decided(item, finding.clone()),
            Some(first) => waiting(item, &first.id, finding.outcome),
        };
        verdict.duration = begun.elapsed();
        tell(Event::Decided(Box::new(verdict.clone())));
        items.push(verdict);
    }
    verdict(exercise, items, begun)
}

fn verdict(exercise: &Exercise, items: Vec<ItemVerdict>, begun: Instant) -> Verdict {
    Verdict {
        version: VERDICT_VERSION,
        exercise: exercise.id.clone(),
        title: exercise.title.clone(),
        outcome: Verdict::overall(&items),
        points: items.iter().map(|item| item.points).sum(),
        max_points: exercise.max_points(),
        engine: None,
        duration: begun.elapsed(),
        notes: Vec::new(),
        items,
        findings: Vec::new(),
        timings: Vec::new(),
    }
}

/// What the exercise's items want in the submission before anything is built.
fn plants(exercise: &Exercise) -> anyhow::Result<Plants> {
    let mut plants = Plants::default();
    for item in &exercise.items {
        if let Some(entry) = experiments::find(&item.experiment) {
            plants.canaries.extend((entry.canaries)(&item.params)?);
            plants.stamped.extend((entry.stamped)(&item.params)?);
        }
    }
    for paths in [&mut plants.canaries, &mut plants.stamped] {
        paths.sort();
        paths.dedup();
    }
    Ok(plants)
}

/// Tries every item as soon as what it depends on has passed; independent ones run at once.
async fn try_items(exercise: &Exercise, bench: &Bench<'_>, tell: Tell<'_>) -> Vec<ItemVerdict> {
    let outcomes: BTreeMap<&str, watch::Sender<Option<Outcome>>> = exercise
        .items
        .iter()
        .map(|item| (item.id.as_str(), watch::Sender::new(None)))
        .collect();
    let blamed = OnceLock::new();
    join_all(exercise.items.iter().map(|item| {
        let (outcomes, blamed) = (&outcomes, &blamed);
        async move {
            let begun = Instant::now();
            let mut verdict = match barrier(item, outcomes).await {
                Some((by, outcome)) => waiting(item, by, outcome),
                None => attempt(item, bench, blamed).await,
            };
            verdict.duration = begun.elapsed();
            outcomes[item.id.as_str()].send_replace(Some(verdict.outcome));
            tell(Event::Decided(Box::new(verdict.clone())));
            verdict
        }
    }))
    .await
}

/// Waits for what `item` depends on; gives the first that did not pass.
async fn barrier<'a>(
    item: &'a Item,
    outcomes: &BTreeMap<&str, watch::Sender<Option<Outcome>>>,
) -> Option<(&'a str, Outcome)> {
    for by in &item.blocked_by {
        // The loader has made sure that every name is an item's.
        let mut outcome = outcomes.get(by.as_str())?.subscribe();
        let outcome = *outcome.wait_for(Option::is_some).await.ok()?;
        match outcome {
            None | Some(Outcome::Passed) => {}
            Some(outcome) => return Some((by, outcome)),
        }
    }
    None
}

/// Runs the item's experiment; whatever goes wrong there is no fault of the student's. What fails only counts while
/// the lab can be trusted; a submission that took too much is told so once, by the item in `blamed`.
async fn attempt(item: &Item, bench: &Bench<'_>, blamed: &OnceLock<String>) -> ItemVerdict {
    let run = async {
        match tokio::time::timeout(limits::ITEM, experiment(item, bench)).await {
            Ok(Ok(finding)) => finding,
            Ok(Err(error)) => Finding::error(format!("{error:#}")),
            Err(_) => Finding::error(format!(
                "el experimento no terminó en {} s",
                limits::ITEM.as_secs()
            )),
        }
    };
    let found = tokio::select! {
        found = run => Some(found),
        () = bench.lab.stopping() => None,
    };
    let halt = match found {
        Some(found) if !matches!(found.outcome, Outcome::Failed | Outcome::Error) => {
            return decided(item, found);
        }
        Some(found) => match bench.lab.trust().await {
            Ok(()) => return decided(item, found),
            Err(halt) => halt,
        },
        None => bench.lab.halted().await,
    };
    match halt {
        Halt::Machine(why) => decided(item, Finding::error(why)),
        Halt::Submission(why) => match blamed.get_or_init(|| item.id.clone()) {
            first if *first == item.id => decided(item, Finding::failed(why)),
            first => waiting(item, first, Outcome::Failed),
        },
    }
}

async fn experiment(item: &Item, bench: &Bench<'_>) -> anyhow::Result<Finding> {
    match experiments::find(&item.experiment) {
        Some(entry) => (entry.run)(bench, &item.params).await,
        None => anyhow::bail!("no existe el experimento `{}`", item.experiment),
    }
}

fn decided(item: &Item, finding: Finding) -> ItemVerdict {
    let passed = finding.outcome == Outcome::Passed;
    ItemVerdict {
        outcome: finding.outcome,
        points: if passed { item.points } else { 0.0 },
        saw: finding.saw,
        location: finding.location,
        ..blank(item)
    }
}

/// The verdict on an item that waits for another, which came out as `outcome`: the student's fault is
/// told once and blocks; what the machine or the policy did not let happen holds for all alike.
fn waiting(item: &Item, by: &str, outcome: Outcome) -> ItemVerdict {
    ItemVerdict {
        outcome: match outcome {
            Outcome::Failed => Outcome::Blocked,
            other => other,
        },
        blocked_by: Some(by.to_owned()),
        ..blank(item)
    }
}

fn blank(item: &Item) -> ItemVerdict {
    let entry = experiments::find(&item.experiment);
    let tried = |entry: &Entry| (entry.tried)(&item.params).unwrap_or_default();
    ItemVerdict {
        id: item.id.clone(),
        title: item.title.clone(),
        outcome: Outcome::Blocked,
        points: 0.0,
        max_points: item.points,
        tried: entry.map(tried).unwrap_or_default(),
        saw: String::new(),
        why: entry.map(|entry| entry.why.to_owned()).unwrap_or_default(),
        lesson: item.lesson.clone(),
        blocked_by: None,
        location: None,
        duration: Duration::ZERO,
    }
}
