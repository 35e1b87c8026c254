//! Our project as the JSON that Compose prints of its own.

use std::collections::BTreeMap;
use std::time::Duration;

use muelle::submission::compose::command::{Command, Form};
use muelle::submission::compose::deploy::Resources;
use muelle::submission::compose::{
    Attachment, Build, Condition, Deploy, Grant, Healthcheck, Located, Mount, MountKind, Port,
    Project, Provided, Provider, Service, Test,
};
use muelle::submission::yaml::{self, Kind, Node};
use serde_json::{Map, Value, json};

/// Keys that our model keeps as written: only that they are there is compared.
const AS_WRITTEN: [&str; 12] = [
    "develop",
    "blkio_config",
    "gpus",
    "post_start",
    "pre_stop",
    "provider",
    "models",
    "mem_swappiness",
    "cpu_shares",
    "provenance",
    "sbom",
    "label_file",
];

/// Puts the same mark for both sides on what is only kept as written, and leaves out extensions.
pub fn as_written(model: &mut Value) {
    let Some(services) = model.get_mut("services").and_then(Value::as_object_mut) else {
        return;
    };
    let mark = |fields: &mut Map<String, Value>| {
        fields.retain(|key, _| !key.starts_with("x-"));
        for (key, value) in fields {
            if AS_WRITTEN.contains(&key.as_str()) {
                *value = json!("as written");
            }
        }
    };
    for service in services.values_mut().filter_map(Value::as_object_mut) {
        mark(service);
        if let Some(build) = service.get_mut("build").and_then(Value::as_object_mut) {
            mark(build);
        }
        if let Some(devices) = service
            .get_mut("deploy")
            .and_then(|deploy| deploy.pointer_mut("/resources/reservations/devices"))
        {
            *devices = json!("as written");
        }
        if let Some(labels) = service
            .get_mut("deploy")
            .and_then(|deploy| deploy.get_mut("labels"))
        {
            *labels = json!("as written");
        }
        if let Some(Value::Array(mounts)) = service.get_mut("volumes") {
            for mount in mounts.iter_mut().filter_map(Value::as_object_mut) {
                mount.remove("labels");
            }
        }
    }
    if let Some(model) = model.as_object_mut() {
        model.remove("models");
    }
}

/// A mapping to which only what is there gets added.
#[derive(Default)]
struct Out(Map<String, Value>);

impl Out {
    fn put(&mut self, key: &str, value: impl Into<Value>) {
        self.0.insert(key.to_owned(), value.into());
    }

