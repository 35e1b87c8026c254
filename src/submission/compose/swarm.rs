//! What only a swarm reads: Compose warns of it and goes on.

use super::Warning;
use super::fields::text;
use crate::submission::location::Location;
use crate::submission::yaml::{Field, Node};

/// Keys of `deploy`, and what Compose says of each.
const DEPLOY: [(&str, &str); 6] = [
    (
        "endpoint_mode",
        "deploy.endpoint_mode only applies to Swarm's routing mesh",
    ),
    ("labels", "deploy.labels are only applied to Swarm services"),
    ("mode", "deploy.mode is only honored in Swarm mode"),
    (
        "placement",
        "deploy.placement is only honored by the Swarm scheduler",
    ),
    (
        "rollback_config",
        "deploy.rollback_config only applies to rolling updates in Swarm mode",
    ),
    (
        "update_config",
        "deploy.update_config only applies to rolling updates in Swarm mode",
    ),
];

/// Keys of the secrets and configs that a service gets.
const GRANT: [&str; 3] = ["gid", "mode", "uid"];

/// The warnings of the merged tree, in Compose's order; services that no profile activates are warned of too.
pub(super) fn warnings(root: &Node) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for field in fields(root, "configs") {
        let labels = "configs[].labels are only applied to Swarm config objects";
        provided(&mut warnings, "configs", field, "labels", labels);
    }
    for field in fields(root, "secrets") {
        let driver = "secrets[].driver_opts is only honored by Swarm secret drivers";
        provided(&mut warnings, "secrets", field, "driver_opts", driver);
        let labels = "secrets[].labels are only applied to Swarm secret objects";
        provided(&mut warnings, "secrets", field, "labels", labels);
    }
    for field in fields(root, "services") {
        service(&mut warnings, field);
    }
    warnings
}

fn provided(warnings: &mut Vec<Warning>, section: &str, of: &Field, key: &str, why: &str) {
    if let Some(written) = find(&of.value, key) {
        let said = format!("{section}.{}.{key}: {why}", of.key);
        warnings.push(warning(key, &said, &written.location));
    }
}

fn service(warnings: &mut Vec<Warning>, service: &Field) {
    let mut warn = |key: &str, path: String, why: &str, at: &Location| {
        let said = format!("service \"{}\": {path}: {why}", service.key);
        warnings.push(warning(key, &said, at));
    };
    grants(&mut warn, service, "configs");
    for (key, why) in DEPLOY {
        if let Some(written) = service
            .value
            .get("deploy")
            .and_then(|deploy| find(deploy, key))
        {
            let path = format!("deploy.{key}");
            warn(&path, path.clone(), why, &written.location);
        }
    }
    let ports = service.value.get("ports").and_then(Node::seq);
    for port in ports.unwrap_or_default() {
        let Some(mode) = find(port, "mode") else {
            continue;
        };
        if text(&mode.value).as_deref() == Some("host") {
            let part = |key: &str| port.get(key).and_then(text);
            let protocol = part("protocol").unwrap_or_else(|| "tcp".to_owned());
            let target = part("target").unwrap_or_default();
            let path = format!("ports[{target}/{protocol}].mode");
            let why = "ports[].mode: host is only honored by the Swarm routing mesh";
            warn("mode: host", path, why, &mode.location);
        }
    }
    grants(&mut warn, service, "secrets");
}

fn grants(warn: &mut impl FnMut(&str, String, &str, &Location), service: &Field, section: &str) {
    let granted = service.value.get(section).and_then(Node::seq);
    for grant in granted.unwrap_or_default() {
        let source = grant.get("source").and_then(text).unwrap_or_default();
        for key in GRANT {
            if let Some(written) = find(grant, key) {
                let why = format!("{key} is not supported outside Swarm mode and will be ignored");
                let path = format!("{section}.{source}.{key}");
                warn(key, path, &why, &written.location);
            }
        }
    }
}

fn warning(key: &str, said: &str, at: &Location) -> Warning {
    Warning {
        message: format!(
            "`{key}` es cosa de Swarm y Compose no la usa (Compose avisa: `{said}`): quítala"
        ),
        location: at.clone(),
    }
}

fn fields<'n>(root: &'n Node, section: &str) -> &'n [Field] {
    root.get(section).and_then(Node::map).unwrap_or_default()
}

fn find<'n>(node: &'n Node, key: &str) -> Option<&'n Field> {
    let mut fields = node.map()?.iter();
    fields.find(|field| field.key == key && !field.value.is_null())
}
