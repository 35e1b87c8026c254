//! What must fit together within a project.

use std::collections::HashMap;

use super::fields::{Read, invalid, text};
use super::schema::did_you_mean;
use super::{ComposeError, MountKind, Project, Service, paths};
use crate::submission::location::Location;
use crate::submission::yaml::Node;

/// Checks the active services of `project`: all that Compose would refuse, at most one fault of a kind per service.
pub(super) fn check(project: &Project) -> Vec<ComposeError> {
    let mut results = Vec::new();
    for service in project.services.values() {
        results.extend([
            has_image(service),
            names_exist(project, service),
            dependencies_exist(project, service),
            limits_agree(service),
            targets_differ(service),
            watches_have_targets(service),
        ]);
    }
    results.extend([container_names_differ(project), no_cycle(project)]);
    results.into_iter().filter_map(Result::err).collect()
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
    for mount in service
        .volumes
        .iter()
        .filter(|mount| mount.kind == MountKind::Volume)
    {
        if let Some(source) = &mount.source {
            undefined(
                service,
                "el volumen",
                "volumes",
                source,
                project.volumes.keys(),
                &mount.location,
            )?;
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
    models_exist(project, service)
}

fn models_exist(project: &Project, service: &Service) -> Read<()> {
    let written = |all: &[(String, Node)]| {
        let models = all.iter().find(|(key, _)| key == "models");
        models.map(|(_, node)| node.clone())
    };
    let declared = written(&project.other);
    let known: Vec<String> = declared
        .as_ref()
        .and_then(Node::map)
        .unwrap_or_default()
        .iter()
        .map(|field| field.key.clone())
        .collect();
    let Some(used) = written(&service.other) else {
        return Ok(());
    };
    let by_key = used.map().unwrap_or_default().iter();
    let by_key = by_key.map(|field| (field.key.clone(), field.location.clone()));
    let in_list = used.seq().unwrap_or_default().iter();
    let in_list = in_list.filter_map(|node| Some((text(node)?, node.location.clone())));
    for (name, location) in by_key.chain(in_list) {
        undefined(
            service,
            "el modelo",
            "models",
            &name,
            known.iter(),
            &location,
        )?;
    }
    Ok(())
}

/// Two things cannot be mounted at one place.
fn targets_differ(service: &Service) -> Read<()> {
    let tmpfs = service.tmpfs.iter().map(|it| {
        let target = it.split(':').next().unwrap_or_default();
        (paths::clean(target), &it.location)
    });
    let volumes = service
        .volumes
        .iter()
        .map(|it| (it.target.clone(), &it.location));
    let mut seen: HashMap<String, &Location> = HashMap::new();
    for (target, location) in tmpfs.chain(volumes) {
        if let Some(before) = seen.insert(target.clone(), location) {
            return invalid(
                location,
                format!(
                    "el servicio `{}` monta dos cosas en `{target}` (también en la línea {}): deja solo una",
                    service.name, before.line
                ),
            );
        }
    }
    Ok(())
}

/// What `develop.watch` copies goes somewhere.
fn watches_have_targets(service: &Service) -> Read<()> {
    let watch = service
        .develop
        .as_ref()
        .and_then(|it| it.get("watch")?.seq());
    for entry in watch.unwrap_or_default() {
        let action = entry.get("action").and_then(text).unwrap_or_default();
        if action.starts_with("sync") && entry.get("target").is_none() {
            return invalid(
                &entry.location,
                format!(
                    "a esta entrada de `develop.watch` le falta `target`, la ruta del contenedor a la que `{action}` copia"
                ),
            );
        }
    }
    Ok(())
}

fn dependencies_exist(project: &Project, service: &Service) -> Read<()> {
    for dependency in &service.depends_on {
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

/// What can be written in two places must be the same in both; limits that leave one out say 0 for it.
fn limits_agree(service: &Service) -> Read<()> {
    let differ = |location: &Location, short: &str, long: &str| {
        invalid(
            location,
            format!(
                "`{short}` y `deploy.{long}` dicen cosas distintas: escribe lo mismo en los dos sitios, o todo en uno"
            ),
        )
    };
    let Some(deploy) = &service.deploy else {
        return Ok(());
    };
    if let (Some(short), Some(long)) = (&service.scale, &deploy.replicas)
        && short.value != long.value
    {
        return differ(&short.location, "scale", "replicas");
    }
    if let (Some(short), Some(long)) = (&service.mem_reservation, &deploy.reservations)
        && short.value > 0
        && short.value != long.memory.as_ref().map_or(0, |it| it.value)
    {
        return differ(
            &short.location,
            "mem_reservation",
            "resources.reservations.memory",
        );
    }
    let Some(limits) = &deploy.limits else {
        return Ok(());
    };
    if let Some(short) = service.mem_limit.as_ref().filter(|it| it.value > 0)
        && short.value != limits.memory.as_ref().map_or(0, |it| it.value)
    {
        return differ(&short.location, "mem_limit", "resources.limits.memory");
    }
    if let Some(short) = service.cpus.as_ref().filter(|it| it.value != 0.0)
        && short.value != limits.cpus.as_ref().map_or(0.0, |it| it.value)
    {
        return differ(&short.location, "cpus", "resources.limits.cpus");
    }
    if let Some(short) = service.pids_limit.as_ref().filter(|it| it.value != 0)
        && short.value != limits.pids.as_ref().map_or(0, |it| it.value)
    {
        return differ(&short.location, "pids_limit", "resources.limits.pids");
    }
    Ok(())
}

fn container_names_differ(project: &Project) -> Read<()> {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for service in project.services.values() {
        let Some(name) = &service.container_name else {
            continue;
        };
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
        let mut path: Vec<(&Service, usize)> = project
            .services
            .get(start)
            .map(|s| (s, 0))
            .into_iter()
            .collect();
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
                let mut names: Vec<String> = path[at..]
                    .iter()
                    .map(|(s, _)| format!("`{}`", s.name))
                    .collect();
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
