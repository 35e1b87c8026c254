//! The policy: what of a compose project may touch the engine at all. Whatever reaches out of the lab is refused.
//!
//! It is deny by default for what the lab does not carry out: a key that would silently do nothing is refused too.

use crate::submission::Location;
use crate::submission::compose::{
    Build, Mount, MountKind, Network, Project, Provided, Provider, Service, Volume,
};

/// Capabilities that stay inside the container.
const CAPABILITIES: [&str; 8] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "KILL",
    "NET_BIND_SERVICE",
    "SETGID",
    "SETPCAP",
    "SETUID",
];

/// Why a project is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// In Spanish: what, and why not.
    pub message: String,
    /// Where it is asked for.
    pub location: Location,
}

type Review = Result<(), Refusal>;

/// Goes through the whole project.
///
/// # Errors
/// The first thing in it that may not touch the engine.
pub fn review(project: &Project) -> Review {
    for service in project.services.values() {
        namespaces(service)?;
        privileges(service)?;
        service.volumes.iter().try_for_each(mount)?;
        service.build.iter().try_for_each(build)?;
        unknown(service)?;
    }
    project.networks.values().try_for_each(network)?;
    project.volumes.values().try_for_each(volume)?;
    project
        .secrets
        .values()
        .chain(project.configs.values())
        .try_for_each(provided)
}

fn refuse(location: &Location, message: impl Into<String>) -> Review {
    Err(Refusal {
        message: message.into(),
        location: location.clone(),
    })
}

/// Nothing is shared with the host or with containers that are not the lab's.
fn namespaces(service: &Service) -> Review {
    if let Some(mode) = service
        .network_mode
        .as_ref()
        .filter(|mode| mode.value != "none")
    {
        return refuse(
            &mode.location,
            format!(
                "`network_mode: {}` sale del laboratorio: usa `networks`",
                mode.value
            ),
        );
    }
    for (key, value) in [
        ("pid", &service.pid),
        ("ipc", &service.ipc),
        ("uts", &service.uts),
        ("userns_mode", &service.userns_mode),
        ("cgroup", &service.cgroup),
        ("cgroup_parent", &service.cgroup_parent),
        ("runtime", &service.runtime),
    ] {
        if let Some(value) = value {
            return refuse(
                &value.location,
                format!(
                    "`{key}: {}` sale del laboratorio y aquí no se admite",
                    value.value
                ),
            );
        }
    }
    if let Some((key, value)) = service.sysctls.iter().next() {
        return refuse(
            &value.location,
            format!("`sysctls` cambia el núcleo (`{key}`) y aquí no se admite"),
        );
    }
    for (key, list) in [
        ("volumes_from", &service.volumes_from),
        ("external_links", &service.external_links),
    ] {
        if let Some(value) = list.first() {
            return refuse(
                &value.location,
                format!("`{key}` alcanza a otros contenedores y aquí no se admite"),
            );
        }
    }
    Ok(())
}

/// No right that reaches beyond the container.
fn privileges(service: &Service) -> Review {
    if let Some(yes) = service.privileged.as_ref().filter(|yes| yes.value) {
        return refuse(
            &yes.location,
            "`privileged: true` da al contenedor los derechos de la máquina anfitriona: aquí no se admite, y casi nunca hace falta",
        );
    }
    if let Some(device) = service.devices.first() {
        return refuse(
            &device.location,
            "`devices` da acceso a los dispositivos del anfitrión y aquí no se admite",
        );
    }
    for capability in &service.cap_add {
        let name = capability.value.to_uppercase();
        if !CAPABILITIES.contains(&name.strip_prefix("CAP_").unwrap_or(&name)) {
            return refuse(
                &capability.location,
                format!(
                    "la capacidad `{}` alcanza más allá del contenedor y aquí no se admite",
                    capability.value
                ),
            );
        }
    }
    for option in &service.security_opt {
        if !matches!(
            option.value.as_str(),
            "no-new-privileges" | "no-new-privileges:true"
        ) {
            return refuse(
                &option.location,
                format!(
                    "`security_opt: {}` debilita el aislamiento y aquí no se admite",
                    option.value
                ),
            );
        }
    }
    Ok(())
}

fn mount(mount: &Mount) -> Review {
    match mount.kind {
        MountKind::Bind => match mount.source.as_deref() {
            Some(source) if is_outside(source) => refuse(
                &mount.location,
                format!(
                    "`{source}` queda fuera de la entrega: solo se monta lo que hay dentro de ella"
                ),
            ),
            _ => Ok(()),
        },
        MountKind::Volume | MountKind::Tmpfs => Ok(()),
        MountKind::Image | MountKind::Npipe | MountKind::Cluster => {
            refuse(&mount.location, "esa clase de montaje no se admite aquí")
        }
    }
}

fn build(build: &Build) -> Review {
    if let Some(network) = build
        .network
        .as_ref()
        .filter(|network| !matches!(network.value.as_str(), "default" | "none"))
    {
        return refuse(
            &network.location,
            format!(
                "construir con `network: {}` sale del laboratorio",
                network.value
            ),
        );
    }
    if let Some(yes) = build.privileged.as_ref().filter(|yes| yes.value) {
        return refuse(
            &yes.location,
            "construir con `privileged: true` no se admite",
        );
    }
    if let Some(context) = build.additional_contexts.values().next() {
        return refuse(&context.location, "`additional_contexts` no se admite aquí");
    }
    if let Some(secret) = build.secrets.first() {
        return refuse(
            &secret.location,
            "los secretos de construcción no se admiten aquí",
        );
    }
    match build
        .other
        .iter()
        .find(|(key, _)| !key.starts_with("x-") && key != "cache_from" && key != "cache_to")
    {
        Some((key, node)) => refuse(&node.location, format!("`build.{key}` no se admite aquí")),
        None => Ok(()),
    }
}

