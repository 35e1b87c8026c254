//! Our side: the project read by our loader and brought up by our stack.

use std::collections::BTreeMap;
use std::time::Duration;

use muelle::lab::Lab;
use muelle::lab::stack::{OneOff, Stack, Tweaks, UpError};
use muelle::submission::compose::{self, Request, Warning};
use muelle::submission::snapshot::{Limits, Snapshot};
use tempfile::TempDir;

use crate::Outcome;
use crate::engine::{self, State};
use crate::normal::Names;
use crate::project::{self, Project, Step};

/// Time for one command in a container.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the stack is called in its lab.
const STACK: &str = "muelleoracle";

pub struct Ours<'a> {
    lab: &'a Lab,
    stack: Stack<'a>,
    dir: TempDir,
    name: String,
    warnings: Vec<Warning>,
}

impl<'a> Ours<'a> {
    /// # Errors
    /// What our loader says of a project that it refuses.
    pub fn new(project: &Project, lab: &'a Lab) -> Result<Self, String> {
        let dir = tempfile::tempdir().unwrap();
        project::copy(&project.dir, dir.path());
        let snapshot = Snapshot::read(dir.path(), Limits::default()).unwrap();
        let name = format!("muelleoracle-m-{}", project.name);
        let mut shell: BTreeMap<String, String> = project.shell.iter().cloned().collect();
        shell.insert("COMPOSE_PROJECT_NAME".to_owned(), name.clone());
        let request = Request {
            snapshot: &snapshot,
            shell: &shell,
            files: &project.files,
            env_files: &project.env_files,
            profiles: &project.profiles,
            project: "x",
        };
        let loaded = compose::load(&request).map_err(|fault| fault.to_string())?;
        let loaded = loaded.ok_or("no compose file")?;
        let services = loaded.project.services.values();
        let images = services.filter_map(|it| Some((it.name.clone(), it.image.clone()?.value)));
        let images = images.collect();
        let stack = Stack::new(
            lab,
            STACK,
            loaded.project,
            images,
            dir.path().to_owned(),
            Tweaks::default(),
        );
        Ok(Self {
            lab,
            stack,
            dir,
            name,
            warnings: loaded.warnings,
        })
    }

    pub async fn carry_out(&self, step: &Step) -> Outcome {
        let before = self.stack.warnings().len();
        let done = self.try_out(step).await;
        let names = self.names();
        let (failure, output) = match done {
            Ok((code, output)) => ((code != 0).then(|| format!("exit {code}")), output),
            Err(UpError::Engine(error)) => (Some(format!("ENGINE: {error:#}")), String::new()),
            Err(error @ UpError::Refused { .. }) => {
                (Some(format!("REFUSED: {error}")), String::new())
            }
            Err(error) => (Some(error.to_string()), String::new()),
        };
        let mut warnings = self.warnings.clone();
        warnings.extend(self.stack.warnings().into_iter().skip(before));
        Outcome {
            failure: failure.map(|it| names.text(&it)),
            output: names.text(output.trim()),
            warnings: warnings
                .into_iter()
                .map(|it| names.text(&it.message))
                .collect(),
        }
    }

    async fn try_out(&self, step: &Step) -> Result<(i64, String), UpError> {
        let stack = &self.stack;
        let rest = step.rest();
        let nothing = |()| (0, String::new());
        match (step.command(), rest.as_slice()) {
            ("up", []) => stack.up().await.map(nothing),
            ("up", ["--no-deps", service]) => stack.up_alone(service).await.map(nothing),
            ("up", services) => {
                for service in services {
                    stack.up_one(service).await?;
                }
                Ok((0, String::new()))
            }
            ("scale", ["--no-deps", asked]) => {
                let (service, replicas) = asked.split_once('=').unwrap();
                stack
                    .scale(service, replicas.parse().unwrap())
                    .await
                    .map(nothing)
            }
            ("stop", [service]) => stack
                .stop(service)
                .await
                .map(nothing)
                .map_err(UpError::Engine),
            ("restart", [service]) => stack.restart(service).await.map(nothing),
            ("down", rest) => {
                let down = stack.down(*rest == ["-v"]).await;
                down.map(nothing).map_err(UpError::Engine)
            }
            ("run", words) => {
                let (service, one_off) = one_off(words);
                let ran = stack.run(service, &one_off, PATIENCE).await?;
                Ok((ran.code.unwrap_or(-1), ran.output))
            }
            ("exec", [service, words @ ..]) => {
                let containers = stack.containers(service).await;
                let Some(container) = containers.first() else {
                    let none = anyhow::anyhow!("no container of `{service}`");
                    return Err(UpError::Engine(none));
                };
                let mut args = vec!["exec", container.id()];
                args.extend(words);
                Ok((0, engine::docker_command(&args).await))
            }
            ("logs", [service]) => {
                let mut output = String::new();
                for container in stack.containers(service).await {
                    output += &container.logs().await.map_err(UpError::Engine)?;
                }
                Ok((0, output))
            }
            (command, _) => panic!("no step `{command}` with {rest:?}"),
        }
    }

    pub async fn state(&self) -> State {
        let label = format!("{}={}", muelle::lab::RUN_LABEL, self.lab.id());
        let mut state = engine::state(&label).await;
        let anchor = format!("/muelle-{}-ancla", self.lab.id());
        state.containers.retain(|it| it["Name"] != anchor.as_str());
        self.names().state(state)
    }

    fn names(&self) -> Names {
        Names {
            dir: self.dir.path().to_string_lossy().into_owned(),
            project: self.name.clone(),
            prefix: format!("muelle-{}-{STACK}-", self.lab.id()),
        }
    }
}

/// `run`'s options, the service and its command.
fn one_off<'w>(words: &[&'w str]) -> (&'w str, OneOff) {
    let mut one_off = OneOff {
        keep: true,
        ..OneOff::default()
    };
    let mut words = words.iter().copied();
    let mut service = "";
    while let Some(word) = words.next() {
        let mut value = || words.next().unwrap().to_owned();
        match word {
            "--rm" => one_off.keep = false,
            "--no-deps" => one_off.no_deps = true,
            "--service-ports" => one_off.service_ports = true,
            "-e" => {
                let pair = value();
                let (name, value) = pair.split_once('=').unwrap();
                one_off
                    .environment
                    .push((name.to_owned(), value.to_owned()));
            }
            "-u" => one_off.user = Some(value()),
            "-w" => one_off.working_dir = Some(value()),
            "--entrypoint" => one_off.entrypoint = Some(vec![value()]),
            name => {
                service = name;
                break;
            }
        }
    }
    let command: Vec<String> = words.map(str::to_owned).collect();
    one_off.command = (!command.is_empty()).then_some(command);
    (service, one_off)
}
