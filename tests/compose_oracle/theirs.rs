//! Docker Compose's answer.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::case::Case;

/// Time for one project; a bomb would take all there is.
const PATIENCE: Duration = Duration::from_secs(10);

pub struct Oracle {
    program: PathBuf,
}

/// Compose's refusal.
pub struct Refusal {
    pub message: String,
    /// The line, when it names one.
    pub line: Option<usize>,
}

impl Oracle {
    /// The Compose that `MUELLE_COMPOSE` names.
    pub fn from_environment() -> Self {
        let program = std::env::var_os("MUELLE_COMPOSE")
            .expect("MUELLE_COMPOSE names Docker Compose's program: run `tests/oracles.sh`");
        let program = PathBuf::from(program);
        let version = Command::new(&program)
            .arg("version")
            .output()
            .expect("MUELLE_COMPOSE is a program");
        let version = String::from_utf8_lossy(&version.stdout);
        assert!(version.contains("Compose version v5"), "{version}");
        Self { program }
    }

    pub fn config(&self, case: &Case, root: &Path) -> Result<Value, Refusal> {
        let mut command = Command::new(&self.program);
        for file in &case.files {
            command.args(["-f", file]);
        }
        for file in &case.env_files {
            command.args(["--env-file", file]);
        }
        for profile in &case.profiles {
            command.args(["--profile", profile]);
        }
        command
            .args(["config", "--format", "json"])
            .current_dir(root)
            .env_clear()
            .envs(&case.shell)
            .env("HOME", "/nonexistent")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = command.spawn().expect("Compose starts");
        let id = child.id();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || sender.send(child.wait_with_output()));
        let Ok(output) = receiver.recv_timeout(PATIENCE) else {
            let _ = Command::new("kill").args(["-9", &id.to_string()]).status();
            return Err(Refusal {
                message: "it hangs".to_owned(),
                line: None,
            });
        };
        let output = output.expect("Compose ends");
        let complaint = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(Refusal {
                line: line(&complaint),
                message: complaint.trim().to_owned(),
            });
        }
        let mut model = serde_json::from_slice(&output.stdout).expect("JSON");
        unescape(&mut model, &format!("{}", root.display()));
        settle(&mut model);
        Ok(model)
    }
}

/// The line of `… line 3: …`, but for that of a first definition.
fn line(complaint: &str) -> Option<usize> {
    let (before, rest) = complaint.split_once("line ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    (!before.ends_with("already defined at ")).then(|| digits.parse().ok())?
}

/// `$$` is `$`, and paths start at the project.
fn unescape(value: &mut Value, root: &str) {
    match value {
        Value::String(text) => {
            *text = text.replace("$$", "$");
            if text == root {
                *text = ".".to_owned();
            } else if let Some(path) = text.strip_prefix(&format!("{root}/")) {
                *text = path.to_owned();
            } else if let Some(up) = root.rsplit_once('/').map(|(up, _)| up)
                && let Some(path) = text.strip_prefix(&format!("{up}/"))
            {
                *text = format!("../{path}");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| unescape(item, root)),
        Value::Object(fields) => fields.values_mut().for_each(|item| unescape(item, root)),
        _ => {}
    }
}

/// Leaves out what says nothing, and the nesting that our model does not have.
fn settle(model: &mut Value) {
    for network in fields(model, "networks") {
        drop_empty(network, "ipam");
    }
    for service in fields(model, "services") {
        drop_empty(service, "command");
        drop_null(service, "command");
        drop_null(service, "entrypoint");
        if let Some(deploy) = service.get_mut("deploy").and_then(Value::as_object_mut) {
            drop_empty(deploy, "placement");
            if let Some(resources) = deploy.get_mut("resources").and_then(Value::as_object_mut) {
                drop_empty(resources, "limits");
                drop_empty(resources, "reservations");
            }
            drop_empty(deploy, "resources");
        }
        drop_empty(service, "deploy");
        for mount in entries(service, "volumes") {
            for key in ["bind", "volume", "tmpfs", "image"] {
                if let Some(Value::Object(inner)) = mount.remove(key) {
                    mount.extend(inner);
                }
            }
        }
    }
}

fn drop_empty(fields: &mut Map<String, Value>, key: &str) {
    let empty = |value: &Value| match value {
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    };
    if fields.get(key).is_some_and(empty) {
        fields.remove(key);
    }
}

fn drop_null(fields: &mut Map<String, Value>, key: &str) {
    if fields.get(key).is_some_and(Value::is_null) {
        fields.remove(key);
    }
}

fn fields<'v>(model: &'v mut Value, key: &str) -> impl Iterator<Item = &'v mut Map<String, Value>> {
    let section = model.get_mut(key).and_then(Value::as_object_mut);
    section
        .into_iter()
        .flat_map(Map::values_mut)
        .filter_map(Value::as_object_mut)
}

fn entries<'v>(
    service: &'v mut Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = &'v mut Map<String, Value>> {
    let list = service.get_mut(key).and_then(Value::as_array_mut);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}
