//! What of a compose project may touch the engine, as it is once merged and interpolated.

mod build;
mod service;

use super::folder::inside;
use super::{Allowance, Review, refuse};
use crate::submission::compose::{
    Mount, MountKind, Network, Project, Provided, Provider, Service, Volume,
};
use crate::submission::snapshot::Resolved;
use crate::submission::yaml::Node;
use crate::submission::{Location, Snapshot};

/// Goes through the whole project; services without an active profile too.
pub(super) fn review(project: &Project, files: &Snapshot, allowed: &Allowance) -> Review {
    let images: Vec<&str> = project
        .services
        .values()
        .chain(project.inactive.values())
        .filter(|service| service.build.is_some())
        .filter_map(|service| Some(service.image.as_ref()?.value.as_str()))
        .collect();
    for service in project.services.values().chain(project.inactive.values()) {
        service::review(service)?;
        for mount in &service.volumes {
            self::mount(mount, files)?;
        }
        for file in &service.env_file {
            inside(files, &file.path, &file.location)?;
        }
        if let Some(build) = &service.build {
            build::review(build, files)?;
        }
    }
    // What no profile starts is not fetched either.
    for service in project.services.values() {
        image(service, &images, allowed)?;
    }
    swapped(project, files)?;
    project.networks.values().try_for_each(network)?;
    project.volumes.values().try_for_each(volume)?;
    for given in project.secrets.values().chain(project.configs.values()) {
        provided(given, files)?;
    }
    unknown(&project.other, &[], "")
}

/// Keys that the lab does not carry out are refused, not ignored; those of `harmless` change nothing that a check sees.
fn unknown(other: &[(String, Node)], harmless: &[&str], of: &str) -> Review {
    let refused = other
        .iter()
        .find(|(key, _)| !key.starts_with("x-") && !harmless.contains(&key.as_str()));
    match refused {
        Some((key, node)) => refuse(
            &node.location,
            format!("`{of}{key}` no se admite aquí: quita esa clave"),
        ),
        None => Ok(()),
    }
}

/// A service that is not built runs an image of the exercise, or one that the project builds.
fn image(service: &Service, built: &[&str], allowed: &Allowance) -> Review {
    match &service.image {
        Some(image)
            if service.build.is_none()
                && !allowed.has(&image.value)
                && !built.contains(&image.value.as_str()) =>
        {
            refuse(
                &image.location,
                format!(
                    "`{}` usa la imagen `{}`, que este ejercicio no admite. Admite: {}",
                    service.name,
                    image.value,
                    allowed.images.join(", ")
                ),
            )
        }
        _ => Ok(()),
    }
}

fn mount(mount: &Mount, files: &Snapshot) -> Review {
    match mount.kind {
        MountKind::Bind => {
            if let Some(source) = mount.source.as_deref() {
                inside(files, source, &mount.location)?;
            }
        }
        MountKind::Volume | MountKind::Tmpfs => {}
        MountKind::Image | MountKind::Npipe | MountKind::Cluster => {
            return refuse(
                &mount.location,
                "esa clase de montaje no se admite aquí: usa una carpeta de la entrega, un volumen o `tmpfs`",
            );
        }
    }
    if let Some(propagation) = &mount.propagation
        && !matches!(propagation.as_str(), "private" | "rprivate")
    {
        return refuse(
            &mount.location,
            format!(
                "`propagation: {propagation}` llega hasta la máquina anfitriona: quita la opción"
            ),
        );
    }
    if mount.subpath.is_some() {
        return refuse(
            &mount.location,
            "`subpath` no se admite aquí: monta el volumen entero",
        );
    }
    unknown(&mount.other, &["consistency"], "volumes.")
}

