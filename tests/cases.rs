//! Every folder of `tests/cases` is a test, as `muelle dev check` runs it: the checker must accept the solution and
//! every alternative, and every mutant must fail the items that its `EXPECT` names (tried with what they depend on;
//! `muelle dev check` tries all the others too, which must not fail).
//!
//! Without an engine the whole suite fails; nothing is skipped. The engine and the base images are
//! prepared by the same code as `muelle demo`. Where `muelle` may start a private engine of its own
//! (Linux, root), all cases run there, which is faster than many a machine's own set-up, and some
//! run on the machine's engine too; elsewhere, and with `MUELLE_TEST_SANDBOX=compartido`, all run on
//! the machine's.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use bollard::Docker;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptions, ListVolumesOptions,
};
use libtest_mimic::{Arguments, Trial};
use muelle::cases::{self, Case, Kind, Trials};
use muelle::course::Course;
use muelle::experiments;
use muelle::lab::doctor;
use muelle::lab::engine::Engine;
use muelle::lab::images::BaseImage;
use tokio::runtime::Runtime;

/// Checks at once: they wait for the engine more than they compute.
const AT_ONCE: usize = 3;

fn main() -> ExitCode {
    let mut args = Arguments::from_args();
    args.test_threads.get_or_insert(AT_ONCE);
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let course = Course::embedded(&experiments::specs()).expect("the embedded course is right");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let exercises = course.exercises.iter().cloned().map(Arc::new);
    let cases: Vec<Case> = exercises
        .flat_map(|exercise| cases::of(&exercise, root).expect("well-formed cases"))
        .collect();
    if args.list {
        let trials = cases
            .into_iter()
            .map(|case| Trial::test(case.name, || Ok(())));
        return libtest_mimic::run(&args, trials.collect()).exit_code();
    }
    let engines = runtime.block_on(Engines::prepare(&course));
    let before = runtime.block_on(inventory(engines.machine.docker()));
    let on = |place: &Arc<Trials>, case: Case, suffix: &str| {
        let (runtime, place) = (runtime.clone(), place.clone());
        let name = format!("{}{suffix}", case.name);
        Trial::test(name, move || match runtime.block_on(place.run(&case))? {
            None => Ok(()),
            Some(wrong) => Err(wrong.into()),
        })
    };
    let machine = Arc::new(Trials::on(engines.machine.clone(), false));
    let private = engines.private.clone();
    let private = private.map(|engine| Arc::new(Trials::on(engine, false)));
    let mut trials = Vec::new();
    if let Some(private) = &private {
        let short = cases.iter().filter(|case| is_smoke(case)).cloned();
        trials.extend(short.map(|case| on(&machine, case, " (machine's engine)")));
        trials.extend(cases.into_iter().map(|case| on(private, case, "")));
    } else {
        trials.extend(cases.into_iter().map(|case| on(&machine, case, "")));
    }
    let conclusion = libtest_mimic::run(&args, trials);
    drop((machine, private));
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
        let shared = std::env::var("MUELLE_TEST_SANDBOX").is_ok_and(|name| name == "compartido");
        if shared || machine.is_private() || !Engine::can_be_private() {
            return Self {
                machine: Arc::new(machine),
                private: None,
            };
        }
        let private = Engine::connect_sandbox(&images, &say)
            .await
            .expect("a private engine");
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

/// Whether it is one of the few that run on every engine.
fn is_smoke(case: &Case) -> bool {
    match case.kind {
        Kind::Solution => case.name.starts_with("proyecto-final"),
        Kind::Mutant => {
            case.name.starts_with("proyecto-final: mutant root ")
                || case.name.starts_with("proyecto-final: mutant curl ")
        }
        Kind::Starter | Kind::Alternative => false,
    }
}
