//! `build:` of a service.

use super::super::folder::inside;
use super::super::{Review, refuse};
use super::service::hosts;
use super::unknown;
use crate::submission::compose::Build;
use crate::submission::yaml::Node;
use crate::submission::{Location, Snapshot};

/// Keys that change nothing of what is built here: the lab names and caches by its own rules.
const HARMLESS: [&str; 7] = [
    "cache_from",
    "cache_to",
    "isolation",
    "no_cache_filter",
    "provenance",
    "sbom",
    "ulimits",
];

/// Caches that the lab leaves aside; others name places outside.
const CACHES: [&str; 3] = ["inline", "registry", "gha"];

/// The only build arguments that speak to the builder itself and change nothing outside of the image.
const BUILDER_ARGS: [&str; 2] = ["BUILDKIT_INLINE_CACHE", "BUILDKIT_DOCKERFILE_CHECK"];

pub(super) fn review(build: &Build, files: &Snapshot) -> Review {
    let context = &build.context;
    if is_remote(&context.value) {
        return refuse(
            &context.location,
            format!(
                "el contexto `{}` no está en la entrega: lo descargaría el propio motor. Usa una carpeta tuya, como `.`",
                context.value
            ),
        );
    }
    inside(files, &context.value, &context.location)?;
    if let Some(name) = &build.dockerfile {
        let path = match name.starts_with(['/', '~']) || name.contains("://") {
            true => name.value.clone(),
            false => format!("{}/{}", context.value, name.value),
        };
        inside(files, &path, &name.location)?;
    }
    if let Some(network) = build
        .network
        .as_ref()
        .filter(|network| !matches!(network.value.as_str(), "" | "default" | "none"))
    {
        return refuse(
            &network.location,
            format!(
                "construir con `network: {}` sale del laboratorio: quita la clave",
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
        return refuse(
            &context.location,
            "`additional_contexts` no se admite aquí: pon los archivos en el contexto y cópialos con `COPY`",
        );
    }
    if let Some(secret) = build.secrets.first() {
        return refuse(
            &secret.location,
            "los secretos de construcción no se admiten aquí",
        );
    }
    for (name, value) in &build.args {
        if name.starts_with("BUILDKIT_") && !BUILDER_ARGS.contains(&name.as_str()) {
            return refuse(
                &value.location,
                format!(
                    "`{name}` no es un argumento de tu Dockerfile, sino una orden al constructor, y aquí no se admite"
                ),
            );
        }
    }
    hosts(&build.extra_hosts)?;
    for (key, node) in &build.other {
        if key.starts_with("cache_") {
            caches(node)?;
        }
    }
    unknown(&build.other, &HARMLESS, "build.")
}

/// What is no folder, as Compose tells them apart.
fn is_remote(context: &str) -> bool {
    context.contains("://")
        || context.starts_with("git@")
        || context.starts_with("github.com/")
        || context.contains(".git#")
        || ["docker-image:", "service:", "target:", "oci-layout:"]
            .iter()
            .any(|start| context.starts_with(start))
}

fn caches(node: &Node) -> Review {
    let refused = |at: &Location, written: &str| {
        refuse(
            at,
            format!(
                "la caché `{written}` está fuera de la entrega y aquí no se admite: quita la clave"
            ),
        )
    };
    for entry in node.seq().unwrap_or(std::slice::from_ref(node)) {
        let written = entry.str().unwrap_or_default();
        let mut kinds = written
            .split(',')
            .filter_map(|part| part.trim().strip_prefix("type="));
        if kinds.any(|kind| !CACHES.contains(&kind)) || written.contains("src=/") {
            return refused(&entry.location, written);
        }
    }
    Ok(())
}
