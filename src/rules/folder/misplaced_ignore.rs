//! A `.dockerignore` where no build looks for it.

use std::collections::BTreeSet;

use super::copies;
use crate::rules::Out;
use crate::submission::Reading;
use crate::submission::location::Location;
use crate::submission::reading::ImageBuild;
use crate::submission::snapshot::Entry;

pub(super) fn check(reading: &Reading, out: &mut Out<'_>) {
    if reading.snapshot.is_partial() || reading.projects.iter().any(|p| p.loaded.is_none()) {
        return;
    }
    let read: BTreeSet<&str> = reading
        .builds
        .iter()
        .filter_map(|build| build.ignore.as_ref()?.file())
        .collect();
    for (path, entry) in reading.snapshot.entries() {
        let (folder, name) = path.rsplit_once('/').map_or(("", path), |parts| parts);
        if !matches!(entry, Entry::File { .. }) || read.contains(path) {
            continue;
        }
        if name == ".dockerignore" {
            // Somebody may build this folder by hand, unless its Dockerfiles are all built from elsewhere.
            let here: Vec<&ImageBuild> = reading
                .builds
                .iter()
                .filter(|build| {
                    copies::is_below(&reading.dockerfiles[build.dockerfile].path, folder)
                })
                .collect();
            let elsewhere = here.iter().all(|build| {
                build.service.is_some()
                    && build.context != folder
                    && copies::is_below(folder, &build.context)
            });
            if let (Some(build), true) = (here.first(), elsewhere) {
                let context = match build.context.as_str() {
                    "" => "la raíz de la carpeta".to_owned(),
                    context => format!("`{context}/`"),
                };
                let at = reading.projects.iter().zip(0..).find_map(|(_, index)| {
                    let (project, name) = build.service.as_ref()?;
                    (*project == index).then_some(())?;
                    let (_, _, service) = reading
                        .services()
                        .find(|(p, _, service)| p == project && service.name == *name)?;
                    Some(service.build.as_ref()?.context.location.clone())
                });
                let finding = out.at(
                    Location::line(path, 1),
                    format!("nadie lee este archivo: el contexto es {context}, no `{folder}/`"),
                );
                if let Some(at) = at {
                    finding.related(at, "aquí se dice el contexto");
                }
            }
        } else if let Some(stem) = name.strip_suffix(".dockerignore") {
            let join = |name: &str| match folder {
                "" => name.to_owned(),
                folder => format!("{folder}/{name}"),
            };
            let meant = [format!("{stem}.Dockerfile"), format!("Dockerfile.{stem}")]
                .into_iter()
                .find(|name| reading.dockerfiles.iter().any(|d| d.path == join(name)));
            if let Some(meant) = meant.filter(|_| !reading.snapshot.contains(&join(stem))) {
                out.at(
                    Location::line(path, 1),
                    format!(
                        "nadie lee este archivo: el de `{meant}` se llama `{meant}.dockerignore`"
                    ),
                )
                .help(format!("cámbiale el nombre a `{meant}.dockerignore`"));
            }
        }
    }
}