    fn maybe(&mut self, key: &str, value: Option<impl Into<Value>>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    fn text(&mut self, key: &str, value: &Option<Located<String>>) {
        self.maybe(
            key,
            value
                .as_ref()
                .map(|text| text.value.clone())
                .filter(|text| !text.is_empty()),
        );
    }

    /// A flag that says nothing when it is off.
    fn flag(&mut self, key: &str, value: &Option<Located<bool>>) {
        self.maybe(
            key,
            value.as_ref().map(|flag| flag.value).filter(|flag| *flag),
        );
    }

    fn list(&mut self, key: &str, values: &[Located<String>]) {
        if !values.is_empty() {
            let values: Vec<&str> = values.iter().map(|text| text.value.as_str()).collect();
            self.put(key, json!(values));
        }
    }

    fn texts(&mut self, key: &str, values: &BTreeMap<String, Located<String>>) {
        if !values.is_empty() {
            let values: Map<String, Value> = values
                .iter()
                .map(|(key, text)| (key.clone(), json!(text.value)))
                .collect();
            self.put(key, values);
        }
    }

    fn size(&mut self, key: &str, value: &Option<Located<u64>>) {
        self.maybe(
            key,
            value
                .as_ref()
                .filter(|size| size.value > 0)
                .map(|size| size.value.to_string()),
        );
    }

    fn duration(&mut self, key: &str, value: &Option<Located<Duration>>) {
        self.maybe(key, value.as_ref().map(|it| duration(it.value)));
    }

    fn other(&mut self, fields: &[(String, Node)]) {
        for (key, value) in fields {
            self.put(key, node(value));
        }
    }

    fn done(self) -> Value {
        Value::Object(self.0)
    }
}

pub fn project(project: &Project) -> Value {
    let mut out = Out::default();
    out.put("name", project.name.clone());
    let mut services = Map::new();
    for (name, it) in &project.services {
        services.insert(name.clone(), service(it));
    }
    out.put("services", services);
    let used = Used::by(project);
    let full = |name: &Option<Located<String>>, key: &str, external: bool| match name {
        Some(name) if !name.is_empty() => name.value.clone(),
        _ if external => key.to_owned(),
        _ => format!("{}_{key}", project.name),
    };
    let mut networks = Map::new();
    for (key, network) in project
        .networks
        .iter()
        .filter(|(key, _)| used.networks.contains(&key.as_str()))
    {
        let mut it = Out::default();
        it.put("name", full(&network.name, key, network.external));
        it.maybe("external", network.external.then_some(true));
        it.flag("internal", &network.internal);
        it.text("driver", &network.driver);
        it.texts("driver_opts", &network.driver_opts);
        it.maybe("attachable", network.attachable.then_some(true));
        it.maybe("enable_ipv6", network.enable_ipv6);
        it.maybe(
            "ipam",
            network
                .ipam
                .as_ref()
                .map(node)
                .filter(|ipam| *ipam != json!({})),
        );
        it.texts("labels", &network.labels);
        it.other(&network.other);
        networks.insert(key.clone(), it.done());
    }
    let mut volumes = Map::new();
    for (key, volume) in project
        .volumes
        .iter()
        .filter(|(key, _)| used.volumes.contains(&key.as_str()))
    {
        let mut it = Out::default();
        it.put("name", full(&volume.name, key, volume.external));
        it.maybe("external", volume.external.then_some(true));
        it.text("driver", &volume.driver);
        it.texts("driver_opts", &volume.driver_opts);
        it.texts("labels", &volume.labels);
        it.other(&volume.other);
        volumes.insert(key.clone(), it.done());
    }
    let provided = |all: &BTreeMap<String, Provided>, used: &[&str]| {
        let mut section = Map::new();
        for (key, one) in all.iter().filter(|(key, _)| used.contains(&key.as_str())) {
            let mut it = Out::default();
            let external = one.provider.value == Provider::External;
            it.put("name", full(&one.name, key, external));
            match &one.provider.value {
                Provider::File(path) => it.put("file", path.clone()),
                Provider::Environment(name) => it.put("environment", name.clone()),
                Provider::Content(text) => it.put("content", text.clone()),
                Provider::External => it.put("external", true),
            }
            it.texts("labels", &one.labels);
            it.other(&one.other);
            section.insert(key.clone(), it.done());
        }
        section
    };
    for (key, section) in [
        ("networks", networks),
        ("volumes", volumes),
        ("secrets", provided(&project.secrets, &used.secrets)),
        ("configs", provided(&project.configs, &used.configs)),
    ] {
        if !section.is_empty() {
            out.put(key, section);
        }
    }
    out.other(&project.other);
    let mut out = out.done();
    as_written(&mut out);
    out
}

/// What services use: Compose prints nothing else.
#[derive(Default)]
struct Used<'a> {
    networks: Vec<&'a str>,
    volumes: Vec<&'a str>,
    secrets: Vec<&'a str>,
    configs: Vec<&'a str>,
}

impl<'a> Used<'a> {
    fn by(project: &'a Project) -> Self {
        let mut used = Self::default();
        for service in project.services.values() {
            used.networks
                .extend(service.networks.iter().map(|it| it.network.as_str()));
            used.volumes
                .extend(service.volumes.iter().filter_map(|it| it.source.as_deref()));
            let build = service.build.iter().flat_map(|build| &build.secrets);
            used.secrets.extend(
                service
                    .secrets
                    .iter()
                    .chain(build)
                    .map(|it| it.source.as_str()),
            );
            used.configs
                .extend(service.configs.iter().map(|it| it.source.as_str()));
        }
        used
    }
}