/// Keys that the lab does not carry out.
fn unknown(service: &Service) -> Review {
    match service.other.iter().find(|(key, _)| !key.starts_with("x-")) {
        Some((key, node)) => refuse(&node.location, format!("`{key}` no se admite aquí")),
        None => Ok(()),
    }
}

fn network(network: &Network) -> Review {
    if network.external {
        return refuse(
            &network.location,
            "una red `external` no es de la entrega: declárala en tu archivo",
        );
    }
    if let Some(driver) = network
        .driver
        .as_ref()
        .filter(|driver| driver.value != "bridge")
    {
        return refuse(
            &driver.location,
            format!(
                "el controlador de red `{}` no se admite: usa `bridge`",
                driver.value
            ),
        );
    }
    match network.driver_opts.values().next() {
        Some(option) => refuse(
            &option.location,
            "las opciones del controlador de red no se admiten aquí",
        ),
        None => Ok(()),
    }
}

fn volume(volume: &Volume) -> Review {
    if volume.external {
        return refuse(
            &volume.location,
            "un volumen `external` no es de la entrega: decláralo en tu archivo",
        );
    }
    if let Some(driver) = volume
        .driver
        .as_ref()
        .filter(|driver| driver.value != "local")
    {
        return refuse(
            &driver.location,
            format!(
                "el controlador de volumen `{}` no se admite: usa `local`",
                driver.value
            ),
        );
    }
    match volume.driver_opts.values().next() {
        Some(option) => refuse(
            &option.location,
            "`driver_opts` puede montar cualquier carpeta del anfitrión y aquí no se admite",
        ),
        None => Ok(()),
    }
}

fn provided(provided: &Provided) -> Review {
    let at = &provided.provider.location;
    match &provided.provider.value {
        Provider::File(path) if is_outside(path) => {
            refuse(at, format!("`{path}` queda fuera de la entrega"))
        }
        Provider::External => refuse(
            at,
            "un secreto de fuera del proyecto no se admite: usa `file` o `environment`",
        ),
        _ => Ok(()),
    }
}

/// Whether a path, already cleaned, leaves the submission.
fn is_outside(path: &str) -> bool {
    path.starts_with(['/', '~', '\\'])
        || path == ".."
        || path.starts_with("../")
        || path.contains('$')
        || path.get(1..2) == Some(":")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::submission::Snapshot;
    use crate::submission::compose::{Request, load};

    fn verdict(service: &str, rest: &str) -> Review {
        let text = format!("services:\n  api:\n    image: x\n{service}\n{rest}\n");
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
        let loaded = load(&request)
            .unwrap_or_else(|e| panic!("{text}: {e}"))
            .unwrap();
        review(&loaded.project)
    }

    #[test]
    fn what_stays_inside_the_lab_is_let_through() {
        for service in [
            "",
            "    volumes: [./datos:/datos, v-datos:/v, {type: tmpfs, target: /t}]",
            "    cap_drop: [ALL]\n    cap_add: [CAP_NET_BIND_SERVICE, chown]",
            "    security_opt: [no-new-privileges:true]",
            "    network_mode: none",
            "    privileged: false",
        ] {
            assert_eq!(
                verdict(service, "volumes: {v-datos: {}}"),
                Ok(()),
                "{service}"
            );
        }
    }

    #[test]
    fn what_reaches_out_of_the_lab_is_refused_with_its_line() {
        for service in [
            "    privileged: true",
            "    network_mode: host",
            "    network_mode: bridge",
            "    pid: host",
            "    ipc: host",
            "    uts: host",
            "    userns_mode: host",
            "    cgroup_parent: /x",
            "    runtime: runsc",
            "    sysctls: {net.core.somaxconn: 1}",
            "    cap_add: [SYS_TIME]",
            "    cap_add: [ALL]",
            "    security_opt: [seccomp=unconfined]",
            "    devices: [/dev/sda]",
            "    volumes: [/:/host]",
            "    volumes: [/var/run/docker.sock:/s]",
            "    volumes: ['../x:/x']",
            "    volumes: ['~/x:/x']",
            "    volumes: [{type: bind, source: /etc, target: /e}]",
            "    volumes_from: [container:otro]",
            "    build: {context: ., network: host}",
            "    build: {context: ., additional_contexts: {a: /etc}}",
            "    build: {context: ., ssh: [default]}",
        ] {
            let refusal = verdict(service, "").expect_err(service);
            assert!(refusal.location.line >= 3, "{service}: {refusal:?}");
        }
        for (service, rest) in [
            ("    networks: [n]", "networks: {n: {external: true}}"),
            ("    networks: [n]", "networks: {n: {driver: macvlan}}"),
            ("    volumes: [vol:/v]", "volumes: {vol: {external: true}}"),
            (
                "    volumes: [vol:/v]",
                "volumes: {vol: {driver_opts: {type: none, o: bind, device: /}}}",
            ),
            ("    secrets: [s]", "secrets: {s: {file: /etc/shadow}}"),
            ("    secrets: [s]", "secrets: {s: {external: true}}"),
        ] {
            assert!(verdict(service, rest).is_err(), "{rest}");
        }
    }
}
