//! What Compose does and the stack does not: said, and never left out in silence.
//!
//! The policy refuses most of it before, as reaching out of the lab; this is what can be carried out here at all.

use super::{Stack, UpError};
use crate::submission::Location;
use crate::submission::compose::{
    Attachment, Deploy, Mount, MountKind, Network, Project, Provided, Provider, Service, Volume,
};
use crate::submission::yaml::Node;

/// Log drivers whose logs stay with the engine.
const LOG_DRIVERS: [&str; 3] = ["json-file", "local", "none"];

/// Keys of `deploy` that only a swarm reads: Compose warns and goes on.
const SWARM: [&str; 5] = [
    "labels",
    "endpoint_mode",
    "placement",
    "update_config",
    "rollback_config",
];

type Review = Result<(), UpError>;

impl Stack<'_> {
    /// Refuses what of `services`, and of the objects that they use, is not carried out.
    pub(super) async fn review(&self, services: &[&Service]) -> Review {
        for service in services {
            carried_out(&self.project, service)?;
            if let Some(wanted) = &service.platform {
                self.platform(&wanted.value, &wanted.location).await?;
            }
        }
        self.names_differ()
    }

    /// The image runs as it is only on the engine's own platform.
    async fn platform(&self, wanted: &str, at: &Location) -> Review {
        let version = self.lab.docker().version().await.map_err(UpError::engine)?;
        let (os, arch) = (
            version.os.unwrap_or_default(),
            version.arch.unwrap_or_default(),
        );
        let mut parts = wanted.split('/');
        let (first, second) = (parts.next().unwrap_or_default(), parts.next());
        let fits = |asked: &str| match asked {
            "x86_64" => arch == "amd64",
            "aarch64" => arch == "arm64",
            asked => asked == arch || asked == os,
        };
        if fits(first) && second.is_none_or(fits) {
            return Ok(());
        }
        refuse(
            at,
            format!("`platform: {wanted}` no se puede ejecutar aquí: el motor es {os}/{arch}"),
        )
    }

    /// Two networks with one name are two networks, and no engine knows which is meant.
    fn names_differ(&self) -> Review {
        let mut seen: Vec<&str> = Vec::new();
        for network in self.project.networks.values() {
            let Some(name) = &network.name else { continue };
            if seen.contains(&name.as_str()) {
                let message = format!(
                    "dos redes se llaman `{}`: el motor no sabe cuál es cuál (`network {} is ambiguous`)",
                    name.value, name.value
                );
                return Err(UpError::failed(message, &name.location));
            }
            seen.push(name.as_str());
        }
        Ok(())
    }
}

/// Refuses what of `service`, and of the objects that it uses, is not carried out on any engine.
fn carried_out(project: &Project, service: &Service) -> Review {
    keys(service)?;
    service.deploy.iter().try_for_each(deploy)?;
    service.volumes.iter().try_for_each(mount)?;
    service.networks.iter().try_for_each(attachment)?;
    let networks = service.networks.iter();
    let mut networks = networks.filter_map(|it| project.networks.get(&it.network));
    networks.try_for_each(network)?;
    let volumes = service.volumes.iter().filter_map(|it| it.source.as_ref());
    let mut volumes = volumes.filter_map(|it| project.volumes.get(it));
    volumes.try_for_each(volume)?;
    let secrets = service
        .secrets
        .iter()
        .map(|it| project.secrets.get(&it.source));
    let configs = service
        .configs
        .iter()
        .map(|it| project.configs.get(&it.source));
    secrets.chain(configs).flatten().try_for_each(provided)?;
    Ok(())
}

fn refuse(at: &Location, message: impl Into<String>) -> Review {
    Err(UpError::Refused {
        message: message.into(),
        location: at.clone(),
    })
}

fn not_here(key: &str, at: &Location) -> Review {
    refuse(
        at,
        format!(
            "el laboratorio no lleva a cabo `{key}`: sin esa clave se puede comprobar el resto"
        ),
    )
}

/// Nothing but extensions among the keys without a field.
fn rest(others: &[(String, Node)], known: &[&str]) -> Review {
    let unknown = |key: &str| !key.starts_with("x-") && !known.contains(&key);
    match others.iter().find(|(key, _)| unknown(key)) {
        Some((key, node)) => not_here(key, &node.location),
        None => Ok(()),
    }
}

