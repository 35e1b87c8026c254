//! Every folder of `tests/cases` is a test: the checker must accept the solution and every
//! alternative, and every mutant must fail the item that its `EXPECT` names (for which only that item
//! and what it depends on are tried).
//!
//! Without an engine the whole suite fails; nothing is skipped. The engine and the base images are
//! prepared by the same code as `muelle demo`. Where `muelle` may start a private engine of its own
//! (Linux, root), all cases run there, which is faster than many a machine's own set-up, and some
//! run on the machine's engine too; elsewhere all run on the machine's.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use bollard::Docker;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptions,
    ListVolumesOptions, RemoveImageOptions,
};
use futures_util::StreamExt;
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
    let cases = || course.exercises.iter().flat_map(Case::of);
    if args.list {
        let trials = cases().map(|case| Trial::test(case.name, || Ok(())));
        return libtest_mimic::run(&args, trials.collect()).exit_code();
    }
    let engines = runtime.block_on(Engines::prepare(course));
    let before = runtime.block_on(inventory(engines.machine.docker()));
    let on = |engine: &Arc<Engine>, case: Case, suffix: &str| {
        let (runtime, engine) = (runtime.clone(), engine.clone());
        let name = format!("{}{suffix}", case.name);
        Trial::test(name, move || runtime.block_on(case.run(engine)))
    };
    let mut trials = Vec::new();
    if let Some(private) = &engines.private {
        let short = cases().filter(|case| case.is_smoke());
        trials.extend(short.map(|case| on(&engines.machine, case, " (machine's engine)")));
        trials.extend(cases().map(|case| on(private, case, "")));
    } else {
        trials.extend(cases().map(|case| on(&engines.machine, case, "")));
    }
    let conclusion = libtest_mimic::run(&args, trials);
    let after = runtime.block_on(inventory(engines.machine.docker()));
    runtime.block_on(engines.stop());
    if before != after {
        let left: Vec<_> = after.difference(&before).collect();
        let lost: Vec<_> = before.difference(&after).collect();
        eprintln!("the engine is not as it was: left {left:?}, lost {lost:?}");
        return ExitCode::FAILURE;
    }
    eprintln!("the engine is as it was: {} objects", before.len());
    conclusion.exit_code()
}

/// Where the cases run.
struct Engines {
    machine: Arc<Engine>,
    private: Option<Arc<Engine>>,
}

impl Engines {
    /// Finds or starts them, with the base images of `course` in each.
    async fn prepare(course: &Course) -> Self {
        eprintln!("preparo el motor y las imágenes base");
        let images: Vec<_> = course
            .exercises
            .iter()
            .flat_map(|e| &e.images)
            .map(BaseImage::new)
            .collect();
        let say = |line: &str| eprintln!("· {line}");
        doctor::fix(&images, None, &say)
            .await
            .expect("an engine and base images");
        let machine = Engine::connect(&say).await.expect("an engine");
        if machine.is_private() || !Engine::can_be_private() {
            return Self {
                machine: Arc::new(machine),
                private: None,
            };
        }
        let private = Engine::connect_private(&say)
            .await
            .expect("a private engine");
        let folder = tempfile::tempdir().expect("a folder");
        for (index, image) in images.iter().enumerate() {
            let path = folder.path().join(format!("{index}.tar"));
            let mut file = fs::File::create(path).expect("a file");
            let mut saved = std::pin::pin!(machine.docker().export_image(&image.reference));
            while let Some(chunk) = saved.next().await {
                file.write_all(&chunk.expect("an image")).expect("space");
            }
        }
        let stale = private.docker();
        for image in &images {
            let same = async |engine: &Engine| {
                engine
                    .docker()
                    .inspect_image(&image.reference)
                    .await
                    .ok()?
                    .id
            };
            if same(&private).await != same(&machine).await {
                // An image of another recipe in a data folder of an earlier run.
                let _ = stale
                    .remove_image(&image.reference, None::<RemoveImageOptions>, None)
                    .await;
            }
        }
        muelle::lab::images::prepare(&private, &images, Some(folder.path()), &say)
            .await
            .expect("base images in the private engine");
        Self {
            machine: Arc::new(machine),
            private: Some(Arc::new(private)),
        }
    }

