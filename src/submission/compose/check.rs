//! What must fit together within a project.

use super::fields::{Read, invalid};
use super::schema::did_you_mean;
use super::{MountKind, Project, Service};
use crate::submission::location::Location;

/// Checks the active services of `project`.
///
/// # Errors
/// The first thing that Compose would refuse.
pub(super) fn check(project: &Project) -> Read<()> {
    for service in project.services.values() {
        has_image(service)?;
        names_exist(project, service)?;
        dependencies_exist(project, service)?;
        limits_agree(service)?;
    }
    container_names_differ(project)?;
    no_cycle(project)
}

fn has_image(service: &Service) -> Read<()> {
    let provided = service.other.iter().any(|(key, _)| key == "provider");
    if service.image.is_none() && service.build.is_none() && !provided {
        return invalid(
            &service.location,
            format!(
                "el servicio `{}` no dice de qué imagen sale: añade `build: .` o `image: …`",
                service.name
            ),
        );
    }
    if let Some(build) = &service.build
        && let (Some(_), Some(inline)) = (&build.dockerfile, &build.dockerfile_inline)
    {
        return invalid(
            &inline.location,
            "`dockerfile` y `dockerfile_inline` se excluyen: deja solo una de las dos",
        );
    }
    Ok(())
}

fn undefined<'k>(
    service: &Service,
    kind: &str,
    section: &str,
    name: &str,
    known: impl Iterator<Item = &'k String>,
    location: &Location,
) -> Read<()> {
    let known: Vec<&str> = known.map(String::as_str).collect();
    if known.contains(&name) {
        return Ok(());
    }
    let meant = did_you_mean(name, &known);
    invalid(
        location,
        format!(
            "el servicio `{}` usa {kind} `{name}`{meant}, y no está en la sección `{section}` de la raíz: decláralo ahí",
            service.name
        ),
    )
}

fn names_exist(project: &Project, service: &Service) -> Read<()> {
    for network in &service.networks {
        undefined(
            service,
            "la red",
            "networks",
            &network.network,
            project.networks.keys(),
            &network.location,
        )?;
    }
    for mount in service.volumes.iter().filter(|mount| mount.kind == MountKind::Volume) {
        if let Some(source) = &mount.source {
            undefined(service, "el volumen", "volumes", source, project.volumes.keys(), &mount.location)?;
        }
    }
    let build_secrets = service.build.iter().flat_map(|build| &build.secrets);
    for secret in service.secrets.iter().chain(build_secrets) {
        undefined(
            service,
            "el secreto",
            "secrets",
            &secret.source,
            project.secrets.keys(),
            &secret.location,
        )?;
    }
    for config in &service.configs {
        undefined(
            service,
            "la configuración",
            "configs",
            &config.source,
            project.configs.keys(),
            &config.location,
        )?;
    }
    Ok(())
}

fn dependencies_exist(project: &Project, service: &Service) -> Read<()> {
    for dependency in service.depends_on.iter().filter(|dependency| dependency.required) {
        let name = &dependency.service;
        if project.services.contains_key(name) {
            continue;
        }
        if project.inactive.contains_key(name) {
            return invalid(
                &dependency.location,
                format!(
                    "el servicio `{}` depende de `{name}`, que está apagado por sus `profiles`: actívalo o quita la dependencia",
                    service.name
                ),
            );
        }
        let known: Vec<&str> = project.services.keys().map(String::as_str).collect();
        return invalid(
            &dependency.location,
            format!(
                "el servicio `{}` depende de `{name}`{}, y no hay un servicio con ese nombre",
                service.name,
                did_you_mean(name, &known)
            ),
        );
    }
    Ok(())
}

/// What can be written in two places must be the same in both.
fn limits_agree(service: &Service) -> Read<()> {
    let limits = service.deploy.as_ref().and_then(|deploy| deploy.limits.as_ref());
    let differ = |location: &Location, short: &str, long: &str| {
        invalid(
            location,
            format!("`{short}` y `deploy.{long}` dicen cosas distintas: deja solo una de las dos"),
        )
    };
    let replicas = service.deploy.as_ref().and_then(|deploy| deploy.replicas.as_ref());
    if let (Some(short), Some(long)) = (&service.scale, replicas)
        && short.value != long.value
    {
        return differ(&short.location, "scale", "replicas");
    }
    if let (Some(short), Some(long)) = (&service.mem_limit, limits.and_then(|limits| limits.memory.as_ref()))
        && short.value != long.value
    {
        return differ(&short.location, "mem_limit", "resources.limits.memory");
    }
    if let (Some(short), Some(long)) = (&service.cpus, limits.and_then(|limits| limits.cpus.as_ref()))
        && short.value != long.value
    {
        return differ(&short.location, "cpus", "resources.limits.cpus");
    }
    if let (Some(short), Some(long)) = (&service.pids_limit, limits.and_then(|limits| limits.pids.as_ref()))
        && short.value != long.value
    {
        return differ(&short.location, "pids_limit", "resources.limits.pids");
    }
    Ok(())
}

fn container_names_differ(project: &Project) -> Read<()> {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for service in project.services.values() {
        let Some(name) = &service.container_name else { continue };
        if service.replicas() > 1 {
            return invalid(
                &name.location,
                format!(
                    "`container_name: {}` es un nombre fijo y el servicio pide {} copias: quita `container_name`",
                    name.value,
                    service.replicas()
                ),
            );
        }
        if let Some((_, other)) = seen.iter().find(|(used, _)| *used == name.as_str()) {
            return invalid(
                &name.location,
                format!(
                    "`container_name: {}` ya es el nombre del servicio `{other}`: cada contenedor necesita el suyo",
                    name.value
                ),
            );
        }
        seen.push((name.as_str(), &service.name));
    }
    Ok(())
}

/// Follows the dependencies of each service; without recursion, a chain may be long.
fn no_cycle(project: &Project) -> Read<()> {
    let mut finished: Vec<&str> = Vec::new();
    for start in project.services.keys() {
        let mut path: Vec<(&Service, usize)> = project.services.get(start).map(|s| (s, 0)).into_iter().collect();
        while let Some((service, next)) = path.pop() {
            if finished.contains(&service.name.as_str()) {
                continue;
            }
            let Some(dependency) = service.depends_on.get(next) else {
                finished.push(&service.name);
                continue;
            };
            path.push((service, next + 1));
            let Some(target) = project.services.get(&dependency.service) else {
                continue;
            };
            if let Some(at) = path.iter().position(|(open, _)| open.name == target.name) {
                let mut names: Vec<String> = path[at..].iter().map(|(s, _)| format!("`{}`", s.name)).collect();
                names.push(format!("`{}`", target.name));
                return invalid(
                    &dependency.location,
                    format!(
                        "los servicios se esperan en círculo: {}; quita una de esas dependencias",
                        names.join(" → ")
                    ),
                );
            }
            path.push((target, 0));
        }
    }
    Ok(())
}
