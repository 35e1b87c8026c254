//! What a service asks for beyond its container.

use super::super::{Review, refuse};
use super::unknown;
use crate::submission::compose::{Deploy, Located, Service};

/// Capabilities that stay inside the container.
const CAPABILITIES: [&str; 10] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETGID",
    "SETPCAP",
    "SETUID",
];

/// `security_opt` that takes nothing away from the isolation.
const SECURITY: [&str; 5] = [
    "apparmor:docker-default",
    "apparmor=docker-default",
    "no-new-privileges",
    "no-new-privileges:true",
    "no-new-privileges=true",
];

/// Log drivers that keep what is said on this machine; the lab bounds them.
const LOGS: [&str; 4] = ["", "json-file", "local", "none"];

/// Keys without effect on anything that a check sees: how much of the machine a container gets when it is short, and
/// what has already been read.
const HARMLESS: [&str; 15] = [
    "blkio_config",
    "cpu_count",
    "cpu_percent",
    "cpu_period",
    "cpu_quota",
    "cpu_rt_period",
    "cpu_rt_runtime",
    "cpu_shares",
    "cpuset",
    "label_file",
    "mac_address",
    "mem_swappiness",
    "oom_score_adj",
    "pull_refresh_after",
    "storage_opt",
];

/// Keys of `deploy` that only a swarm heeds.
const SWARM: [&str; 5] = [
    "endpoint_mode",
    "labels",
    "placement",
    "rollback_config",
    "update_config",
];

pub(super) fn review(service: &Service) -> Review {
    namespaces(service)?;
    neighbours(service)?;
    privileges(service)?;
    hosts(&service.extra_hosts)?;
    if let Some(driver) = service
        .logging
        .as_ref()
        .and_then(|logging| logging.driver.as_ref())
        .filter(|driver| !LOGS.contains(&driver.value.as_str()))
    {
        return refuse(
            &driver.location,
            format!(
                "los registros con `{}` los envía el propio motor fuera del laboratorio: usa `json-file` o `local`",
                driver.value
            ),
        );
    }
    if let Some(deploy) = &service.deploy {
        self::deploy(deploy)?;
    }
    for attachment in &service.networks {
        unknown(
            &attachment.other,
            &["gw_priority", "interface_name", "mac_address"],
            "networks.",
        )?;
    }
    unknown(&service.other, &HARMLESS, "")
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
            match mode.strip_prefix("service:") {
                Some(other) => format!(
                    "`network_mode: service:{other}` no se admite aquí: pon los dos servicios en una red con `networks`, y se encuentran por su nombre"
                ),
                None => format!(
                    "`network_mode: {}` sale del laboratorio: usa `networks`",
                    mode.value
                ),
            },
        );
    }
    for (key, value, harmless) in [
        ("pid", &service.pid, &[""][..]),
        ("ipc", &service.ipc, &["", "private"][..]),
        ("uts", &service.uts, &[""][..]),
        ("userns_mode", &service.userns_mode, &[""][..]),
        ("cgroup", &service.cgroup, &["", "private"][..]),
        ("cgroup_parent", &service.cgroup_parent, &[""][..]),
        ("runtime", &service.runtime, &["", "runc"][..]),
    ] {
        if let Some(value) = value
            .as_ref()
            .filter(|value| !harmless.contains(&value.as_str()))
        {
            return refuse(
                &value.location,
                format!(
                    "`{key}: {}` sale del laboratorio y aquí no se admite: quita la clave",
                    value.value
                ),
            );
        }
    }
    if let Some((key, value)) = service.sysctls.iter().next() {
        return refuse(
            &value.location,
            format!("`sysctls` cambia el núcleo (`{key}`) y aquí no se admite: quita la clave"),
        );
    }
    Ok(())
}

fn neighbours(service: &Service) -> Review {
    for (key, list) in [
        ("volumes_from", &service.volumes_from),
        ("external_links", &service.external_links),
    ] {
        if let Some(value) = list.first() {
            return refuse(
                &value.location,
                format!(
                    "`{key}` alcanza a otros contenedores y aquí no se admite: usa `volumes` y `networks`"
                ),
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
        if !SECURITY.contains(&option.value.as_str()) {
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

/// No exercise speaks to the machine that it runs on.
pub(super) fn hosts(hosts: &[Located<(String, String)>]) -> Review {
    match hosts.iter().find(|host| host.value.1 == "host-gateway") {
        Some(host) => refuse(
            &host.location,
            "`host-gateway` es la máquina anfitriona, y desde el laboratorio no se le habla: quita esa línea",
        ),
        None => Ok(()),
    }
}

fn deploy(deploy: &Deploy) -> Review {
    for resources in deploy.limits.iter().chain(&deploy.reservations) {
        if let Some(devices) = &resources.devices {
            return refuse(
                &devices.location,
                "reservar dispositivos (`devices`) alcanza a la máquina anfitriona y aquí no se admite",
            );
        }
        unknown(
            &resources.other,
            &["generic_resources"],
            "deploy.resources.",
        )?;
    }
    unknown(&deploy.other, &SWARM, "deploy.")
}
