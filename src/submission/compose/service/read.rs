//! Reads a service from its merged tree.

use std::collections::BTreeMap;

use super::{Condition, Dependency, EnvFile, Logging, Service};
use crate::submission::compose::fields::{Fields, Read, excessive, integer, invalid, text};
use crate::submission::compose::{
    Attachment, Build, Command, Deploy, Grant, Healthcheck, Located, Mount, Port, hosts,
};
use crate::submission::interpolate::Lookup;
use crate::submission::location::Location;
use crate::submission::yaml::{Field, Node};

/// Published ports of a service at most.
const MOST_PORTS: usize = 500;

impl Service {
    /// Reads the service of `field`; `environment` has bare names looked up, but not yet what `env_file` holds.
    pub(in crate::submission::compose) fn read(field: &Field, lookup: &Lookup) -> Read<Self> {
        let mut fields = Fields::of(&field.value);
        let location = field.location.clone();
        let command =
            |field: Option<Field>| field.map(|f| Command::read(&f.value, &f.key)).transpose();
        let each = |nodes: Vec<Node>, key: &str| -> Read<Vec<Grant>> {
            nodes.iter().map(|node| Grant::read(node, key)).collect()
        };
        let mut environment = fields.pairs("environment");
        if let Some((name, variable)) = environment.iter().find(|(name, _)| name.ends_with(' ')) {
            return invalid(
                &variable.location,
                format!(
                    "el nombre `{name}` termina en un espacio: escribe `{}=valor`, sin espacios",
                    name.trim()
                ),
            );
        }
        for (name, variable) in &mut environment {
            if variable.value.is_none() {
                variable.value = lookup(name);
            }
        }
        let network_mode = fields.text("network_mode")?;
        let networks = attachments(&mut fields, network_mode.as_ref(), &location)?;
        let links = fields.texts("links");
        let volumes_from = fields.texts("volumes_from");
        let pid = fields.text("pid")?;
        let ipc = fields.text("ipc")?;
        let mut depends_on = dependencies(&mut fields)?;
        imply(
            &mut depends_on,
            &links,
            &volumes_from,
            &[&network_mode, &pid, &ipc],
        );
        let mut ports = Vec::new();
        for port in fields.nodes("ports") {
            ports.extend(Port::read(&port)?);
            if ports.len() > MOST_PORTS {
                return excessive(
                    &port.location,
                    format!(
                        "un servicio no puede publicar más de {MOST_PORTS} puertos: publica solo los que usas"
                    ),
                );
            }
        }
        Ok(Self {
            name: field.key.clone(),
            image: fields.text("image")?.filter(|image| !image.is_empty()),
            build: fields
                .take("build")
                .map(|field| Build::read(&field, lookup))
                .transpose()?,
            command: command(fields.take("command"))?,
            entrypoint: command(fields.take("entrypoint"))?,
            environment,
            env_file: env_files(&fields.nodes("env_file"))?,
            ports,
            expose: fields.texts("expose"),
            volumes: fields
                .nodes("volumes")
                .iter()
                .map(Mount::read)
                .collect::<Read<_>>()?,
            tmpfs: fields.texts("tmpfs"),
            networks,
            network_mode,
            depends_on,
            healthcheck: fields
                .take("healthcheck")
                .map(|field| Healthcheck::read(&field))
                .transpose()?,
            restart: fields.text("restart")?,
            deploy: fields
                .take("deploy")
                .filter(|field| !field.value.is_null())
                .map(|field| Deploy::read(&field))
                .transpose()?,
            scale: fields.count("scale")?,
            mem_limit: fields.size("mem_limit")?,
            memswap_limit: fields.signed_size("memswap_limit")?,
            mem_reservation: fields.size("mem_reservation")?,
            cpus: fields.number("cpus")?,
            pids_limit: fields.integer("pids_limit")?,
            user: fields.text("user")?,
            working_dir: fields.text("working_dir")?,
            hostname: fields.text("hostname")?,
            domainname: fields.text("domainname")?,
            container_name: fields.text("container_name")?,
            labels: fields.texts_by_key("labels"),
            annotations: fields.texts_by_key("annotations"),
            secrets: each(fields.nodes("secrets"), "secrets")?,
            configs: each(fields.nodes("configs"), "configs")?,
            read_only: fields.flag("read_only")?,
            init: fields.flag("init")?,
            stop_signal: fields.text("stop_signal")?,
            stop_grace_period: fields.duration("stop_grace_period")?,
            stdin_open: fields.flag("stdin_open")?,
            tty: fields.flag("tty")?,
            cap_add: fields.texts("cap_add"),
            cap_drop: fields.texts("cap_drop"),
            security_opt: fields.texts("security_opt"),
            privileged: fields.flag("privileged")?,
            devices: devices(fields.nodes("devices"))?,
            pid,
            ipc,
            uts: fields.text("uts")?,
            userns_mode: fields.text("userns_mode")?,
            cgroup: fields.text("cgroup")?,
            cgroup_parent: fields.text("cgroup_parent")?,
            sysctls: fields.texts_by_key("sysctls"),
            ulimits: ulimits(fields.node("ulimits"))?,
            extra_hosts: hosts::read(fields.node("extra_hosts"))?,
            dns: fields.texts("dns"),
            dns_search: fields.texts("dns_search"),
            dns_opt: fields.texts("dns_opt"),
            logging: fields
                .take("logging")
                .map(|field| logging(&field))
                .transpose()?,
            shm_size: fields.size("shm_size")?,
            profiles: fields.texts("profiles"),
            extends: extends(fields.node("extends"))?,
            platform: fields.text("platform")?,
            runtime: fields.text("runtime")?,
            pull_policy: fields.text("pull_policy")?,
            group_add: fields.texts("group_add"),
            links,
            external_links: fields.texts("external_links"),
            volumes_from,
            attach: fields.flag("attach")?,
            develop: fields.node("develop"),
            other: fields.rest(),
            location,
        })
    }
}