/// A container that may write in a folder can put a link where another mount of that folder's inside begins, and the
/// engine would follow it out: so nothing below a folder mounted for writing is mounted by itself.
fn swapped(project: &Project, files: &Snapshot) -> Review {
    let binds: Vec<(String, &Mount)> = project
        .services
        .values()
        .flat_map(|service| &service.volumes)
        .filter(|mount| mount.kind == MountKind::Bind)
        .filter_map(|mount| match files.resolve(mount.source.as_deref()?) {
            Resolved::Inside(real) | Resolved::Missing(real) => Some((real, mount)),
            _ => None,
        })
        .collect();
    for (outer, _) in binds.iter().filter(|(_, mount)| !mount.read_only) {
        let below = |inner: &str| {
            let rest = if outer.is_empty() {
                Some(inner)
            } else {
                inner.strip_prefix(outer.as_str())
            };
            rest.is_some_and(|rest| !rest.is_empty() && (outer.is_empty() || rest.starts_with('/')))
        };
        if let Some((inner, mount)) = binds.iter().find(|(inner, _)| below(inner)) {
            let outer = if outer.is_empty() { "." } else { outer };
            return refuse(
                &mount.location,
                format!(
                    "`{inner}` se monta aparte y también dentro de `{outer}`, que se monta con permiso de escritura: desde el contenedor se podría cambiar por un enlace a cualquier parte. Monta `{outer}` con `:ro`, o usa un volumen"
                ),
            );
        }
    }
    Ok(())
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
        .filter(|driver| !matches!(driver.value.as_str(), "" | "bridge" | "default"))
    {
        return refuse(
            &driver.location,
            format!(
                "el controlador de red `{}` no se admite: usa `bridge`",
                driver.value
            ),
        );
    }
    if let Some(option) = network.driver_opts.values().next() {
        return refuse(
            &option.location,
            "las opciones del controlador de red no se admiten aquí: quita `driver_opts`",
        );
    }
    if let Some(ipam) = &network.ipam {
        addresses(ipam)?;
    }
    unknown(&network.other, &["enable_ipv4"], "networks.")
}

/// `ipam`: private addresses only, so that nobody's road to the internet leads into the lab.
fn addresses(ipam: &Node) -> Review {
    for field in ipam.map().unwrap_or_default() {
        match field.key.as_str() {
            "driver"
                if field
                    .value
                    .str()
                    .is_none_or(|name| matches!(name, "" | "default")) => {}
            "config" => {
                let entries = field.value.seq().unwrap_or_default().iter();
                for subnet in entries.filter_map(|entry| entry.get("subnet")) {
                    if !subnet.str().is_some_and(is_private) {
                        return refuse(
                            &subnet.location,
                            "esa subred no es privada: usa una de 10.0.0.0/8, 172.16.0.0/12 o 192.168.0.0/16, o quita `ipam`",
                        );
                    }
                }
            }
            key if key.starts_with("x-") => {}
            key => {
                return refuse(
                    &field.location,
                    format!("`ipam.{key}` no se admite aquí: quita esa clave"),
                );
            }
        }
    }
    Ok(())
}

fn is_private(subnet: &str) -> bool {
    use std::net::IpAddr;
    let Some((address, bits)) = subnet.split_once('/') else {
        return false;
    };
    let Ok(bits) = bits.parse::<u8>() else {
        return false;
    };
    match address.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => {
            let least = match v4.octets()[0] {
                10 => 8,
                172 => 12,
                _ => 16,
            };
            v4.is_private() && bits >= least
        }
        Ok(IpAddr::V6(v6)) => v6.is_unique_local() && bits >= 8,
        Err(_) => false,
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
        .filter(|driver| !matches!(driver.value.as_str(), "" | "local"))
    {
        return refuse(
            &driver.location,
            format!(
                "el controlador de volumen `{}` no se admite: usa `local`",
                driver.value
            ),
        );
    }
    if let Some(option) = volume.driver_opts.values().next() {
        return refuse(
            &option.location,
            "`driver_opts` puede montar cualquier carpeta del anfitrión y aquí no se admite",
        );
    }
    unknown(&volume.other, &[], "volumes.")
}

fn provided(provided: &Provided, files: &Snapshot) -> Review {
    let at: &Location = &provided.provider.location;
    match &provided.provider.value {
        Provider::File(path) => inside(files, path, at)?,
        Provider::External => {
            return refuse(
                at,
                "un secreto de fuera del proyecto no se admite: usa `file` o `environment`",
            );
        }
        Provider::Environment(_) | Provider::Content(_) => {}
    }
    unknown(&provided.other, &[], "secrets.")
}
