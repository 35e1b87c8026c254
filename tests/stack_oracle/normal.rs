//! What of the engine's answers is neither side's doing, left out; names that differ by design, made equal.

use bollard::models::HostConfig;
use muelle::lab::limits;
use serde_json::{Map, Value, json};

use crate::engine::State;

/// Labels that say how and where a side made the object.
const LABELS: [&str; 7] = [
    "com.docker.compose.config-hash",
    "com.docker.compose.image",
    "com.docker.compose.project.environment_file",
    "com.docker.compose.project.working_dir",
    "com.docker.compose.replace",
    "com.docker.compose.slug",
    "com.docker.compose.version",
];

/// Lists without an order of their own.
const ORDERLESS: [&str; 9] = [
    "Aliases",
    "Binds",
    "CapAdd",
    "Env",
    "ExtraHosts",
    "Links",
    "Mounts",
    "SecurityOpt",
    "Ulimits",
];

/// How one side calls its objects.
pub struct Names {
    pub dir: String,
    pub project: String,
    pub prefix: String,
}

impl Names {
    /// A text without this side's own names.
    pub fn text(&self, text: &str) -> String {
        let text = text
            .replace(&format!("{}/.", self.dir), "DIR")
            .replace(&self.dir, "DIR");
        let label = self.prefix.trim_end_matches('-');
        let mut text = match label {
            "" => text,
            label => text.replace(&self.prefix, "").replace(label, "PROJECT"),
        };
        text = text.replace(&format!("{}-", self.project), "");
        text = text.replace(&self.project, "PROJECT");
        // `-run-` and twelve letters that nobody knows before.
        while let Some(at) = text.find("-run-").filter(|at| text.len() >= at + 17) {
            if !text[at + 5..at + 17]
                .bytes()
                .all(|it| it.is_ascii_alphanumeric())
            {
                break;
            }
            text.replace_range(at..at + 17, "-RUN");
        }
        text
    }

    pub fn state(&self, state: State) -> State {
        let each = |list: Vec<Value>, one: fn(&Value) -> Value| {
            let mut list: Vec<Value> = list
                .iter()
                .map(|it| {
                    let mut it = it.clone();
                    if self.is_composes() && it["HostConfig"].is_object() {
                        it["HostConfig"] = contained(&it["HostConfig"]);
                    } else if it["HostConfig"].is_object() {
                        // The same keys as the other side.
                        let host: HostConfig =
                            serde_json::from_value(it["HostConfig"].take()).unwrap();
                        it["HostConfig"] = serde_json::to_value(host).unwrap();
                    }
                    let mut it = one(&it);
                    self.rename(&mut it);
                    settle(&mut it);
                    it
                })
                .collect();
            list.sort_by_key(|it| it["Name"].to_string());
            list
        };
        State {
            containers: each(state.containers, container),
            networks: each(state.networks, network),
            volumes: each(state.volumes, volume),
        }
    }

    fn is_composes(&self) -> bool {
        self.prefix.is_empty()
    }

    fn rename(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.text(text),
            Value::Array(items) => items.iter_mut().for_each(|it| self.rename(it)),
            Value::Object(fields) => {
                *fields = std::mem::take(fields)
                    .into_iter()
                    .map(|(key, mut value)| {
                        self.rename(&mut value);
                        (self.text(&key), value)
                    })
                    .collect();
            }
            _ => {}
        }
    }
}

/// Leaves out what says nothing, and orders what has no order.
fn settle(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for key in ORDERLESS {
                if let Some(Value::Array(items)) = fields.get_mut(key) {
                    items.sort_by_key(Value::to_string);
                }
            }
            fields.values_mut().for_each(settle);
            fields.retain(|_, it| !is_nothing(it));
            fields.sort_keys();
        }
        Value::Array(items) => items.iter_mut().for_each(settle),
        _ => {}
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(yes) => !yes,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

fn labels(of: &Value) -> Value {
    let mut labels: Map<String, Value> = of.as_object().cloned().unwrap_or_default();
    labels.retain(|key, _| !LABELS.contains(&key.as_str()) && !key.starts_with("dev.muelle."));
    if let Some(Value::String(files)) = labels.get_mut("com.docker.compose.project.config_files") {
        let names = files
            .split(',')
            .map(|path| path.rsplit('/').next().unwrap_or(path));
        *files = names.collect::<Vec<_>>().join(",");
    }
    if let Some(Value::String(all)) = labels.get_mut("com.docker.compose.depends_on") {
        let mut each: Vec<&str> = all.split(',').collect();
        each.sort_unstable();
        *all = each.join(",");
    }
    Value::Object(labels)
}