fn keys(service: &Service) -> Review {
    // `label_file` is read into the labels.
    rest(&service.other, &["label_file"])?;
    let texts = [
        ("pid", &service.pid),
        ("ipc", &service.ipc),
        ("uts", &service.uts),
        ("userns_mode", &service.userns_mode),
        ("cgroup", &service.cgroup),
        ("cgroup_parent", &service.cgroup_parent),
        ("runtime", &service.runtime),
    ];
    for (key, written) in texts {
        if let Some(written) = written {
            return not_here(key, &written.location);
        }
    }
    if let Some(mode) = service
        .network_mode
        .as_ref()
        .filter(|it| it.value != "none")
    {
        return not_here(&format!("network_mode: {}", mode.value), &mode.location);
    }
    if let Some(yes) = service.privileged.as_ref().filter(|yes| yes.value) {
        return not_here("privileged", &yes.location);
    }
    let lists = [
        ("volumes_from", service.volumes_from.first()),
        ("external_links", service.external_links.first()),
    ];
    for (key, written) in lists {
        if let Some(written) = written {
            return not_here(key, &written.location);
        }
    }
    if let Some(written) = service.sysctls.values().next() {
        return not_here("sysctls", &written.location);
    }
    if let Some(node) = service.devices.first() {
        return not_here("devices", &node.location);
    }
    let driver = service.logging.as_ref().and_then(|it| it.driver.as_ref());
    if let Some(driver) = driver.filter(|it| !LOG_DRIVERS.contains(&it.as_str())) {
        return not_here(
            &format!("logging.driver: {}", driver.value),
            &driver.location,
        );
    }
    Ok(())
}

/// What Compose, or the engine, refuses only when the container is made; the lab's own limits would hide it.
pub(super) fn at_creation(service: &Service) -> Review {
    memory_agrees(service)?;
    log_options_exist(service)?;
    let health = service.healthcheck.as_ref();
    if let Some(health) = health
        && let (Some(interval), None) = (&health.start_interval, &health.start_period)
    {
        return Err(UpError::failed(
            "`healthcheck.start_interval` no hace nada sin `start_period`: escribe los dos (Compose dice: `healthcheck.start_interval requires healthcheck.start_period to be set`)",
            &interval.location,
        ));
    }
    Ok(())
}

fn memory_agrees(service: &Service) -> Review {
    let says = |what: &str, said: &str, at: &Location| {
        let name = &service.name;
        let told = format!("`{name}` no arranca: {what} (el motor dice: `{said}`)");
        Err(UpError::failed(told, at))
    };
    let memory = service.memory_limit();
    let swap = service.memswap_limit.as_ref().filter(|it| it.value > 0);
    match (swap, memory) {
        (Some(swap), None) => {
            let said =
                "You should always set the Memory limit when using Memoryswap limit, see usage";
            return says("`memswap_limit` va con `mem_limit`", said, &swap.location);
        }
        (Some(swap), Some(memory)) if swap.value.unsigned_abs() < memory.value => {
            let said = "Minimum memoryswap limit should be larger than memory limit, see usage";
            return says(
                "`memswap_limit` cuenta también la memoria, y es menor",
                said,
                &swap.location,
            );
        }
        _ => {}
    }
    let deployed = service
        .deploy
        .as_ref()
        .and_then(|it| it.reservations.as_ref());
    let deployed = deployed.and_then(|it| it.memory.as_ref());
    match (deployed.or(service.mem_reservation.as_ref()), memory) {
        (Some(least), Some(most)) if least.value > most.value => {
            let said =
                "Minimum memory limit can not be less than memory reservation limit, see usage";
            says("reserva más memoria que su límite", said, &least.location)
        }
        _ => Ok(()),
    }
}

