//! What happens when something dies, and how much anything may take: needs a real engine with the base image, prepared
//! by `muelle images prepare` where it is missing.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests stop the test, as the tests do"
)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::time::Duration;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptions, ListVolumesOptions,
};
use futures_util::StreamExt;
use muelle::lab::container::Container;
use muelle::lab::engine::Engine;
use muelle::lab::{Halt, Lab, limits, reaper};
use serde_json::Value;

const IMAGE: &str = "python:3.11-slim";

/// One at a time: they look at what is left on the engine.
static ENGINE: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    static PREPARED: Once = Once::new();
    let turn = ENGINE.lock().unwrap_or_else(PoisonError::into_inner);
    PREPARED.call_once(|| {
        let prepared = muelle(&["images", "prepare"]).status().unwrap();
        assert!(prepared.success(), "an engine and base images are needed");
    });
    turn
}

fn muelle(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muelle"));
    command.args(args).stdin(Stdio::null());
    command
}

fn solution() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("solutions/10-proyecto/32-proyecto-final")
}

/// Starts the check of `folder` with `builder`.
fn checking(folder: &Path, builder: &str) -> Child {
    muelle(&["check", "--format", "json", "--exercise", "proyecto-final"])
        .arg(folder)
        .env("MUELLE_BUILDER", builder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Every object of the engine, hidden images included.
async fn inventory(docker: &Docker) -> BTreeSet<String> {
    let containers = ListContainersOptionsBuilder::default().all(true).build();
    let containers = docker.list_containers(Some(containers)).await.unwrap();
    let images = ListImagesOptionsBuilder::default().all(true).build();
    let images = docker.list_images(Some(images)).await.unwrap();
    let networks = docker
        .list_networks(None::<ListNetworksOptions>)
        .await
        .unwrap();
    let volumes = docker
        .list_volumes(None::<ListVolumesOptions>)
        .await
        .unwrap();
    let containers = containers
        .into_iter()
        .map(|one| format!("container {:?}", one.names));
    let images = images.into_iter().map(|one| format!("image {}", one.id));
    let networks = networks
        .into_iter()
        .map(|one| format!("network {:?}", one.name));
    let volumes = volumes.volumes.unwrap_or_default().into_iter();
    let volumes = volumes.map(|one| format!("volume {}", one.name));
    let all = containers.chain(images).chain(networks).chain(volumes);
    all.collect()
}

/// Runs `test` with the engine.
fn with_engine<T>(test: impl AsyncFnOnce(Arc<Engine>) -> T) -> T {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async { test(Arc::new(Engine::find().await.unwrap())).await })
}

fn objects() -> BTreeSet<String> {
    with_engine(async |engine| inventory(engine.docker()).await)
}

#[test]
fn a_check_killed_at_any_moment_leaves_nothing_after_the_next_start() {
    let _turn = turn();
    // What an earlier run left is no part of this.
    assert!(muelle(&["clean"]).status().unwrap().success());
    let before = objects();
    for (millis, builder) in [
        (60, "buildkit"),
        (400, "classic"),
        (1500, "classic"),
        (2500, "buildkit"),
        (6000, "classic"),
        (6000, "buildkit"),
    ] {
        let mut child = checking(&solution(), builder);
        std::thread::sleep(Duration::from_millis(millis));
        child.kill().unwrap();
        child.wait().unwrap();
        let cleaned = muelle(&["clean"]).output().unwrap();
        assert!(cleaned.status.success(), "{cleaned:?}");
        let after = objects();
        let left: Vec<_> = after.difference(&before).collect();
        assert!(left.is_empty(), "{builder}, {millis} ms: {left:#?}");
        assert_eq!(
            after, before,
            "{builder}, {millis} ms: something is missing"
        );
    }
}

#[test]
fn two_checks_at_once_and_a_reaper_between_leave_each_other_alone() {
    let _turn = turn();
    assert!(muelle(&["clean"]).status().unwrap().success());
    let before = objects();
    let checks = [
        checking(&solution(), "buildkit"),
        checking(&solution(), "buildkit"),
    ];
    let reaped: usize = with_engine(async |engine| {
        let mut reaped = 0;
        for _ in 0..12 {
            tokio::time::sleep(Duration::from_millis(250)).await;
            reaped += reaper::reap(engine.docker()).await.unwrap().runs;
        }
        reaped
    });
    assert_eq!(reaped, 0);
    for check in checks {
        let output = check.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", document(&output));
    }
    assert_eq!(objects(), before);
}

/// A lab with its anchor down, watched over while `test` runs.
fn in_lab(test: impl AsyncFnOnce(&Lab)) {
    with_engine(async |engine| {
        let lab = Lab::open(engine).unwrap();
        lab.moor(&[IMAGE.to_owned()]).await.unwrap();
        {
            let test = std::pin::pin!(test(&lab));
            let watch = std::pin::pin!(lab.watch());
            if let futures_util::future::Either::Right(((), test)) =
                futures_util::future::select(test, watch).await
            {
                test.await;
            }
        }
        lab.close(false).await.unwrap();
    });
}

/// A container of the lab that runs `script`.
async fn running<'lab>(lab: &'lab Lab, name: &str, script: &str) -> Container<'lab> {
    let body = ContainerCreateBody {
        image: Some(IMAGE.into()),
        cmd: Some(vec!["sh".into(), "-c".into(), script.into()]),
        host_config: Some(HostConfig {
            network_mode: Some(lab.network().await.unwrap().to_owned()),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    };
    let container = Container::create(lab, name, body).await.unwrap();
    container.start().await.unwrap();
    container
}

/// What `script` prints in a container of the lab, and its exit code.
async fn run(lab: &Lab, name: &str, script: &str) -> (i64, String) {
    let container = running(lab, name, script).await;
    let code = container.exit_within(Duration::from_secs(60)).await;
    (code.unwrap().unwrap(), container.logs().await.unwrap())
}

#[test]
fn a_fork_bomb_meets_its_limit() {
    let _turn = turn();
    in_lab(async |lab| {
        let bomb = "import os,time\nn=0\ntry:\n while True:\n  if os.fork()==0: time.sleep(60); os._exit(0)\n  n+=1\nexcept BlockingIOError: print(n)";
        let (_, said) = run(lab, "bomba", &format!("python3 -c '{bomb}'")).await;
        let forked: i64 = said.trim().parse().unwrap();
        assert!(
            (limits::PIDS - 8..limits::PIDS).contains(&forked),
            "{forked}"
        );
    });
}

#[test]
fn a_memory_hog_is_killed() {
    let _turn = turn();
    in_lab(async |lab| {
        let hog = running(lab, "gloton", "exec python3 -c 'x = b\"x\" * (1500 << 20)'");
        let code = hog.await.exit_within(Duration::from_secs(60)).await;
        assert_eq!(code.unwrap(), Some(137));
    });
}

#[test]
fn a_flood_of_logs_is_bounded_and_its_end_is_kept() {
    let _turn = turn();
    in_lab(async |lab| {
        let flood =
            "yes 0123456789012345678901234567890123456789 | head -c 60000000; echo; echo fin";
        let container = running(lab, "parlanchin", flood).await;
        let code = container.exit_within(Duration::from_secs(60)).await;
        assert_eq!(code.unwrap(), Some(0));
        let options = bollard::query_parameters::LogsOptionsBuilder::default()
            .stdout(true)
            .build();
        let mut logs = lab.docker().logs(container.id(), Some(options));
        let (mut bytes, mut last) = (0, String::new());
        while let Some(line) = logs.next().await {
            last = line.unwrap().to_string();
            bytes += last.len();
        }
        assert!(bytes < 12_000_000, "{bytes}");
        assert_eq!(last.trim(), "fin");
    });
}

#[test]
fn no_file_is_longer_than_a_containers_share_of_the_disk() {
    let _turn = turn();
    in_lab(async |lab| {
        let (code, said) = run(lab, "largo", "truncate -s 3G /x; stat -c %s /x").await;
        assert!(code == 0 && !said.contains("3221225472"), "{code}: {said}");
    });
}

#[test]
fn root_in_a_container_keeps_only_what_images_need() {
    let _turn = turn();
    in_lab(async |lab| {
        let script = "grep -E \"CapBnd|NoNewPrivs\" /proc/self/status; \
            touch /x && chown 1234 /x && setpriv --reuid 1234 --clear-groups id -u; \
            mknod /dev/x b 8 0 2>/dev/null || echo sin dispositivos; ulimit -c; ulimit -n";
        let (_, said) = run(lab, "derechos", script).await;
        // CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID and NET_BIND_SERVICE.
        for words in [
            "CapBnd:\t00000000000004fb",
            "NoNewPrivs:\t1",
            "\n1234\n",
            "sin dispositivos\n0\n16384",
        ] {
            assert!(said.contains(words), "{words:?} in {said}");
        }
    });
}

#[test]
fn a_container_that_fills_the_disk_ends_the_lab_and_is_named() {
    let _turn = turn();
    in_lab(async |lab| {
        let script = "for i in $(seq 20); do head -c 100000000 /dev/zero > /x$i; done; sleep 100";
        let _container = running(lab, "tragon", script).await;
        lab.stopping().await;
        let halt = lab.halted().await;
        let Halt::Submission(why) = &halt else {
            panic!("{halt:?}");
        };
        assert!(why.contains("`tragon` escribió más de 1 GB"), "{why}");
        assert_eq!(lab.trust().await, Err(halt.clone()));
    });
}

#[test]
fn a_build_that_fills_the_disk_fails_once_and_gives_the_space_back() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let dockerfile = format!(
        "FROM {IMAGE}\nRUN for i in $(seq 60); do head -c 200000000 /dev/zero > /x$i; done; sleep 100\n"
    );
    std::fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
    for builder in ["buildkit", "classic"] {
        let output = checking(folder.path(), builder).wait_with_output().unwrap();
        let document = document(&output);
        let first = &document["items"][0];
        assert_eq!(first["outcome"], "failed", "{builder}: {first}");
        let saw = first["saw"].as_str().unwrap();
        assert!(saw.contains("escribió más de"), "{builder}: {saw}");
        assert_eq!(document["items"][1]["outcome"], "blocked", "{builder}");
    }
}

