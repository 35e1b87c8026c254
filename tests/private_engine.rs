//! The private engine, for real: needs Linux, root, a running engine and the image `python:3.11-slim`
//! (`muelle images prepare`). It fails, and never skips, where they are missing.
//!
//! Each test starts this very binary again in a mount namespace in which the sockets of the running engines are
//! masked, so that the code under test finds none and starts its own.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests stop the test, as the tests do"
)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{CreateContainerOptions, RemoveContainerOptions};
use futures_util::StreamExt;
use muelle::lab::engine::{Engine, Reach};
use muelle::lab::images::{self, BaseImage, Source};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const IMAGE: &str = "python:3.11-slim";

/// Says which part the inner run plays; its absence means that it was not started by an outer test.
const PART: &str = "MUELLE_TEST_PART";

/// Starts the inner test where no engine is to be found.
fn without_engines(home: &Path, part: &str) -> Child {
    let mask = r#"
        set -eu
        for socket in /run/docker.sock /run/podman/podman.sock; do
          if [ -e "$socket" ]; then mount -n --bind /dev/null "$socket"; fi
        done
        exec "$0" --exact inner --ignored --nocapture
    "#;
    Command::new("unshare")
        .args([
            "--mount",
            "--propagation",
            "private",
            "--",
            "sh",
            "-c",
            mask,
        ])
        .arg(std::env::current_exe().unwrap())
        .env(PART, part)
        .env("MUELLE_HOME", home)
        .env_remove("DOCKER_HOST")
        .env_remove("DOCKER_CONTEXT")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the host's own engine and network look like.
fn host() -> String {
    let run = |command: &[&str]| {
        let output = Command::new(command[0])
            .args(&command[1..])
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    // Other tests' containers come and go on the host's engine: neither counters nor veths nor their rules count.
    let bridge = run(&["ip", "-o", "-4", "addr", "show", "docker0"]);
    let chains: Vec<String> = run(&["iptables", "-S"])
        .lines()
        .filter(|line| {
            line.starts_with("-P") || line.starts_with("-N") || line.contains("-j DOCKER")
        })
        .filter(|line| !line.contains("br-"))
        .map(str::to_owned)
        .collect();
    let engine = run(&["pgrep", "-o", "-x", "dockerd"]);
    format!("{bridge}\n{}\n{engine}", chains.join("\n"))
}

/// The socket folder and the control groups that belong to a home.
fn traces(home: &tempfile::TempDir) -> Vec<String> {
    let digest = Sha256::digest(home.path().as_os_str().as_encoded_bytes());
    let id: String = digest
        .iter()
        .take(6)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let mut places = vec![
        format!("/run/muelle/{id}"),
        format!("/sys/fs/cgroup/muelle-{id}"),
    ];
    for controller in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
        places.push(format!("{}/muelle-{id}", controller.path().display()));
    }
    places.retain(|place| Path::new(place).exists());
    places
}

/// The processes whose command line mentions `needle`.
fn processes(needle: &str) -> Vec<String> {
    living(|folder| {
        let line = std::fs::read(folder.join("cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line)
            .replace('\0', " ")
            .contains(needle)
    })
}

/// The processes of a process namespace.
fn members(namespace: &Path) -> Vec<String> {
    living(|folder| std::fs::read_link(folder.join("ns/pid")).is_ok_and(|link| link == namespace))
}

fn living(wanted: impl Fn(&Path) -> bool) -> Vec<String> {
    std::fs::read_dir("/proc")
        .unwrap()
        .flatten()
        .filter(|entry| {
            entry.file_name().to_string_lossy().parse::<u32>().is_ok() && wanted(&entry.path())
        })
        .map(|entry| {
            let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            format!("{} {}", entry.file_name().to_string_lossy(), name.trim())
        })
        .collect()
}

fn wait_for_line(child: &mut Child, wanted: &str) {
    let mut seen = String::new();
    for line in BufReader::new(child.stdout.as_mut().unwrap()).lines() {
        let line = line.unwrap();
        if line.contains(wanted) {
            return;
        }
        seen.push_str(&line);
        seen.push('\n');
    }
    panic!("the inner run ended without saying {wanted:?}:\n{seen}");
}

#[test]
fn a_container_of_a_private_engine_answers_and_the_host_does_not_notice() {
    let home = tempfile::Builder::new()
        .prefix("muelle-test-")
        .tempdir_in("/var/tmp")
        .unwrap();
    let archives = home.path().join("archives");
    std::fs::create_dir(&archives).unwrap();
    save(&archives.join("python.tar"));
    let before = host();
    let output = without_engines(home.path(), "serve")
        .wait_with_output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("served by a private engine"), "{text}");
    assert_eq!(host(), before);
    assert_eq!(traces(&home), [""; 0]);
    assert_eq!(processes(&home.path().to_string_lossy()), [""; 0]);
}

#[test]
fn killing_us_leaves_no_process_and_frees_the_lock() {
    let home = tempfile::Builder::new()
        .prefix("muelle-test-")
        .tempdir_in("/var/tmp")
        .unwrap();
    let needle = home.path().to_string_lossy().into_owned();
    let mut inner = without_engines(home.path(), "hang");
    wait_for_line(&mut inner, "engine is up");
    let engine = processes(&needle)
        .into_iter()
        .find(|line| line.ends_with("dockerd"))
        .unwrap();
    let pid = engine.split(' ').next().unwrap();
    let namespace = std::fs::read_link(format!("/proc/{pid}/ns/pid")).unwrap();
    let inside = members(&namespace);
    for name in ["dockerd", "containerd"] {
        assert!(
            inside
                .iter()
                .any(|line| line.ends_with(&format!(" {name}"))),
            "{inside:?}"
        );
    }
    // `unshare --mount` without `--fork` and `exec` keep the process id: this is the test binary itself.
    inner.kill().unwrap();
    inner.wait().unwrap();
    let begun = Instant::now();
    let left = || [processes(&needle), members(&namespace)].concat();
    while !left().is_empty() {
        assert!(
            begun.elapsed() < Duration::from_secs(3),
            "left over: {:?}",
            left()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("everything gone after {:?}", begun.elapsed());
    // The same data root can be used again at once; a run that ends in order removes what the killed one left.
    let output = without_engines(home.path(), "stop")
        .wait_with_output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stdout)
    );
    assert_eq!(traces(&home), [""; 0]);
}

/// Saves the base image from the host's engine.
fn save(file: &Path) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let engine = Engine::connect(&|_| {})
            .await
            .expect("these tests need a running engine");
        assert_eq!(
            images::missing(&engine, &[IMAGE]).await.unwrap(),
            [""; 0],
            "these tests need the base image: `muelle images prepare`"
        );
        let mut out = tokio::fs::File::create(file).await.unwrap();
        let mut pieces = engine.docker().export_image(IMAGE);
        while let Some(piece) = pieces.next().await {
            out.write_all(&piece.unwrap()).await.unwrap();
        }
        out.flush().await.unwrap();
    });
}