    async fn stop(self) {
        for engine in [Some(self.machine), self.private].into_iter().flatten() {
            if let Some(engine) = Arc::into_inner(engine) {
                engine.stop().await;
            }
        }
    }
}

/// What `docker ps -a`, `images`, `network ls` and `volume ls` show.
async fn inventory(docker: &Docker) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    let containers = ListContainersOptionsBuilder::default().all(true).build();
    for container in docker
        .list_containers(Some(containers))
        .await
        .expect("containers")
    {
        all.insert(format!("container {}", container.id.unwrap_or_default()));
    }
    let images = ListImagesOptionsBuilder::default().build();
    for image in docker.list_images(Some(images)).await.expect("images") {
        all.insert(format!("image {} {:?}", image.id, image.repo_tags));
    }
    let networks = docker
        .list_networks(None::<ListNetworksOptions>)
        .await
        .expect("networks");
    for network in networks {
        all.insert(format!("network {}", network.name.unwrap_or_default()));
    }
    let volumes = docker
        .list_volumes(None::<ListVolumesOptions>)
        .await
        .expect("volumes");
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
            case(
                format!("{id}: the solution passes"),
                exercise.solution.clone(),
                Expected::AllPass,
            ),
            case(
                format!("{id}: the starter fails"),
                exercise.starter.clone(),
                Expected::SomethingFails,
            ),
        ];
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/cases")
            .join(id);
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

    /// Whether it is one of the few that run on every engine.
    fn is_smoke(&self) -> bool {
        match &self.expected {
            Expected::AllPass => self.name.ends_with("the solution passes"),
            Expected::Fails(_) => {
                self.name.contains("mutant root ") || self.name.contains("mutant curl ")
            }
            Expected::SomethingFails => false,
        }
    }

    async fn run(self, engine: Arc<Engine>) -> Result<(), Failed> {
        let folder = tempfile::tempdir()?;
        self.files.write(folder.path())?;
        let exercise = match &self.expected {
            Expected::Fails(id) => reduced(self.exercise, id),
            _ => self.exercise.clone(),
        };
        let verdict = check(engine, &exercise, folder.path(), &|_| {}).await?;
        let right = match &self.expected {
            Expected::AllPass => verdict.outcome == Outcome::Passed,
            Expected::Fails(id) => {
                // A fault of the machine's is no right answer, even beside the expected one.
                verdict
                    .items
                    .iter()
                    .all(|item| item.outcome != Outcome::Error)
                    && verdict
                        .items
                        .iter()
                        .any(|item| item.id == *id && item.outcome == Outcome::Failed)
            }
            Expected::SomethingFails => verdict.outcome == Outcome::Failed,
        };
        if right {
            Ok(())
        } else {
            Err(told(&verdict).into())
        }
    }
}

/// The exercise with nothing but the item `id` and what it depends on: all that a mutant must show.
fn reduced(exercise: &Exercise, id: &str) -> Exercise {
    let mut wanted = vec![id.to_owned()];
    let mut next = 0;
    while let Some(id) = wanted.get(next).cloned() {
        next += 1;
        wanted.extend(
            exercise
                .item(&id)
                .into_iter()
                .flat_map(|item| item.blocked_by.clone()),
        );
    }
    let mut exercise = exercise.clone();
    exercise.items.retain(|item| wanted.contains(&item.id));
    exercise
}

/// Every item that did not pass, with what was seen.
fn told(verdict: &Verdict) -> String {
    let mut text = format!("the whole: {:?}", verdict.outcome);
    for item in verdict
        .items
        .iter()
        .filter(|item| item.outcome != Outcome::Passed)
    {
        text.push_str(&format!("\n{} {:?}: {}", item.id, item.outcome, item.saw));
    }
    text
}

/// A case's folder laid over the starter, without what its `REMOVE` takes away.
fn overlay(exercise: &Exercise, dir: &Path) -> Snapshot {
    let mut case = Snapshot::read(dir, Limits::default()).expect("a readable case");
    let removed = case
        .file("REMOVE")
        .map(|bytes| String::from_utf8_lossy(bytes).into_owned());
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
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
            )
        })
        .collect();
    folders.sort();
    folders
}