/// What is compared of a container.
fn container(inspected: &Value) -> Value {
    let id = inspected["Id"].as_str().unwrap_or_default();
    let mut config = inspected["Config"].clone();
    config["Labels"] = labels(&config["Labels"]);
    if config["Hostname"]
        .as_str()
        .is_some_and(|it| !it.is_empty() && id.starts_with(it))
    {
        config["Hostname"] = json!("ID");
    }
    // Without a terminal, `run` of ours has no standard input, which is at its end at once as Compose's is.
    if config["Labels"]["com.docker.compose.oneoff"] == json!("True") {
        for key in ["AttachStdin", "OpenStdin", "StdinOnce"] {
            config[key] = Value::Null;
        }
    }
    let mut host = inspected["HostConfig"].clone();
    rewritten(&mut host);
    let mut mounts = inspected["Mounts"].clone();
    anonymous(&mut mounts);
    anonymous(&mut host["Mounts"]);
    let networks = inspected["NetworkSettings"]["Networks"].as_object();
    let networks: Map<String, Value> = networks
        .into_iter()
        .flatten()
        .map(|(name, it)| {
            let aliases = it["Aliases"].as_array().into_iter().flatten();
            // The engine itself adds the id and the name of the host.
            let aliases = aliases.filter(|it| !it.as_str().is_some_and(|it| it.len() == 12 && id.starts_with(it)));
            let kept = json!({
                "Aliases": aliases.collect::<Vec<_>>(),
                "Links": it["Links"],
                "MacAddress": if inspected["Config"]["MacAddress"].is_null() { &Value::Null } else { &it["MacAddress"] },
            });
            (name.clone(), kept)
        })
        .collect();
    let state = &inspected["State"];
    json!({
        "Name": inspected["Name"].as_str().unwrap_or_default().trim_start_matches('/'),
        "Image": inspected["Image"],
        "State": {"Status": state["Status"], "ExitCode": state["ExitCode"], "Health": state["Health"]["Status"]},
        "Config": config,
        "HostConfig": host,
        "Mounts": mounts,
        "Networks": networks,
    })
}

/// What the lab would make of Compose's request: within its limits, which have tests of their own.
fn contained(host: &Value) -> Value {
    let mut host: HostConfig = serde_json::from_value(host.clone()).unwrap();
    limits::contain(&mut host);
    serde_json::to_value(host).unwrap()
}

/// What else the lab rewrites: the host's ports and addresses.
fn rewritten(host: &mut Value) {
    // The network by the name that stands in `Networks`, or by its id.
    let mode = host["NetworkMode"].as_str().unwrap_or_default();
    if !["none", "host", "bridge"].contains(&mode) {
        host["NetworkMode"] = Value::Null;
    }
    for bindings in host["PortBindings"]
        .as_object_mut()
        .into_iter()
        .flat_map(Map::values_mut)
    {
        for binding in bindings.as_array_mut().into_iter().flatten() {
            let is_fixed = binding["HostPort"]
                .as_str()
                .is_some_and(|it| !it.is_empty());
            *binding = json!(if is_fixed { "fixed" } else { "any" });
        }
    }
    // Neither policy restarts anything.
    if host["RestartPolicy"]["Name"] == json!("no") {
        host["RestartPolicy"]["Name"] = Value::Null;
    }
}

/// Anonymous volumes have no name that matters, and no volume has a place that does.
fn anonymous(mounts: &mut Value) {
    for mount in mounts.as_array_mut().into_iter().flatten() {
        for key in ["Name", "Source"] {
            let is_hash = |it: &str| it.len() == 64 && it.bytes().all(|b| b.is_ascii_hexdigit());
            if mount[key].as_str().is_some_and(is_hash) {
                mount[key] = Value::Null;
            }
        }
        if mount["Type"] == json!("volume") && mount["Destination"].is_string() {
            mount["Source"] = Value::Null;
            // How the mount was asked for, not how it is.
            mount["Mode"] = Value::Null;
        }
    }
}

fn network(inspected: &Value) -> Value {
    let mut kept = json!({"Name": inspected["Name"], "Labels": labels(&inspected["Labels"])});
    for key in ["Driver", "EnableIPv6", "Internal", "Attachable", "Options"] {
        kept[key] = inspected[key].clone();
    }
    kept
}

fn volume(inspected: &Value) -> Value {
    let mut kept = json!({"Name": inspected["Name"], "Labels": labels(&inspected["Labels"])});
    for key in ["Driver", "Options"] {
        kept[key] = inspected[key].clone();
    }
    kept
}