#[test]
#[ignore = "started by the other tests, in a namespace without engines"]
fn inner() {
    let part = std::env::var(PART).expect("this test is started by the others");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let said = std::sync::Mutex::new(Vec::new());
        let begun = Instant::now();
        let engine = Engine::connect(&|line| said.lock().unwrap().push(line.to_owned()))
            .await
            .unwrap();
        println!("engine is up after {:?}", begun.elapsed());
        assert!(engine.is_private());
        assert!(matches!(engine.facts().reach, Reach::Namespace(_)));
        assert_eq!(
            *said.lock().unwrap(),
            [
                "No hay ningún motor de Docker en marcha.",
                "Arranco un motor propio y privado, que solo dura lo que dura esta orden.",
            ]
        );
        match part.as_str() {
            "serve" => serve(&engine).await,
            "stop" => {}
            "hang" => tokio::time::sleep(Duration::from_secs(600)).await,
            other => panic!("{other}"),
        }
        engine.stop().await;
    });
}

/// Loads the image, serves a page from a container, reads it through the engine's namespace.
async fn serve(engine: &Engine) {
    let archives = Path::new(&std::env::var("MUELLE_HOME").unwrap()).join("archives");
    let begun = Instant::now();
    let prepared = images::prepare(engine, &[BaseImage::new(IMAGE)], Some(&archives), &|_| {})
        .await
        .unwrap();
    assert!(
        matches!(prepared[0].source, Source::Loaded(_)),
        "{prepared:?}"
    );
    println!("image loaded in {:?}", begun.elapsed());

    let docker = engine.docker();
    let body = ContainerCreateBody {
        image: Some(IMAGE.into()),
        cmd: Some(
            ["python", "-m", "http.server", "8000", "--directory", "/etc"]
                .map(String::from)
                .to_vec(),
        ),
        ..Default::default()
    };
    let id = docker
        .create_container(None::<CreateContainerOptions>, body)
        .await
        .unwrap()
        .id;
    docker.start_container(&id, None).await.unwrap();
    let networks = docker
        .inspect_container(&id, None)
        .await
        .unwrap()
        .network_settings
        .unwrap()
        .networks
        .unwrap();
    let ip = networks["bridge"].ip_address.clone().unwrap();
    let addr = format!("{ip}:8000").parse().unwrap();
    let begun = Instant::now();
    let mut stream = loop {
        match engine.connect_tcp(addr).await {
            Ok(stream) => break stream,
            Err(error) if begun.elapsed() > Duration::from_secs(20) => panic!("{addr}: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    stream
        .write_all(b"GET /os-release HTTP/1.0\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.0 200"), "{answer}");
    let begun = Instant::now();
    drop(engine.connect_tcp(addr).await.unwrap());
    println!(
        "served by a private engine; one connection takes {:?}",
        begun.elapsed()
    );
    docker
        .remove_container(
            &id,
            Some(RemoveContainerOptions {
                force: true,
                ..Default::default()
            }),
        )
        .await
        .unwrap();
}
