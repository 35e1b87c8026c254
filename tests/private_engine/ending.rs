//! However it ends, the host is as it was.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use bollard::models::ContainerCreateBody;
use muelle::lab::engine::Engine;

use super::bench::{IMAGE, engine, host, id, soon, traces};

/// Says that the inner test was started by an outer one.
const INNER: &str = "MUELLE_TEST_INNER";

#[tokio::test]
async fn one_that_is_stopped_leaves_nothing() {
    let before = host();
    let engine = engine().await;
    let id = id(&engine);
    assert!(!traces(&id).is_empty());
    let begun = Instant::now();
    engine.stop().await;
    println!("stopped in {:?}", begun.elapsed());
    assert_eq!(traces(&id), [""; 0]);
    assert_eq!(host(), before);
}

/// The ids of the processes of the engine called `id`.
fn members(id: &str) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let named = processes.filter(|entry| {
        let groups = std::fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
        groups.contains(&format!("/muelle/{id}"))
    });
    named
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

fn name_of(pid: &String) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default()
}

/// The files behind loop devices; those of engines have no name of their own, but a number.
fn loops() -> Vec<String> {
    let devices = std::fs::read_dir("/sys/block").unwrap().flatten();
    devices
        .filter_map(|device| std::fs::read_to_string(device.path().join("loop/backing_file")).ok())
        .collect()
}

/// The file behind the disk that the process `pid` sees at `/data`.
fn disk_of(pid: &str) -> String {
    let mounts = std::fs::read_to_string(format!("/proc/{pid}/mountinfo")).unwrap();
    let data = mounts
        .lines()
        .find(|line| line.contains(" /data "))
        .unwrap();
    let device = data.split(' ').nth(2).unwrap();
    std::fs::read_to_string(format!("/sys/dev/block/{device}/loop/backing_file")).unwrap()
}

#[test]
fn killing_us_ends_every_process_and_leaves_no_mount_loop_device_or_rule() {
    let before = host();
    let mut inner = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "private_engine::ending::inner",
            "--ignored",
            "--nocapture",
        ])
        .env(INNER, "yes")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(inner.stdout.take().unwrap()).lines();
    let id = lines
        .map_while(Result::ok)
        .find_map(|line| {
            line.split("running ")
                .nth(1)
                .filter(|id| id.len() == 10)
                .map(str::to_owned)
        })
        .expect("the inner test says when it runs");
    let inside = members(&id);
    for name in ["dockerd", "containerd", "python"] {
        let found = inside
            .iter()
            .map(name_of)
            .any(|comm| comm.starts_with(name));
        assert!(found, "{name}");
    }
    let dockerd = inside
        .iter()
        .find(|pid| name_of(pid) == "dockerd\n")
        .unwrap();
    let disk = disk_of(dockerd);
    assert!(loops().contains(&disk), "{disk}");
    inner.kill().unwrap();
    let took = soon(Duration::from_secs(5), || members(&id).is_empty());
    println!("every process gone after {took:?}");
    inner.wait().unwrap();
    let took = soon(Duration::from_secs(5), || !loops().contains(&disk));
    println!("its loop device free after {took:?} more");
    assert_eq!(host(), before);
    // Only empty control groups and a few files, which the next one removes.
    assert!(!traces(&id).is_empty());
    soon(Duration::from_secs(5), || {
        Engine::sweep_private();
        traces(&id).is_empty()
    });
}

#[tokio::test]
#[ignore = "started by another test, to be killed"]
async fn inner() {
    if std::env::var_os(INNER).is_none() {
        return;
    }
    let engine = engine().await;
    let body = ContainerCreateBody {
        image: Some(IMAGE.into()),
        cmd: Some(
            ["python", "-c", "import time; time.sleep(600)"]
                .map(String::from)
                .to_vec(),
        ),
        ..Default::default()
    };
    let options = None::<bollard::query_parameters::CreateContainerOptions>;
    let made = engine
        .docker()
        .create_container(options, body)
        .await
        .unwrap();
    engine
        .docker()
        .start_container(&made.id, None)
        .await
        .unwrap();
    println!("running {}", id(&engine));
    tokio::time::sleep(Duration::from_secs(600)).await;
}
