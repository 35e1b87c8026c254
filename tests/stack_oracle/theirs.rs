//! Docker Compose's side.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;

use crate::Outcome;
use crate::engine::{self, State};
use crate::normal::Names;
use crate::project::{self, Project, Step};

/// Time for one command.
const PATIENCE: Duration = Duration::from_secs(60);

/// The Compose that `MUELLE_COMPOSE` names.
pub fn program() -> String {
    let program = std::env::var("MUELLE_COMPOSE")
        .expect("MUELLE_COMPOSE names Docker Compose's program: run `tests/oracles.sh`");
    let version = std::process::Command::new(&program)
        .arg("version")
        .output()
        .expect("MUELLE_COMPOSE is a program");
    let version = String::from_utf8_lossy(&version.stdout);
    assert!(version.contains("Compose version v5"), "{version}");
    program
}

pub struct Theirs<'a> {
    project: &'a Project,
    program: &'a str,
    dir: TempDir,
    name: String,
    /// Anonymous volumes, which Compose's `down` leaves behind without a name or a label.
    anonymous: Mutex<BTreeSet<String>>,
}

impl<'a> Theirs<'a> {
    pub fn new(project: &'a Project, program: &'a str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        project::copy(&project.dir, dir.path());
        Self {
            project,
            program,
            dir,
            name: format!("muelleoracle-c-{}-{}", project.name, std::process::id()),
            anonymous: Mutex::default(),
        }
    }

    pub async fn carry_out(&self, step: &Step) -> Outcome {
        let mut words = vec![step.command()];
        match step.command() {
            "up" => words.extend(["-d", "--quiet-pull"]),
            "run" | "exec" => words.push("-T"),
            "logs" => words.extend(["--no-log-prefix", "--no-color"]),
            _ => {}
        }
        words.extend(step.rest());
        let (succeeded, output, complaint) = self.compose(&words).await;
        let names = self.names();
        let lines = complaint.lines();
        let warnings = lines.clone().filter(|line| line.contains("level=warning"));
        let warnings = warnings.filter_map(|line| {
            Some(
                line.split_once("msg=\"")?
                    .1
                    .trim_end_matches('"')
                    .replace("\\\"", "\""),
            )
        });
        let is_progress = |line: &&str| {
            line.starts_with(' ') || line.contains("level=warning") || line.is_empty()
        };
        let said: Vec<&str> = lines.filter(|line| !is_progress(line)).collect();
        let prints = matches!(step.command(), "run" | "exec" | "logs");
        Outcome {
            failure: (!succeeded).then(|| names.text(&said.join("\n"))),
            output: if prints {
                names.text(output.trim())
            } else {
                String::new()
            },
            warnings: warnings.map(|it| names.text(&it)).collect(),
        }
    }

    async fn compose(&self, words: &[&str]) -> (bool, String, String) {
        let mut command = Command::new(self.program);
        for file in &self.project.files {
            command.args(["-f", file]);
        }
        for file in &self.project.env_files {
            command.args(["--env-file", file]);
        }
        for profile in &self.project.profiles {
            command.args(["--profile", profile]);
        }
        command
            .args(words)
            .current_dir(self.dir.path())
            .env_clear()
            .envs(self.project.shell.iter().cloned())
            .env("COMPOSE_PROJECT_NAME", &self.name)
            .env("HOME", self.dir.path())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let output = tokio::time::timeout(PATIENCE, command.output())
            .await
            .unwrap_or_else(|_| panic!("{}: {words:?} hangs", self.name))
            .unwrap();
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        (
            output.status.success(),
            text(&output.stdout),
            text(&output.stderr),
        )
    }

    fn label(&self) -> String {
        format!("com.docker.compose.project={}", self.name)
    }

    pub async fn state(&self) -> State {
        let state = engine::state(&self.label()).await;
        let mounts = state
            .containers
            .iter()
            .flat_map(|it| it["Mounts"].as_array());
        let names = mounts.flatten().filter_map(|it| it["Name"].as_str());
        let anonymous = names.filter(|it| it.len() == 64).map(str::to_owned);
        self.anonymous.lock().unwrap().extend(anonymous);
        self.names().state(state)
    }

    pub async fn end(&self) {
        engine::sweep(&self.label()).await;
        let anonymous = std::mem::take(&mut *self.anonymous.lock().unwrap());
        let mut args = vec!["volume", "rm", "--force"];
        args.extend(anonymous.iter().map(String::as_str));
        if args.len() > 3 {
            engine::docker_command(&args).await;
        }
    }

    fn names(&self) -> Names {
        Names {
            dir: self.dir.path().to_string_lossy().into_owned(),
            project: self.name.clone(),
            prefix: String::new(),
        }
    }
}
