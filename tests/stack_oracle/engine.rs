//! Docker's own command, asked by both sides alike.

use std::collections::HashMap;
use std::process::Stdio;

use bollard::Docker;
use bollard::models::{ContainerConfig, HealthConfig};
use bollard::query_parameters::CommitContainerOptionsBuilder;
use serde_json::Value;
use tokio::process::Command;

/// The image with everything in it that a service may override; the other projects use `python:3.11-slim`.
pub const IMAGE: &str = "muelle-stack-oracle";

/// Everything of one side, as the engine tells it.
#[derive(Default)]
pub struct State {
    pub containers: Vec<Value>,
    pub networks: Vec<Value>,
    pub volumes: Vec<Value>,
}

pub async fn docker_command(args: &[&str]) -> String {
    let output = Command::new("docker")
        .args(args)
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Makes [`IMAGE`] in one go: a build makes a layer of each line.
pub async fn make_image(docker: &Docker) {
    let id = docker_command(&["create", "python:3.11-slim"]).await;
    let id = id.trim();
    let text = |text: &str| text.to_owned();
    let config = ContainerConfig {
        env: Some(vec![text("DE_IMAGEN=si"), text("OTRA=imagen")]),
        labels: Some(HashMap::from([(text("de.imagen"), text("si"))])),
        working_dir: Some(text("/trabajo")),
        user: Some(text("1000")),
        exposed_ports: Some(vec![text("7000/tcp")]),
        volumes: Some(vec![text("/volumen")]),
        stop_signal: Some(text("SIGTERM")),
        entrypoint: Some(vec![text("sh"), text("-c")]),
        cmd: Some(vec![text("exec sleep 1000")]),
        healthcheck: Some(HealthConfig {
            test: Some(vec![text("CMD-SHELL"), text("true")]),
            interval: Some(1_000_000_000),
            start_period: Some(5_000_000_000),
            ..HealthConfig::default()
        }),
        ..ContainerConfig::default()
    };
    let options = CommitContainerOptionsBuilder::default()
        .container(id)
        .repo(IMAGE)
        .build();
    let made = docker.commit_container(options, config).await;
    docker_command(&["rm", id]).await;
    made.expect("the image");
}

pub async fn remove_image() {
    docker_command(&["image", "rm", "--force", IMAGE]).await;
}

/// Everything with `label`.
pub async fn state(label: &str) -> State {
    let filter = format!("label={label}");
    let list = |kind: &'static str, all: &'static [&'static str]| {
        let filter = filter.clone();
        async move {
            let mut args = vec![kind, "ls", "--quiet", "--filter", &filter];
            args.extend(all);
            let ids = docker_command(&args).await;
            let mut args = vec![kind, "inspect"];
            args.extend(ids.lines());
            if args.len() == 2 {
                return Vec::new();
            }
            serde_json::from_str(&docker_command(&args).await).unwrap()
        }
    };
    State {
        containers: list("container", &["--all", "--no-trunc"]).await,
        networks: list("network", &["--no-trunc"]).await,
        volumes: list("volume", &[]).await,
    }
}

/// Removes everything with `label`.
pub async fn sweep(label: &str) {
    let filter = format!("label={label}");
    for (kind, list, remove) in [
        ("container", vec!["--all"], vec!["--force", "--volumes"]),
        ("network", vec![], vec![]),
        ("volume", vec![], vec![]),
    ] {
        let mut args = vec![kind, "ls", "--quiet", "--filter", &filter];
        args.extend(list);
        let ids = docker_command(&args).await;
        if ids.trim().is_empty() {
            continue;
        }
        let mut args = vec![kind, "rm"];
        args.extend(remove);
        args.extend(ids.lines());
        docker_command(&args).await;
    }
}

/// What is still there of any project of this test.
pub async fn leftovers() -> Vec<String> {
    let mut left = Vec::new();
    for kind in ["container", "network", "volume"] {
        let format = if kind == "container" {
            "{{.Names}}"
        } else {
            "{{.Name}}"
        };
        let mut args = vec![kind, "ls", "--format", format];
        if kind == "container" {
            args.push("--all");
        }
        let names = docker_command(&args).await;
        let ours = names.lines().filter(|name| name.contains("muelleoracle"));
        left.extend(ours.map(str::to_owned));
    }
    left
}