/// Options that a log driver knows.
fn log_options_exist(service: &Service) -> Review {
    const COMMON: [&str; 5] = [
        "max-size",
        "max-file",
        "compress",
        "mode",
        "max-buffer-size",
    ];
    const JSON_FILE: [&str; 5] = ["labels", "labels-regex", "env", "env-regex", "tag"];
    let Some(logging) = &service.logging else {
        return Ok(());
    };
    let driver = logging
        .driver
        .as_ref()
        .map_or("json-file", |it| it.as_str());
    let is_known = |option: &str| {
        COMMON.contains(&option) || driver == "json-file" && JSON_FILE.contains(&option)
    };
    match logging
        .options
        .iter()
        .find(|(key, _)| driver != "none" && !is_known(key))
    {
        Some((key, value)) => {
            let said = match driver {
                "json-file" => {
                    format!(" (el motor dice: `unknown log opt '{key}' for json-file log driver`)")
                }
                _ => String::new(),
            };
            let name = &service.name;
            let told =
                format!("`{name}` no arranca: su registro no conoce la opción `{key}`{said}");
            Err(UpError::failed(told, &value.location))
        }
        None => Ok(()),
    }
}

fn deploy(deploy: &Deploy) -> Review {
    rest(&deploy.other, &SWARM)?;
    for resources in [&deploy.limits, &deploy.reservations].into_iter().flatten() {
        rest(&resources.other, &["generic_resources"])?;
        if let Some(devices) = &resources.devices {
            return not_here("devices", &devices.location);
        }
    }
    Ok(())
}

fn mount(mount: &Mount) -> Review {
    match mount.kind {
        MountKind::Bind | MountKind::Volume | MountKind::Tmpfs => {}
        MountKind::Image => return not_here("type: image", &mount.location),
        MountKind::Npipe => return not_here("type: npipe", &mount.location),
        MountKind::Cluster => return not_here("type: cluster", &mount.location),
    }
    if mount.subpath.is_some() {
        return not_here("subpath", &mount.location);
    }
    let outside = mount
        .source
        .as_deref()
        .filter(|it| mount.kind == MountKind::Bind && it.contains(':'));
    if let Some(source) = outside {
        return not_here(source, &mount.location);
    }
    rest(&mount.other, &["selinux", "consistency"])
}

fn attachment(attachment: &Attachment) -> Review {
    let addresses = [
        ("ipv4_address", &attachment.ipv4_address),
        ("ipv6_address", &attachment.ipv6_address),
    ];
    for (key, written) in addresses {
        if written.is_some() {
            return no_address(key, &attachment.location);
        }
    }
    rest(&attachment.other, &[])
}

/// Several copies of one project run side by side, on engines with other networks.
fn no_address(key: &str, at: &Location) -> Review {
    refuse(
        at,
        format!(
            "`{key}` fija direcciones, que en la máquina de prueba pueden ser de otro: usa el nombre del servicio"
        ),
    )
}

fn network(network: &Network) -> Review {
    if network.external {
        return not_here("external", &network.location);
    }
    if let Some(driver) = network
        .driver
        .as_ref()
        .filter(|it| !matches!(it.as_str(), "bridge" | "default" | ""))
    {
        return not_here(&format!("driver: {}", driver.value), &driver.location);
    }
    if let Some(option) = network.driver_opts.values().next() {
        return not_here("driver_opts", &option.location);
    }
    let ipam = network
        .ipam
        .as_ref()
        .and_then(Node::map)
        .unwrap_or_default()
        .iter();
    for field in ipam {
        let is_default = field.key == "driver" && field.value.str() == Some("default");
        if !is_default && !field.key.starts_with("x-") {
            return no_address(&format!("ipam.{}", field.key), &field.location);
        }
    }
    rest(&network.other, &[])
}

fn volume(volume: &Volume) -> Review {
    if volume.external {
        return not_here("external", &volume.location);
    }
    if let Some(driver) = volume
        .driver
        .as_ref()
        .filter(|it| !matches!(it.as_str(), "local" | "default" | ""))
    {
        return not_here(&format!("driver: {}", driver.value), &driver.location);
    }
    if let Some(option) = volume.driver_opts.values().next() {
        return not_here("driver_opts", &option.location);
    }
    rest(&volume.other, &[])
}

