//! Docker Compose's answer.

use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::case::Case;

/// Time for one project; a bomb would take all there is.
const PATIENCE: Duration = Duration::from_secs(10);

/// A home that paths with `~` show.
const HOME: &str = "/hogar";

pub struct Oracle {
    program: PathBuf,
}

/// Compose's refusal.
pub struct Refusal {
    pub message: String,
    /// The lines, when it names any.
    pub lines: Option<RangeInclusive<usize>>,
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
            .env("HOME", HOME)
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
                lines: None,
            });
        };
        let output = output.expect("Compose ends");
        let complaint = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            return Err(Refusal {
                lines: lines(&complaint),
                message: complaint.trim().to_owned(),
            });
        }
        let mut model = serde_json::from_slice(&output.stdout).expect("JSON");
        unescape(&mut model, &format!("{}", root.display()));
        settle(&mut model);
        crate::ours::as_written(&mut model);
        Ok(model)
    }
}

/// The lines of `line 3: …` or of `at L2.C1-L3.C5`; but not that of a first definition, nor the first line that
/// stands for the whole file.
fn lines(complaint: &str) -> Option<RangeInclusive<usize>> {
    let complaint = complaint.split("already defined at").next()?;
    let complaint = complaint.replace("construct errors: line 1:", "");
    let number = |text: &str| -> Option<usize> {
        text.split(|c: char| !c.is_ascii_digit())
            .next()?
            .parse()
            .ok()
    };
    if let Some((_, place)) = complaint.rsplit_once("at L") {
        let first = number(place)?;
        let last = place.split_once("-L").and_then(|(_, last)| number(last));
        return Some(first..=last.unwrap_or(first));
    }
    let line = number(complaint.rsplit_once("line ")?.1)?;
    Some(line..=line)
}

/// `$$` is `$`, and paths start at the project.
fn unescape(value: &mut Value, root: &str) {
    match value {
        Value::String(text) => *text = from_root(&text.replace("$$", "$"), root),
        Value::Array(items) => items.iter_mut().for_each(|item| unescape(item, root)),
        Value::Object(fields) => {
            *fields = std::mem::take(fields)
                .into_iter()
                .map(|(key, mut value)| {
                    unescape(&mut value, root);
                    (key.replace("$$", "$"), value)
                })
                .collect();
        }
        _ => {}
    }
}

fn from_root(text: &str, root: &str) -> String {
    let above = root.rsplit_once('/').map_or("", |(above, _)| above);
    for (folder, shown) in [(root, "."), (above, ".."), (HOME, "~")] {
        if let Some(rest) = text.strip_prefix(folder) {
            if rest.is_empty() {
                return shown.to_owned();
            }
            if let Some(rest) = rest.strip_prefix('/') {
                return if shown == "." {
                    rest.to_owned()
                } else {
                    format!("{shown}/{rest}")
                };
            }
        }
    }
    text.to_owned()
}

/// Leaves out what says nothing, and the nesting that our model does not have.
fn settle(model: &mut Value) {
    for network in fields(model, "networks") {
        drop_empty(network, "ipam");
    }
    for kind in ["secrets", "configs"] {
        for thing in fields(model, kind) {
            if thing.contains_key("external") {
                thing.retain(|key, _| ["name", "external", "labels"].contains(&key.as_str()));
            }
        }
    }
    let services: Vec<String> = fields_of(model.as_object_mut(), "services")
        .map(|(name, _)| name.clone())
        .collect();
    for service in fields(model, "services") {
        drop_null(service, "command");
        drop_null(service, "entrypoint");
        if let Some(build) = service.get_mut("build").and_then(Value::as_object_mut) {
            // An empty context is the project's folder.
            build.entry("context").or_insert(json!("."));
        }
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
        for (_, limit) in fields_of(Some(&mut *service), "ulimits") {
            *limit = match &*limit {
                Value::Object(both) => json!([both["soft"], both["hard"]]),
                both => json!([both, both]),
            };
        }
        for (_, attachment) in fields_of(Some(&mut *service), "networks") {
            if *attachment == json!({}) {
                *attachment = Value::Null;
            }
        }
        // Optional dependencies whose profile is not active are left out of our model.
        if let Some(Value::Object(all)) = service.get_mut("depends_on") {
            all.retain(|name, it| it["required"] == json!(true) || services.contains(name));
        }
        drop_empty(service, "depends_on");
        // No limit is no limit.
        for key in ["mem_limit", "shm_size", "mem_reservation"] {
            if service
                .get(key)
                .is_some_and(|it| it.as_str().is_some_and(|it| it.starts_with('-')))
            {
                service.remove(key);
            }
        }
        if let Some(Value::Array(test)) = service
            .get_mut("healthcheck")
            .and_then(|it| it.get_mut("test"))
        {
            match test.first().and_then(Value::as_str) {
                Some("NONE") => test.truncate(1),
                // What the engine makes of several words.
                Some("CMD-SHELL") if test.len() != 2 => {
                    test.splice(0..1, [json!("CMD"), json!("/bin/sh"), json!("-c")]);
                }
                _ => {}
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

fn fields_of<'v>(
    of: Option<&'v mut Map<String, Value>>,
    key: &str,
) -> impl Iterator<Item = (&'v String, &'v mut Value)> {
    of.and_then(|map| map.get_mut(key)?.as_object_mut())
        .into_iter()
        .flatten()
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
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}