fn service(service: &Service) -> Value {
    let mut out = Out::default();
    out.text("image", &service.image);
    out.maybe("build", service.build.as_ref().map(build));
    out.maybe("command", service.command.as_ref().and_then(command));
    out.maybe("entrypoint", service.entrypoint.as_ref().and_then(command));
    if !service.environment.is_empty() {
        let all = service.environment.iter();
        let all: Map<String, Value> = all
            .map(|(name, it)| (name.clone(), json!(it.value)))
            .collect();
        out.put("environment", all);
    }
    if !service.ports.is_empty() {
        out.put("ports", service.ports.iter().map(port).collect::<Vec<_>>());
    }
    out.list("expose", &service.expose);
    if !service.volumes.is_empty() {
        out.put(
            "volumes",
            service.volumes.iter().map(mount).collect::<Vec<_>>(),
        );
    }
    out.list("tmpfs", &service.tmpfs);
    if !service.networks.is_empty() {
        let all = service.networks.iter();
        let all: Map<String, Value> = all.map(|it| (it.network.clone(), attachment(it))).collect();
        out.put("networks", all);
    }
    out.text("network_mode", &service.network_mode);
    if !service.depends_on.is_empty() {
        let mut all = Map::new();
        for it in &service.depends_on {
            let condition = match it.condition {
                Condition::Started => "service_started",
                Condition::Healthy => "service_healthy",
                Condition::Completed => "service_completed_successfully",
            };
            let mut one = Out::default();
            one.put("condition", condition);
            one.put("required", it.required);
            one.maybe("restart", it.restart.then_some(true));
            all.insert(it.service.clone(), one.done());
        }
        out.put("depends_on", all);
    }
    out.maybe("healthcheck", service.healthcheck.as_ref().map(healthcheck));
    out.text("restart", &service.restart);
    out.maybe(
        "deploy",
        service
            .deploy
            .as_ref()
            .map(deploy)
            .filter(|it| *it != json!({})),
    );
    out.maybe("scale", service.scale.as_ref().map(|it| it.value));
    out.size("mem_limit", &service.mem_limit);
    out.maybe(
        "memswap_limit",
        service
            .memswap_limit
            .as_ref()
            .filter(|it| it.value != 0)
            .map(|it| it.value.to_string()),
    );
    out.size("mem_reservation", &service.mem_reservation);
    out.maybe(
        "cpus",
        service
            .cpus
            .as_ref()
            .map(|it| number(it.value))
            .filter(|it| *it != json!(0)),
    );
    out.maybe(
        "pids_limit",
        service
            .pids_limit
            .as_ref()
            .map(|it| it.value)
            .filter(|it| *it != 0),
    );
    for (key, value) in [
        ("user", &service.user),
        ("working_dir", &service.working_dir),
        ("hostname", &service.hostname),
        ("domainname", &service.domainname),
        ("container_name", &service.container_name),
        ("stop_signal", &service.stop_signal),
        ("pid", &service.pid),
        ("ipc", &service.ipc),
        ("uts", &service.uts),
        ("userns_mode", &service.userns_mode),
        ("cgroup", &service.cgroup),
        ("cgroup_parent", &service.cgroup_parent),
        ("platform", &service.platform),
        ("runtime", &service.runtime),
    ] {
        out.text(key, value);
    }
    let pull = service
        .pull_policy
        .as_ref()
        .map(|it| it.value.replace("if_not_present", "missing"));
    out.maybe("pull_policy", pull);
    out.texts("labels", &service.labels);
    out.texts("annotations", &service.annotations);
    for (key, grants) in [("secrets", &service.secrets), ("configs", &service.configs)] {
        if !grants.is_empty() {
            out.put(
                key,
                grants
                    .iter()
                    .map(|it| grant(it, key == "secrets"))
                    .collect::<Vec<_>>(),
            );
        }
    }
    out.flag("read_only", &service.read_only);
    out.maybe("init", service.init.as_ref().map(|it| it.value));
    out.duration("stop_grace_period", &service.stop_grace_period);
    out.flag("stdin_open", &service.stdin_open);
    out.flag("tty", &service.tty);
    out.flag("privileged", &service.privileged);
    out.maybe("attach", service.attach.as_ref().map(|it| it.value));
    for (key, list) in [
        ("cap_add", &service.cap_add),
        ("cap_drop", &service.cap_drop),
        ("security_opt", &service.security_opt),
        ("dns", &service.dns),
        ("dns_search", &service.dns_search),
        ("dns_opt", &service.dns_opt),
        ("group_add", &service.group_add),
        ("links", &service.links),
        ("external_links", &service.external_links),
        ("volumes_from", &service.volumes_from),
        ("profiles", &service.profiles),
    ] {
        out.list(key, list);
    }
    if !service.devices.is_empty() {
        out.put(
            "devices",
            service.devices.iter().map(device).collect::<Vec<_>>(),
        );
    }
    out.texts("sysctls", &service.sysctls);
    if !service.ulimits.is_empty() {
        let all = service.ulimits.iter();
        let all: Map<String, Value> = all
            .map(|(name, it)| (name.clone(), json!([it.value.0, it.value.1])))
            .collect();
        out.put("ulimits", all);
    }
    out.maybe("extra_hosts", hosts(&service.extra_hosts));
    if let Some(logging) = &service.logging {
        let mut it = Out::default();
        it.text("driver", &logging.driver);
        it.texts("options", &logging.options);
        out.put("logging", it.done());
    }
    out.size("shm_size", &service.shm_size);
    out.maybe("develop", service.develop.as_ref().map(node));
    out.other(&service.other);
    out.done()
}

