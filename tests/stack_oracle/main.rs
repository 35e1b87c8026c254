//! Our stack runner against Docker Compose itself: the same projects, brought up by both on one engine, must look the
//! same when the engine is asked.
//!
//! Not part of a plain `cargo test`: `tests/oracles.sh` installs Compose and runs it. A project is a folder of
//! `projects` with its files and with `steps`, one command a line (see `project.rs`).
#![expect(clippy::unwrap_used, reason = "what does not work here stops the test")]

mod compare;
mod engine;
mod normal;
mod ours;
mod project;
mod theirs;

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use muelle::lab::Lab;
use muelle::lab::engine::Engine;
use ours::Ours;
use project::{End, Project};
use theirs::Theirs;

/// Projects at once: they wait for the engine more than they compute.
const AT_ONCE: usize = 4;

/// Longest wait until both sides have settled in the same state.
const PATIENCE: Duration = Duration::from_secs(6);

/// What a step did, apart from the engine's state.
#[derive(Debug)]
pub struct Outcome {
    /// What went wrong; nothing: it went well.
    pub failure: Option<String>,
    /// What was printed that must be the same.
    pub output: String,
    /// Warnings, in any order.
    pub warnings: Vec<String>,
}

#[tokio::test]
#[ignore = "needs Docker Compose: run `tests/oracles.sh`"]
async fn every_project_becomes_on_the_engine_what_compose_makes_of_it() {
    let program = theirs::program();
    let only = std::env::var("MUELLE_STACK_ONLY").unwrap_or_default();
    let mut projects = project::all();
    projects.retain(|project| project.name.contains(&only));
    assert!(!only.is_empty() || projects.len() >= 25, "too few projects");
    let machine = Arc::new(Engine::find().await.expect("an engine"));
    engine::make_image(machine.docker()).await;
    let begun = Instant::now();
    let trials = projects
        .iter()
        .map(|project| attempt(project, &machine, &program));
    let results: Vec<_> = futures_util::stream::iter(trials)
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    // On a busy engine Compose itself does not always see what it has just started: what is alike alone is alike.
    let mut settled = Vec::new();
    for (project, first, took) in results {
        settled.push(match first.differences.is_empty() {
            true => (project, first, took),
            false => {
                println!(
                    "once more, alone: {}: {:?}",
                    project.name, first.differences
                );
                attempt(project, &machine, &program).await
            }
        });
    }
    let results = settled;
    engine::remove_image().await;
    let (mut steps, mut containers, mut all) = (0, 0, Vec::new());
    for (project, trial, took) in results {
        println!(
            "{:32} {:5.1} s  {} differences",
            project.name,
            took.as_secs_f32(),
            trial.differences.len()
        );
        steps += trial.steps;
        containers += trial.containers;
        let told = trial.differences.into_iter();
        all.extend(told.map(|it| format!("{}: {it}", project.name)));
    }
    println!(
        "{} projects, {steps} steps, {containers} inspected containers, {} unexplained differences, {:.0} s",
        projects.len(),
        all.len(),
        begun.elapsed().as_secs_f32()
    );
    let left = engine::leftovers().await;
    assert!(left.is_empty(), "left on the engine: {left:?}");
    assert!(all.is_empty(), "\n{}", all.join("\n\n"));
}

/// Carries out `project` on both sides in a lab of its own.
async fn attempt<'p>(
    project: &'p Project,
    machine: &Arc<Engine>,
    program: &str,
) -> (&'p Project, Trial, Duration) {
    let begun = Instant::now();
    let lab = Lab::open(machine.clone()).unwrap();
    // With its anchor down, or another checker on this engine would take the lab for a dead one's.
    lab.moor(&["python:3.11-slim".to_owned()]).await.unwrap();
    let differences = {
        let trial = std::pin::pin!(trial(project, &lab, program));
        let watch = std::pin::pin!(lab.watch());
        match select(trial, watch).await {
            Either::Left((differences, _)) => differences,
            Either::Right(_) => panic!("{}: the engine stopped", project.name),
        }
    };
    lab.close(false).await.unwrap();
    (project, differences, begun.elapsed())
}

#[derive(Default)]
struct Trial {
    steps: usize,
    containers: usize,
    differences: Vec<String>,
}

/// Carries out all steps on both sides and compares after each.
async fn trial(project: &Project, lab: &Lab, program: &str) -> Trial {
    let mut trial = Trial::default();
    let theirs = Theirs::new(project, program);
    let ours = match Ours::new(project, lab) {
        Ok(ours) => ours,
        Err(refusal) => {
            trial
                .differences
                .push(format!("we do not load it: {refusal}"));
            return trial;
        }
    };
    for step in &project.steps {
        trial.steps += 1;
        // One after the other: host ports that a project fixes are there once.
        let their_outcome = theirs.carry_out(step).await;
        let our_outcome = ours.carry_out(step).await;
        let mut told = compare::outcomes(&our_outcome, &their_outcome, step);
        if matches!(step.end, End::Apart | End::Refused) {
            trial.differences.extend(told);
            continue;
        }
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (our_state, their_state) = (ours.state().await, theirs.state().await);
            let differences = compare::states(&our_state, &their_state);
            if differences.is_empty() || Instant::now() > deadline {
                trial.containers += their_state.containers.len();
                told.extend(differences);
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let told = told.into_iter();
        trial
            .differences
            .extend(told.map(|it| format!("after `{step}`: {it}")));
    }
    theirs.end().await;
    trial
}