fn provided(provided: &Provided) -> Review {
    if provided.provider.value == Provider::External {
        return not_here("external", &provided.location);
    }
    rest(&provided.other, &[])
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::submission::Snapshot;
    use crate::submission::compose::{Request, load};

    fn review(service: &str, rest: &str) -> Review {
        let text = format!("services:\n  api:\n    image: x\n    {service}\n{rest}\n");
        let mut snapshot = Snapshot::default();
        snapshot.insert("compose.yaml", text.clone(), false);
        let request = Request {
            snapshot: &snapshot,
            shell: &BTreeMap::new(),
            files: &[],
            env_files: &[],
            profiles: &[],
            project: "p",
        };
        let loaded = load(&request).unwrap_or_else(|e| panic!("{text}: {e}"));
        let project = loaded.unwrap().project;
        carried_out(&project, &project.services["api"])
    }

    #[test]
    fn what_the_stack_does_not_carry_out_is_refused_and_never_left_out() {
        for (service, rest) in [
            ("oom_score_adj: 5", ""),
            ("mac_address: 02:42:ac:11:00:02", ""),
            ("post_start: [{command: ls}]", ""),
            ("gpus: all", ""),
            ("network_mode: host", ""),
            ("network_mode: bridge", ""),
            ("pid: host", ""),
            ("ipc: shareable", ""),
            ("userns_mode: host", ""),
            ("runtime: runsc", ""),
            ("cgroup_parent: /x", ""),
            ("privileged: true", ""),
            ("devices: [/dev/fuse]", ""),
            ("sysctls: {net.core.somaxconn: 1}", ""),
            ("external_links: [x]", ""),
            ("logging: {driver: syslog}", ""),
            (
                "deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}",
                "",
            ),
            ("volumes: [{type: image, source: x, target: /x}]", ""),
            (
                "volumes: [{type: bind, source: ., target: /x, bind: {recursive: disabled}}]",
                "",
            ),
            (
                "volumes: [{type: volume, source: vo, target: /x, volume: {subpath: a}}]",
                "volumes: {vo: {}}",
            ),
            ("volumes: ['vo:/x']", "volumes: {vo: {external: true}}"),
            ("volumes: ['vo:/x']", "volumes: {vo: {driver: nfs}}"),
            (
                "volumes: ['vo:/x']",
                "volumes: {vo: {driver_opts: {type: tmpfs}}}",
            ),
            (
                "networks: {n: {ipv4_address: 10.0.0.2}}",
                "networks: {n: {}}",
            ),
            (
                "networks: {n: {mac_address: 02:42:ac:11:00:02}}",
                "networks: {n: {}}",
            ),
            ("networks: {n: {gw_priority: 1}}", "networks: {n: {}}"),
            (
                "networks: [n]",
                "networks: {n: {ipam: {config: [{subnet: 10.0.0.0/24}]}}}",
            ),
            ("networks: [n]", "networks: {n: {driver: macvlan}}"),
            ("networks: [n]", "networks: {n: {driver_opts: {a: b}}}"),
            ("networks: [n]", "networks: {n: {external: true}}"),
            ("networks: [n]", "networks: {n: {enable_ipv4: false}}"),
            ("secrets: [s]", "secrets: {s: {external: true}}"),
            ("secrets: [s]", "secrets: {s: {file: x, driver: y}}"),
        ] {
            let refused = review(service, rest);
            assert!(
                matches!(refused, Err(UpError::Refused { .. })),
                "{service} {rest}: {refused:?}"
            );
        }
    }

    #[test]
    fn what_changes_nothing_is_let_through() {
        for (service, rest) in [
            ("x-nota: 1", ""),
            ("network_mode: none", ""),
            ("privileged: false", ""),
            ("logging: {driver: none}", ""),
            (
                "deploy: {placement: {constraints: [a]}, mode: replicated, x-a: 1}",
                "",
            ),
            (
                "networks: [n]",
                "networks: {n: {driver: bridge, ipam: {driver: default}}}",
            ),
            ("volumes: ['vo:/x']", "volumes: {vo: {driver: local}}"),
            ("develop: {watch: [{path: ., action: rebuild}]}", ""),
        ] {
            let reviewed = review(service, rest);
            assert!(reviewed.is_ok(), "{service} {rest}: {reviewed:?}");
        }
    }
}