fn build(build: &Build) -> Value {
    let mut out = Out::default();
    out.put("context", build.context.value.clone());
    out.text("dockerfile_inline", &build.dockerfile_inline);
    match &build.dockerfile {
        Some(dockerfile) => out.put("dockerfile", dockerfile.value.clone()),
        None if build.dockerfile_inline.is_none() => out.put("dockerfile", "Dockerfile"),
        None => {}
    }
    out.text("target", &build.target);
    out.text("network", &build.network);
    // Compose leaves out what is set nowhere.
    let args = build.args.iter().filter(|(_, it)| it.value.is_some());
    let args: Map<String, Value> = args
        .map(|(name, it)| (name.clone(), json!(it.value)))
        .collect();
    if !args.is_empty() {
        out.put("args", args);
    }
    out.maybe("no_cache", build.no_cache.then_some(true));
    out.maybe("pull", build.pull.then_some(true));
    if !build.secrets.is_empty() {
        out.put(
            "secrets",
            build
                .secrets
                .iter()
                .map(|it| grant(it, false))
                .collect::<Vec<_>>(),
        );
    }
    out.texts("additional_contexts", &build.additional_contexts);
    out.size("shm_size", &build.shm_size);
    out.maybe("extra_hosts", hosts(&build.extra_hosts));
    out.texts("labels", &build.labels);
    out.list("tags", &build.tags);
    out.list("platforms", &build.platforms);
    out.flag("privileged", &build.privileged);
    out.other(&build.other);
    out.done()
}

fn command(command: &Command) -> Option<Value> {
    match command.form {
        Form::Null => None,
        _ => Some(json!(command.words)),
    }
}

fn port(port: &Port) -> Value {
    let mut out = Out::default();
    out.maybe("name", port.name.clone());
    out.put("mode", port.mode.clone());
    out.maybe("host_ip", port.host_ip.clone());
    out.put("target", port.target);
    out.maybe(
        "published",
        port.published.map(|(first, last)| {
            if first == last {
                first.to_string()
            } else {
                format!("{first}-{last}")
            }
        }),
    );
    out.put("protocol", port.protocol.clone());
    out.maybe("app_protocol", port.app_protocol.clone());
    out.done()
}

fn mount(mount: &Mount) -> Value {
    let mut out = Out::default();
    let kind = match mount.kind {
        MountKind::Bind => "bind",
        MountKind::Volume => "volume",
        MountKind::Tmpfs => "tmpfs",
        MountKind::Image => "image",
        MountKind::Npipe => "npipe",
        MountKind::Cluster => "cluster",
    };
    out.put("type", kind);
    out.maybe("source", mount.source.clone());
    out.put("target", mount.target.clone());
    out.maybe("read_only", mount.read_only.then_some(true));
    if mount.kind == MountKind::Bind {
        out.maybe(
            "create_host_path",
            (!mount.create_host_path).then_some(false),
        );
    }
    out.maybe("propagation", mount.propagation.clone());
    out.maybe("nocopy", mount.nocopy.then_some(true));
    out.maybe("subpath", mount.subpath.clone());
    out.maybe(
        "size",
        mount
            .tmpfs_size
            .filter(|it| *it > 0)
            .map(|it| it.to_string()),
    );
    out.maybe("mode", mount.tmpfs_mode.filter(|it| *it > 0));
    out.other(&mount.other);
    out.done()
}

fn attachment(attachment: &Attachment) -> Value {
    let mut out = Out::default();
    if !attachment.aliases.is_empty() {
        out.put("aliases", json!(attachment.aliases));
    }
    out.maybe("ipv4_address", attachment.ipv4_address.clone());
    out.maybe("ipv6_address", attachment.ipv6_address.clone());
    out.maybe("priority", Some(attachment.priority).filter(|it| *it != 0));
    out.other(&attachment.other);
    match out.done() {
        Value::Object(fields) if fields.is_empty() => Value::Null,
        it => it,
    }
}

fn healthcheck(healthcheck: &Healthcheck) -> Value {
    let mut out = Out::default();
    let test = healthcheck.test.as_ref().map(|test| match &test.value {
        Test::None => json!(["NONE"]),
        Test::Cmd(words) => {
            let mut all = vec!["CMD".to_owned()];
            all.extend(words.iter().cloned());
            json!(all)
        }
        Test::Shell(line) => json!(["CMD-SHELL", line]),
    });
    let none = test == Some(json!(["NONE"]));
    out.maybe("test", test);
    out.maybe("disable", (healthcheck.disable && !none).then_some(true));
    out.duration("interval", &healthcheck.interval);
    out.duration("timeout", &healthcheck.timeout);
    out.duration("start_period", &healthcheck.start_period);
    out.duration("start_interval", &healthcheck.start_interval);
    out.maybe("retries", healthcheck.retries.as_ref().map(|it| it.value));
    out.done()
}

