//! What these tests share: engines, containers and builds of theirs, and what the host looks like.

use std::collections::HashMap;
use std::process::Command;
use std::time::{Duration, Instant};

use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    BuildImageOptionsBuilder, BuilderVersion, LogsOptionsBuilder, WaitContainerOptionsBuilder,
};
use futures_util::StreamExt;
use muelle::lab::engine::{Bounds, Engine, Share};
use muelle::lab::images::BaseImage;

pub const IMAGE: &str = "python:3.11-slim";

/// Small bounds, to be reached soon.
pub fn bounds() -> Bounds {
    Bounds {
        disk: 1 << 30,
        engine: Share {
            memory: 1 << 30,
            pids: 1000,
            cpu_percent: 200,
        },
        work: Share {
            memory: 300 << 20,
            pids: 150,
            cpu_percent: 50,
        },
    }
}

/// An engine with the base image and small bounds.
pub async fn engine() -> Engine {
    let images = [BaseImage::new(IMAGE)];
    // The first one fills the store from the machine's engine.
    static FIRST: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
    FIRST
        .get_or_init(|| async {
            let engine = Engine::connect_sandbox(&images, &|_| {}).await.unwrap();
            engine
                .docker()
                .inspect_image(IMAGE)
                .await
                .expect("these tests need the base image: `muelle images prepare`");
            engine.stop().await;
        })
        .await;
    let begun = Instant::now();
    let engine = Engine::connect_private(bounds(), &|_| {}).await.unwrap();
    println!("ready after {:?}", begun.elapsed());
    engine
}

/// Runs a program of Python's in a container; its exit code and what it printed, or why it was not started.
pub async fn python(
    engine: &Engine,
    text: &str,
    host: HostConfig,
) -> Result<(i64, String), String> {
    let docker = engine.docker();
    let said = |error: bollard::errors::Error| error.to_string();
    let body = ContainerCreateBody {
        image: Some(IMAGE.into()),
        cmd: Some(["python", "-c", text].map(String::from).to_vec()),
        host_config: Some(host),
        ..Default::default()
    };
    let options = None::<bollard::query_parameters::CreateContainerOptions>;
    let id = docker
        .create_container(options, body)
        .await
        .map_err(said)?
        .id;
    docker.start_container(&id, None).await.map_err(said)?;
    let options = WaitContainerOptionsBuilder::new().build();
    let ended = docker.wait_container(&id, Some(options)).next().await;
    let code = match ended {
        Some(Ok(ended)) => ended.status_code,
        Some(Err(bollard::errors::Error::DockerContainerWaitError { code, .. })) => code,
        other => return Err(format!("{other:?}")),
    };
    let options = LogsOptionsBuilder::new().stdout(true).stderr(true).build();
    let mut text = String::new();
    let mut lines = docker.logs(&id, Some(options));
    while let Some(line) = lines.next().await {
        text.push_str(&line.map_err(said)?.to_string());
    }
    Ok((code, text))
}

/// Builds `run` as the only step above the base image; all that was said, and whether it came to an end.
pub async fn build(engine: &Engine, version: BuilderVersion, run: &str) -> (bool, String) {
    let mut tar = tar::Builder::new(Vec::new());
    let dockerfile = format!("FROM {IMAGE}\nRUN {run}\n");
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(dockerfile.len() as u64);
    tar.append_data(&mut header, "Dockerfile", dockerfile.as_bytes())
        .unwrap();
    let args: HashMap<String, String> = engine.build_args().into_iter().collect();
    let buildkit = matches!(version, BuilderVersion::BuilderBuildKit);
    let mut options = BuildImageOptionsBuilder::new()
        .t("prueba")
        .buildargs(&args)
        .nocache(true)
        .rm(true)
        .forcerm(true)
        .version(version);
    if buildkit {
        options = options.session(&muelle::lab::token(12));
    }
    let body =
        http_body_util::Either::Left(http_body_util::Full::new(tar.into_inner().unwrap().into()));
    let mut said = String::new();
    let mut ended = true;
    let mut stream = std::pin::pin!(
        engine
            .docker()
            .build_image(options.build(), None, Some(body))
    );
    while let Some(message) = stream.next().await {
        match message {
            Ok(info) => {
                said.push_str(&info.stream.unwrap_or_default());
                if let Some(bollard::models::BuildInfoAux::BuildKit(status)) = info.aux {
                    for log in status.logs {
                        said.push_str(&String::from_utf8_lossy(&log.msg));
                    }
                }
            }
            Err(error) => {
                ended = false;
                said.push_str(&error.to_string());
            }
        }
    }
    (ended, said)
}

/// Both builders.
pub fn builders() -> [BuilderVersion; 2] {
    [BuilderVersion::BuilderV1, BuilderVersion::BuilderBuildKit]
}

/// What the host's own engine, network, mounts and loop devices look like, but for what other tests do meanwhile.
pub fn host() -> Vec<String> {
    let run = |command: &[&str]| {
        let output = Command::new(command[0])
            .args(&command[1..])
            .output()
            .unwrap();
        assert!(output.status.success(), "{command:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let mut lines: Vec<String> = Vec::new();
    lines.push(run(&["ip", "-o", "-4", "addr", "show", "docker0"]));
    let rules = run(&["iptables-save"]);
    let kept = |line: &&str| {
        line.starts_with("-A") && !line.contains("br-") && !line.contains("--dport")
            || line.starts_with("-N")
            || line.starts_with("-P")
    };
    lines.extend(rules.lines().filter(kept).map(str::to_owned));
    lines.push(run(&["pgrep", "-o", "-x", "dockerd"]));
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let ours = |line: &&str| line.contains("muelle") || line.contains("/dev/loop");
    lines.extend(mounts.lines().filter(ours).map(str::to_owned));
    lines
}

/// What is left on the host of the engine whose shared folder this is.
pub fn traces(id: &str) -> Vec<String> {
    let mut places = vec![
        format!("/run/muelle/{id}"),
        format!("/sys/fs/cgroup/muelle/{id}"),
    ];
    for controller in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
        places.push(format!("{}/muelle/{id}", controller.path().display()));
    }
    places.retain(|place| std::path::Path::new(place).exists());
    places
}

/// The name of an engine: that of its folder.
pub fn id(engine: &Engine) -> String {
    let folder = engine.shared_folder().unwrap();
    let folder = folder.parent().unwrap().file_name().unwrap();
    folder.to_string_lossy().into_owned()
}

/// Waits until `wanted`.
pub fn soon(limit: Duration, mut wanted: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !wanted() {
        assert!(begun.elapsed() < limit, "not within {limit:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
    begun.elapsed()
}
