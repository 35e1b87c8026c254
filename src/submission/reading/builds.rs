//! How the images of a folder are made, and what reaches the builder.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::{Fault, FileKind, Reading, parent};
use crate::submission::compose;
use crate::submission::dockerignore::{self, Dockerignore};
use crate::submission::snapshot::Entry;

/// How one image is made.
pub struct ImageBuild {
    /// Its Dockerfile, as an index of [`Reading::dockerfiles`].
    pub dockerfile: usize,
    /// Its context: a folder of the snapshot, empty for the root.
    pub context: String,
    /// What of the context stays out; nothing when the file cannot be read.
    pub ignore: Option<Dockerignore>,
    /// The service that asks for it: an index of [`Reading::projects`] and its name. Nothing when no compose file
    /// does: then the context is taken to be the Dockerfile's folder, which is not certain.
    pub service: Option<(usize, String)>,
    /// The stage at which it stops, as an index of the Dockerfile's stages; nothing: the last.
    pub target: Option<usize>,
    /// What reaches the builder, decided once for all builds of the same context.
    sent: Arc<OnceLock<Vec<String>>>,
}

impl Reading {
    pub(super) fn plan_builds(&mut self) {
        let mut plans = Vec::new();
        let mut built = BTreeSet::new();
        for (project, _, service) in self.services() {
            let Some(build) = &service.build else {
                continue;
            };
            if build.dockerfile_inline.is_some() || build.context.value.starts_with("..") {
                continue;
            }
            let Some(dockerfile) = self.dockerfile_at(&dockerfile_of(build)) else {
                continue;
            };
            built.insert(dockerfile);
            let stages = &self.dockerfiles[dockerfile].stages;
            let target = build.target.as_ref().and_then(|target| {
                let name = target.value.to_lowercase();
                stages
                    .iter()
                    .position(|stage| stage.name.as_deref() == Some(&name))
                    .or_else(|| name.parse().ok().filter(|index| *index < stages.len()))
            });
            let context = folder(&build.context.value).to_owned();
            plans.push((
                dockerfile,
                context,
                Some((project, service.name.clone())),
                target,
            ));
        }
        for (index, dockerfile) in self.dockerfiles.iter().enumerate() {
            if !built.contains(&index) {
                let context = parent(&dockerfile.path).to_owned();
                plans.push((index, context, None, None));
            }
        }
        let mut seen = BTreeSet::new();
        let mut contexts: BTreeMap<_, Arc<OnceLock<Vec<String>>>> = BTreeMap::new();
        for (dockerfile, context, service, target) in plans {
            let path = self.dockerfiles[dockerfile].path.clone();
            let ignore = match Dockerignore::for_build(&self.snapshot, &context, &path) {
                Ok(ignore) => Some(ignore),
                Err(fault) => {
                    if seen.insert(fault.location.clone()) {
                        self.faults.push(Fault {
                            in_file: FileKind::Dockerignore,
                            message: fault.message,
                            location: fault.location,
                        });
                    }
                    None
                }
            };
            let file = ignore.as_ref().and_then(Dockerignore::file);
            let sent = contexts.entry((context.clone(), file.map(str::to_owned)));
            let sent = Arc::clone(sent.or_default());
            self.builds.push(ImageBuild {
                dockerfile,
                context,
                ignore,
                service,
                target,
                sent,
            });
        }
    }
}

impl ImageBuild {
    /// The path, inside the context, of every file that reaches the builder.
    pub fn sent<'r>(&'r self, reading: &'r Reading) -> impl Iterator<Item = &'r str> {
        let sent = self.sent.get_or_init(|| {
            let files = self.files(reading);
            let out = |path: &str| {
                let ignore = self.ignore.as_ref();
                ignore.is_some_and(|ignore| ignore.decide(path).ignored)
            };
            files.filter(|path| !out(path)).map(str::to_owned).collect()
        });
        sent.iter().map(String::as_str)
    }

    /// The path, inside the context, of every file in it, the ignored ones too.
    pub fn files<'r>(&'r self, reading: &'r Reading) -> impl Iterator<Item = &'r str> {
        reading.snapshot.entries().filter_map(|(path, entry)| {
            let path = match self.context.as_str() {
                "" => path,
                context => path.strip_prefix(context)?.strip_prefix('/')?,
            };
            (!matches!(entry, Entry::Dir)).then_some(path)
        })
    }
}

/// Where a service's Dockerfile is, seen from the snapshot's root.
pub(super) fn dockerfile_of(build: &compose::Build) -> String {
    let name = build
        .dockerfile
        .as_ref()
        .map_or("Dockerfile", |name| name.value.as_str());
    let joined = format!("{}/{name}", build.context.value);
    dockerignore::clean(&joined)
}

fn folder(context: &str) -> &str {
    if context == "." { "" } else { context }
}
