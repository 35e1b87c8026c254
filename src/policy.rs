//! The policy: what of a submission may touch the engine at all. Deny by default: what is not known to stay inside
//! the lab, or is not carried out there, is refused with its line, before the engine hears of it.
//!
//! It is the first of two walls; what a program does once it runs is the lab's to contain.

pub mod bounds;
mod compose;
pub mod dockerfile;
mod folder;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::submission::compose::{Build, ComposeError, Loaded, Project};
use crate::submission::dockerfile::Dockerfile;
use crate::submission::{Location, Snapshot};

pub use folder::join;

/// What the exercise allows.
#[derive(Clone, Copy, Debug)]
pub struct Allowance<'a> {
    /// Images that may be started from, copied from and run.
    pub images: &'a [String],
    /// What the addresses that `ADD` may fetch begin with.
    pub add_urls: &'a [String],
    /// The service under test: without a `build` of its own, the `Dockerfile` of the root is built.
    pub api: &'a str,
}

impl Allowance<'_> {
    /// Whether `image` is one of those allowed, however its registry and tag are spelled.
    pub fn has(&self, image: &str) -> bool {
        let image = canonical(image);
        self.images
            .iter()
            .any(|allowed| canonical(allowed) == image)
    }
}

/// `docker.io/library/python` and `python:latest` are `python`.
fn canonical(image: &str) -> &str {
    let image = image
        .strip_prefix("docker.io/")
        .or_else(|| image.strip_prefix("index.docker.io/"))
        .unwrap_or(image);
    let image = image.strip_prefix("library/").unwrap_or(image);
    image.strip_suffix(":latest").unwrap_or(image)
}

/// Why a submission is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// In Spanish: what, why not, and the way out.
    pub message: String,
    /// Where it is asked for.
    pub location: Location,
}

pub(crate) type Review = Result<(), Refusal>;

fn refuse(location: &Location, message: impl Into<String>) -> Review {
    Err(Refusal {
        message: message.into(),
        location: location.clone(),
    })
}

/// Goes through everything of a submission that would reach the engine.
///
/// Every project that is brought up must have been reviewed as it is: other variables make another project.
///
/// # Errors
/// The first thing in it that may not touch the engine.
pub fn review(
    files: &Snapshot,
    project: &Result<Option<Loaded>, ComposeError>,
    allowed: &Allowance,
) -> Review {
    folder::review(files)?;
    let project = match project {
        Ok(loaded) => loaded.as_ref().map(|loaded| &loaded.project),
        Err(error) => {
            folder::unread(files, error)?;
            None
        }
    };
    if let Some(project) = project {
        bounds::project(project)?;
        compose::review(project, files, allowed)?;
    }
    dockerfiles(files, project, allowed)
}

/// Every Dockerfile that would be built, those of services whose profile is off too.
fn dockerfiles(files: &Snapshot, project: Option<&Project>, allowed: &Allowance) -> Review {
    let none = BTreeMap::new();
    let active = project.map_or(&none, |project| &project.services);
    let inactive = project.map_or(&none, |project| &project.inactive);
    for service in active.values().chain(inactive.values()) {
        if let Some(build) = &service.build {
            built(files, build, allowed)?;
        }
    }
    if active
        .get(allowed.api)
        .is_none_or(|api| api.build.is_none())
        && let Some(bytes) = files.file("Dockerfile")
    {
        read("Dockerfile", bytes, &BTreeMap::new(), allowed)?;
    }
    Ok(())
}

fn built(files: &Snapshot, build: &Build, allowed: &Allowance) -> Review {
    let args: BTreeMap<String, String> = build
        .args
        .iter()
        .filter_map(|(name, value)| Some((name.clone(), value.value.clone()?)))
        .collect();
    if let Some(inline) = &build.dockerfile_inline {
        return read("Dockerfile", inline.value.as_bytes(), &args, allowed).map_err(|refusal| {
            Refusal {
                message: format!(
                    "{} (línea {} de `dockerfile_inline`)",
                    refusal.message, refusal.location.line
                ),
                location: inline.location.clone(),
            }
        });
    }
    let name = build
        .dockerfile
        .as_ref()
        .map_or("Dockerfile", |name| &name.value);
    // What is not there is a fault to be told later, and none of the policy's.
    let path = join(&build.context.value, name);
    match path
        .as_deref()
        .and_then(|path| Some((path, files.file(path)?)))
    {
        Some((path, bytes)) => read(path, bytes, &args, allowed),
        None => Ok(()),
    }
}

fn read(path: &str, bytes: &[u8], args: &BTreeMap<String, String>, allowed: &Allowance) -> Review {
    // Whatever is no Dockerfile is never sent.
    let Ok(dockerfile) = Dockerfile::read(path, bytes, args) else {
        return Ok(());
    };
    bounds::dockerfile(&dockerfile, args)?;
    dockerfile::review(&dockerfile, allowed)
}
