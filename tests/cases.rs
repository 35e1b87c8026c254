//! Every folder of `tests/cases` is a test: the checker must accept the solution and every
//! alternative, and every mutant must fail the item that its `EXPECT` names.
//!
//! Without an engine the whole suite fails; nothing is skipped. The engine and the base images are
//! prepared by the same code as `muelle demo`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use bollard::Docker;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptions, ListVolumesOptions,
};
use libtest_mimic::{Arguments, Failed, Trial};
use muelle::check::check;
use muelle::course::{Course, Exercise};
use muelle::experiments;
use muelle::lab::doctor;
use muelle::lab::engine::Engine;
use muelle::lab::images::BaseImage;
use muelle::submission::Snapshot;
use muelle::submission::snapshot::Limits;
use muelle::verdict::{Outcome, Verdict};
use tokio::runtime::Runtime;

/// Checks at once: they wait for the engine more than they compute.
const AT_ONCE: usize = 3;

fn main() -> ExitCode {
    let mut args = Arguments::from_args();
    args.test_threads.get_or_insert(AT_ONCE);
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let course = Course::embedded(&experiments::specs()).expect("the embedded course is right");
    let course: &'static Course = Box::leak(Box::new(course));
    let mut cases = Vec::new();
    for exercise in &course.exercises {
        cases.extend(Case::of(exercise));
    }
    if args.list {
        let trials = cases.into_iter().map(|case| Trial::test(case.name, || Ok(())));
        return libtest_mimic::run(&args, trials.collect()).exit_code();
    }
    let engine = runtime.block_on(async {
        eprintln!("preparing the engine and the base images");
        let images: Vec<_> =
            course.exercises.iter().flat_map(|e| &e.images).map(BaseImage::new).collect();
        let say = |line: &str| eprintln!("· {line}");
        doctor::fix(&images, None, &say).await.expect("an engine and base images");
        Arc::new(Engine::connect(&say).await.expect("an engine"))
    });
    let before = runtime.block_on(inventory(engine.docker()));
    let trials = cases
        .into_iter()
        .map(|case| {
            let (runtime, engine) = (runtime.clone(), engine.clone());
            Trial::test(case.name.clone(), move || runtime.block_on(case.run(engine)))
        })
        .collect();
    let conclusion = libtest_mimic::run(&args, trials);
    let after = runtime.block_on(inventory(engine.docker()));
    if before != after {
        let left: Vec<_> = after.difference(&before).collect();
        let lost: Vec<_> = before.difference(&after).collect();
        eprintln!("the engine is not as it was: left {left:?}, lost {lost:?}");
        return ExitCode::FAILURE;
    }
    eprintln!("the engine is as it was: {} objects", before.len());
    conclusion.exit_code()
}

/// What `docker ps -a`, `images`, `network ls` and `volume ls` show.
async fn inventory(docker: &Docker) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let containers = ListContainersOptionsBuilder::default().all(true).build();
    for container in docker.list_containers(Some(containers)).await.expect("containers") {
        all.insert(format!("container {}", container.id.unwrap_or_default()));
    }
    let images = ListImagesOptionsBuilder::default().build();
    for image in docker.list_images(Some(images)).await.expect("images") {
        all.insert(format!("image {} {:?}", image.id, image.repo_tags));
    }
    let networks = docker.list_networks(None::<ListNetworksOptions>).await.expect("networks");
    for network in networks {
        all.insert(format!("network {}", network.name.unwrap_or_default()));
    }
    let volumes = docker.list_volumes(None::<ListVolumesOptions>).await.expect("volumes");
    for volume in volumes.volumes.unwrap_or_default() {
        all.insert(format!("volume {}", volume.name));
    }
    all
}

/// What a case must come to.
enum Expected {
    /// Every item passes.
    AllPass,
    /// This item fails.
    Fails(String),
    /// Something fails.
    SomethingFails,
}

/// One submission and what it must come to.
struct Case {
    name: String,
    exercise: &'static Exercise,
    files: Snapshot,
    expected: Expected,
}

impl Case {
    fn of(exercise: &'static Exercise) -> Vec<Self> {
        let id = &exercise.id;
        let case = |name: String, files: Snapshot, expected: Expected| Self {
            name,
            exercise,
            files,
            expected,
        };
        let mut cases = vec![
            case(format!("{id}: the solution passes"), exercise.solution.clone(), Expected::AllPass),
            case(
                format!("{id}: the starter fails"),
                exercise.starter.clone(),
                Expected::SomethingFails,
            ),
        ];
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(id);
        for (name, dir) in folders(&folder.join("alternatives")) {
            cases.push(case(
                format!("{id}: alternative {name} passes"),
                overlay(exercise, &dir),
                Expected::AllPass,
            ));
        }
        for (name, dir) in folders(&folder.join("mutants")) {
            let item = fs::read_to_string(dir.join("EXPECT")).expect("a mutant has an EXPECT");
            let item = item.trim().to_owned();
            cases.push(case(
                format!("{id}: mutant {name} fails {item}"),
                overlay(exercise, &dir),
                Expected::Fails(item),
            ));
        }
        cases
    }

    async fn run(self, engine: Arc<Engine>) -> Result<(), Failed> {
        let folder = tempfile::tempdir()?;
        self.files.write(folder.path())?;
        let verdict = check(engine, self.exercise, folder.path(), &|_| {}).await?;
        let right = match &self.expected {
            Expected::AllPass => verdict.outcome == Outcome::Passed,
            Expected::Fails(id) => {
                // A fault of the machine's is no right answer, even beside the expected one.
                verdict.items.iter().all(|item| item.outcome != Outcome::Error)
                    && verdict.items.iter().any(|item| item.id == *id && item.outcome == Outcome::Failed)
            }
            Expected::SomethingFails => verdict.outcome == Outcome::Failed,
        };
        if right { Ok(()) } else { Err(told(&verdict).into()) }
    }
}

/// Every item that did not pass, with what was seen.
fn told(verdict: &Verdict) -> String {
    let mut text = format!("the whole: {:?}", verdict.outcome);
    for item in verdict.items.iter().filter(|item| item.outcome != Outcome::Passed) {
        text.push_str(&format!("\n{} {:?}: {}", item.id, item.outcome, item.saw));
    }
    text
}

/// A case's folder laid over the starter, without what its `REMOVE` takes away.
fn overlay(exercise: &Exercise, dir: &Path) -> Snapshot {
    let mut case = Snapshot::read(dir, Limits::default()).expect("a readable case");
    let removed = case.file("REMOVE").map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    case.remove("REMOVE");
    case.remove("EXPECT");
    let mut files = exercise.starter.clone();
    for path in removed.iter().flat_map(|text| text.lines()) {
        files.remove(path.trim());
    }
    files.lay(&case);
    files
}

fn folders(dir: &Path) -> Vec<(String, PathBuf)> {
    let Ok(entries) = fs::read_dir(dir) else {
        return Vec::new();
    };
    let mut folders: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()))
        .collect();
    folders.sort();
    folders
}
