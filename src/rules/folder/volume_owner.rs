//! A volume in which the image's user cannot write.

use super::built::{Built, built};
use super::copies;
use crate::rules::Out;
use crate::submission::Reading;
use crate::submission::compose::{Mount, MountKind};
use crate::submission::dockerfile::{Instruction, Kind, StageBase};
use crate::submission::known_images;
use crate::submission::snapshot::Entry;

/// The user that a service runs as, when it is certain not to be root.
fn plain_user<'r>(built: &Built<'r>) -> Option<(String, Option<&'r Instruction>)> {
    let (user, instruction) = if let Some(user) = &built.service.user {
        (user.value.clone(), None)
    } else {
        let last = built
            .kept()
            .into_iter()
            .rfind(|instruction| instruction.is("USER"))?;
        let Kind::User(word) = &last.kind else {
            return None;
        };
        (word.value.clone()?, Some(last))
    };
    let name = user.split(':').next().unwrap_or(&user).to_owned();
    (!matches!(name.as_str(), "" | "root" | "0")).then_some((name, instruction))
}

pub(super) fn check(reading: &Reading, out: &mut Out<'_>) {
    for built in built(reading) {
        let Some((user, instruction)) = plain_user(&built) else {
            continue;
        };
        if !is_of_known_base(&built) {
            continue;
        }
        for mount in &built.service.volumes {
            if !is_fresh_volume(&built, mount) || may_exist(reading, &built, &mount.target) {
                continue;
            }
            let finding = out.at(
                mount.location.clone(),
                format!(
                    "la imagen no tiene `{}`: el volumen será de root y `{user}` no podrá escribir en él",
                    mount.target
                ),
            );
            finding.help(format!(
                "antes de `USER`, añade al Dockerfile `RUN mkdir -p {0} && chown {user} {0}`",
                mount.target
            ));
            if let Some(instruction) = instruction {
                finding.related(
                    built.dockerfile.location(instruction.span),
                    "aquí se deja de ser root",
                );
            }
        }
    }
}

/// Whether all that the image has comes from a base whose folders are known and from the Dockerfile.
fn is_of_known_base(built: &Built<'_>) -> bool {
    let lowest = copies::stages_kept(built.dockerfile, built.build).pop();
    let base = lowest.and_then(|stage| built.dockerfile.stages.get(stage));
    match base.map(|stage| &stage.base) {
        Some(StageBase::Image(Some(image))) => known_images::of(image).is_some_and(|image| {
            ["python", "node", "debian", "ubuntu", "alpine"].contains(&image.name)
        }),
        _ => false,
    }
}

/// Whether it is a volume of the project's own that this service alone writes.
fn is_fresh_volume(built: &Built<'_>, mount: &Mount) -> bool {
    let Some(name) = mount
        .source
        .as_ref()
        .filter(|_| mount.kind == MountKind::Volume)
    else {
        return false;
    };
    let project = &built.loaded.project;
    let own = project.volumes.get(name).is_some_and(|volume| {
        !volume.external
            && volume.driver_opts.is_empty()
            && volume.driver.as_ref().is_none_or(|d| d.value == "local")
    });
    let others = project
        .services
        .values()
        .filter(|service| service.name != built.service.name)
        .any(|service| {
            service
                .volumes
                .iter()
                .any(|other| other.source.as_ref() == Some(name))
        });
    own && !others && !mount.read_only && mount.target.starts_with('/') && mount.subpath.is_none()
}

/// Whether the image may have `folder`: something in the Dockerfile speaks of it, or does what cannot be known.
fn may_exist(reading: &Reading, built: &Built<'_>, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    let name = folder.rsplit('/').next().unwrap_or(folder);
    let depth = folder.matches('/').count();
    let of_system = [
        "/tmp", "/home", "/usr", "/var", "/opt", "/etc", "/root", "/srv", "/mnt", "/media", "/run",
        "/dev",
    ]
    .iter()
    .any(|system| folder == *system || (*system != "/opt" && copies::is_below(folder, system)));
    if of_system || depth == 0 {
        return true;
    }
    // A folder of that name in the context may come along with a copy.
    let in_context = reading.snapshot.entries().any(|(path, entry)| {
        !matches!(entry, Entry::File { .. } | Entry::Unread)
            && path.rsplit('/').next() == Some(name)
    });
    if in_context {
        return true;
    }
    let scripts = &reading.scripts[built.build.dockerfile];
    let kept = copies::stages_kept(built.dockerfile, built.build);
    let mut all = built.dockerfile.instructions.iter().zip(scripts);
    all.any(|(instruction, script)| {
        if !instruction.stage.is_some_and(|stage| kept.contains(&stage)) {
            return false;
        }
        let absolute = |path: Option<&str>| {
            let at = copies::workdir_at(built.dockerfile, instruction);
            path.and_then(|path| copies::absolute(path, at.as_deref()))
        };
        match &instruction.kind {
            Kind::Workdir(word) => {
                absolute(word.value.as_deref()).is_none_or(|at| copies::is_below(&at, folder))
            }
            Kind::Volume(words) => words.iter().any(|word| word.text().contains(name)),
            Kind::Transfer(transfer) => {
                let Some(at) = absolute(transfer.destination.value.as_deref()) else {
                    return true;
                };
                // What another stage holds is not known, nor what is in an archive.
                let opaque = transfer.from.is_some() || instruction.is("ADD");
                copies::is_below(&at, folder) || (opaque && copies::is_below(folder, &at))
            }
            Kind::Run(_) => {
                !script.understood
                    || script.commands.iter().any(|command| {
                        const OPAQUE: [&str; 16] = [
                            "sh", "bash", "make", "tar", "unzip", "git", "node", "npx", "rsync",
                            "cp", "mv", "ln", "dpkg", "java", "curl", "wget",
                        ];
                        let program = command.program_word().map_or("", |word| word.text.as_str());
                        let tells = command
                            .words
                            .iter()
                            .any(|word| word.text.contains(name) || word.expands);
                        command
                            .program()
                            .is_none_or(|program| OPAQUE.contains(&program))
                            || program.contains('/')
                            || (program.starts_with("python") && !command.has_arg("-m"))
                            || tells
                    })
            }
            _ => false,
        }
    })
}