#[test]
fn what_fails_before_the_anchor_is_up_is_believed() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("compose.yaml"), "services: {}\n").unwrap();
    let output = checking(folder.path(), "buildkit")
        .wait_with_output()
        .unwrap();
    assert_eq!(document(&output)["outcome"], "failed");
}

#[test]
fn an_anchor_that_goes_away_is_an_error_and_never_a_failure() {
    let _turn = turn();
    let mut child = checking(&solution(), "buildkit");
    with_engine(async |engine| {
        // Once the app runs, what a stopped engine does: the anchor ends, and the app with it.
        let options = ListContainersOptionsBuilder::default().build();
        loop {
            assert!(child.try_wait().unwrap().is_none(), "it ended too soon");
            let containers = engine.docker().list_containers(Some(options.clone())).await;
            let names: Vec<_> = containers
                .unwrap()
                .into_iter()
                .flat_map(|container| container.names.unwrap_or_default())
                .filter(|name| name.starts_with("/muelle-"))
                .collect();
            if names.len() > 2 {
                for name in names.iter().rev() {
                    let _ = engine.docker().kill_container(&name[1..], None).await;
                }
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    let document = document(&child.wait_with_output().unwrap());
    for item in document["items"].as_array().unwrap() {
        // What the compose file says was judged without the engine.
        let fine = matches!(item["outcome"].as_str(), Some("error" | "passed"));
        assert!(fine, "{item}");
    }
    assert_eq!(document["outcome"], "error");
}