fn attachments(
    fields: &mut Fields,
    network_mode: Option<&Located<String>>,
    service: &Location,
) -> Read<Vec<Attachment>> {
    let networks = fields.take("networks");
    let written = networks
        .as_ref()
        .and_then(|field| field.value.map())
        .unwrap_or_default();
    if fields.has("provider") {
        return Ok(Vec::new());
    }
    match (networks.as_ref(), network_mode) {
        (Some(field), Some(_)) if !written.is_empty() => invalid(
            &field.location,
            "`network_mode` y `networks` se excluyen: deja solo una de las dos",
        ),
        (_, Some(_)) => Ok(Vec::new()),
        _ if written.is_empty() => Ok(vec![Attachment::implicit(service.clone())]),
        _ => written.iter().map(Attachment::read).collect(),
    }
}

fn dependencies(fields: &mut Fields) -> Read<Vec<Dependency>> {
    let mut dependencies = Vec::new();
    let Some(node) = fields.node("depends_on") else {
        return Ok(dependencies);
    };
    for field in node.map().unwrap_or_default() {
        let mut options = Fields::of(&field.value);
        let condition = match options.plain_text("condition")?.as_deref() {
            Some("service_healthy") => Condition::Healthy,
            Some("service_completed_successfully") => Condition::Completed,
            _ => Condition::Started,
        };
        dependencies.push(Dependency {
            service: field.key.clone(),
            location: field.location.clone(),
            condition,
            required: options.flag("required")?.is_none_or(|flag| flag.value),
            restart: options.is("restart")?,
            implied: false,
        });
    }
    Ok(dependencies)
}

/// Adds the services that other keys make come first.
fn imply(
    dependencies: &mut Vec<Dependency>,
    links: &[Located<String>],
    volumes_from: &[Located<String>],
    modes: &[&Option<Located<String>>],
) {
    let mut add = |service: &str, location: &Location, restart| {
        if !dependencies
            .iter()
            .any(|dependency| dependency.service == service)
        {
            dependencies.push(Dependency {
                service: service.to_owned(),
                location: location.clone(),
                condition: Condition::Started,
                required: true,
                restart,
                implied: true,
            });
        }
    };
    for link in links {
        add(link.split(':').next().unwrap_or(link), &link.location, true);
    }
    for mode in modes.iter().copied().flatten() {
        if let Some(service) = mode.strip_prefix("service:") {
            add(service, &mode.location, true);
        }
    }
    for volumes in volumes_from {
        if !volumes.starts_with("container:") {
            add(
                volumes.split(':').next().unwrap_or(volumes),
                &volumes.location,
                false,
            );
        }
    }
}

fn devices(nodes: Vec<Node>) -> Read<Vec<Node>> {
    for node in &nodes {
        if let Some(written) = text(node).filter(|text| text.matches(':').count() > 2) {
            return invalid(
                &node.location,
                format!(
                    "el dispositivo `{written}` tiene demasiados `:`: escribe `ORIGEN:DESTINO:rwm`"
                ),
            );
        }
    }
    Ok(nodes)
}

fn env_files(nodes: &[Node]) -> Read<Vec<EnvFile>> {
    let read = |node: &Node| -> Read<EnvFile> {
        let mut fields = Fields::of(node);
        let path = match text(node) {
            Some(path) => path,
            None => fields.plain_text("path")?.unwrap_or_default(),
        };
        let format = fields.text("format")?;
        if let Some(format) = format
            .as_ref()
            .filter(|format| format.value != "raw" && !format.is_empty())
        {
            return invalid(
                &format.location,
                format!(
                    "`format` de `env_file` no admite `{}`: quita la clave, o escribe `raw`",
                    format.value
                ),
            );
        }
        Ok(EnvFile {
            location: node.location.clone(),
            path,
            required: fields.flag("required")?.is_none_or(|flag| flag.value),
            raw: format.is_some_and(|format| format.value == "raw"),
            present: false,
            variables: Vec::new(),
        })
    };
    nodes.iter().map(read).collect()
}

fn ulimits(node: Option<Node>) -> Read<BTreeMap<String, Located<(i64, i64)>>> {
    let mut ulimits = BTreeMap::new();
    for field in node.as_ref().and_then(Node::map).unwrap_or_default() {
        let value = match (field.value.get("soft"), field.value.get("hard")) {
            (Some(soft), Some(hard)) => (integer(soft, "soft")?, integer(hard, "hard")?),
            _ => {
                let both = integer(&field.value, &field.key)?;
                (both, both)
            }
        };
        let location = field.location.clone();
        ulimits.insert(field.key.clone(), Located { value, location });
    }
    Ok(ulimits)
}

fn logging(field: &Field) -> Read<Logging> {
    let mut fields = Fields::of(&field.value);
    Ok(Logging {
        location: field.location.clone(),
        driver: fields.text("driver")?,
        options: fields.texts_by_key("options"),
    })
}

fn extends(node: Option<Node>) -> Read<Option<Located<String>>> {
    match node {
        Some(node) => Fields::of(&node).text("service"),
        None => Ok(None),
    }
}