fn deploy(deploy: &Deploy) -> Value {
    let mut out = Out::default();
    out.maybe("mode", deploy.mode.clone());
    out.maybe("replicas", deploy.replicas.as_ref().map(|it| it.value));
    let mut resources = Out::default();
    for (key, part) in [
        ("limits", &deploy.limits),
        ("reservations", &deploy.reservations),
    ] {
        resources.maybe(
            key,
            part.as_ref().map(amounts).filter(|it| *it != json!({})),
        );
    }
    if !resources.0.is_empty() {
        out.put("resources", resources.done());
    }
    if let Some(policy) = &deploy.restart_policy {
        let mut it = Out::default();
        it.maybe("condition", policy.condition.clone());
        it.maybe("delay", policy.delay.map(duration));
        it.maybe("max_attempts", policy.max_attempts);
        it.maybe("window", policy.window.map(duration));
        out.put("restart_policy", it.done());
    }
    out.other(&deploy.other);
    out.done()
}

fn amounts(resources: &Resources) -> Value {
    let mut out = Out::default();
    out.maybe(
        "cpus",
        resources
            .cpus
            .as_ref()
            .map(|it| number(it.value))
            .filter(|it| *it != json!(0)),
    );
    out.size("memory", &resources.memory);
    out.maybe(
        "pids",
        resources
            .pids
            .as_ref()
            .map(|it| it.value)
            .filter(|it| *it != 0),
    );
    out.maybe("devices", resources.devices.as_ref().map(node));
    out.other(&resources.other);
    out.done()
}

fn grant(grant: &Grant, is_service_secret: bool) -> Value {
    let mut out = Out::default();
    out.put("source", grant.source.clone());
    match &grant.target {
        Some(target) => out.put("target", target.clone()),
        None if is_service_secret => out.put("target", grant.secret_path()),
        None => {}
    }
    out.maybe("uid", grant.uid.clone());
    out.maybe("gid", grant.gid.clone());
    out.maybe("mode", grant.mode.map(|mode| format!("0{mode:o}")));
    out.done()
}

fn hosts(hosts: &[Located<(String, String)>]) -> Option<Value> {
    let mut lines: Vec<String> = hosts
        .iter()
        .map(|it| format!("{}={}", it.value.0, it.value.1))
        .collect();
    lines.sort();
    (!lines.is_empty()).then(|| json!(lines))
}

/// A device that is kept as written.
fn device(device: &Node) -> Value {
    let Some(written) = device.scalar().map(yaml::Scalar::to_text) else {
        let mut it = node(device);
        if let Value::Object(fields) = &mut it {
            let source = fields.get("source").cloned().unwrap_or_default();
            fields.entry("target").or_insert(source);
            fields.entry("permissions").or_insert(json!("rwm"));
        }
        return it;
    };
    let mut parts = written.split(':');
    let source = parts.next().unwrap_or_default();
    let target = parts.next().unwrap_or(source);
    json!({"source": source, "target": target, "permissions": parts.next().unwrap_or("rwm")})
}

/// What is kept as written.
fn node(node: &Node) -> Value {
    match &node.value {
        yaml::Value::Seq(items) => items.iter().map(self::node).collect(),
        yaml::Value::Map(fields) => {
            let fields = fields.iter();
            Value::Object(
                fields
                    .map(|it| (it.key.clone(), self::node(&it.value)))
                    .collect(),
            )
        }
        yaml::Value::Scalar(scalar) => match scalar.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => json!(value),
            Kind::Int(value) => json!(value as i64),
            Kind::Float(value) => number(value),
            Kind::Date | Kind::Text => json!(scalar.to_text()),
        },
    }
}

fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        json!(value as i64)
    } else {
        json!(value)
    }
}

/// As Go prints a duration.
fn duration(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    if nanos == 0 {
        return "0s".to_owned();
    }
    for (unit, size) in [("ns", 1_u128), ("µs", 1_000), ("ms", 1_000_000)] {
        if nanos < size * 1_000 {
            return format!("{}{unit}", nanos as f64 / size as f64);
        }
    }
    let (minutes, seconds) = (
        nanos / 60_000_000_000,
        (nanos % 60_000_000_000) as f64 / 1e9,
    );
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}
