//! Image builds: a context and a Dockerfile in, an image with the story of its steps out.

mod mark;
mod story;

use std::collections::HashMap;
use std::time::Duration;

use bollard::query_parameters::{BuildImageOptionsBuilder, BuilderVersion};
use bytes::Bytes;
use futures_util::StreamExt;

use super::engine::Builder;
use super::{Lab, limits};
use crate::submission::Snapshot;
use crate::submission::snapshot::Entry;
use story::Story;

/// Name of the Dockerfile inside a context whose `.dockerignore` leaves it out.
const DOCKERFILE_APART: &str = ".muelle.Dockerfile";

/// Time stamp of every file sent, so that archives of equal content are equal (2024-01-01).
const CONTEXT_TIME: u64 = 1_704_067_200;

/// Everything that decides an image.
#[derive(Clone, Debug, Default)]
pub struct Recipe {
    /// Files of the build context, ignored ones already left out.
    pub context: Snapshot,
    /// Path of the Dockerfile in the context.
    pub path: String,
    /// Content of the Dockerfile.
    pub dockerfile: Bytes,
    /// Stage to stop at.
    pub target: Option<String>,
    /// Build arguments.
    pub args: Vec<(String, String)>,
    /// The lines of the Dockerfile on which its `FROM`s end.
    pub froms: Vec<usize>,
    /// Whether its steps have no network.
    pub offline: bool,
    /// Whether it has files with owners of their own unpacked.
    pub unpacks: bool,
}

/// One step of a build as the builder names it, for example `[constructor 5/8] RUN pip install …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The builder's name of the step, the same in every build of one Dockerfile.
    pub name: String,
    /// Whether the result came from the cache.
    pub cached: bool,
    /// How long it took, where the builder says so.
    pub took: Option<Duration>,
}

/// A finished build.
#[derive(Clone, Debug)]
pub struct Built {
    /// Id of the image.
    pub image: String,
    /// Steps in the order in which they were first named.
    pub steps: Vec<Step>,
}

/// A build that the submission's own files stopped.
#[derive(Clone, Debug)]
pub struct BuildFailure {
    /// The step that failed, when one ran.
    pub step: Option<String>,
    /// The engine's own words.
    pub message: String,
    /// Last lines that the failing step printed.
    pub output: Vec<String>,
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The submission is to blame.
    #[error("{}", .0.message)]
    Failed(BuildFailure),
    /// It took longer than [`limits::BUILD`].
    #[error("la construcción no terminó en {} s", limits::BUILD.as_secs())]
    TimedOut,
    /// The engine or the machine is to blame.
    #[error("el motor falló al construir: {0}")]
    Engine(#[from] bollard::errors::Error),
    /// The context could not be packed.
    #[error("no pude empaquetar el contexto: {0}")]
    Context(#[from] std::io::Error),
}

impl Lab {
    /// Builds `recipe` as image `name` of this lab.
    ///
    /// Dropping the future ends the build on the engine as well.
    ///
    /// # Errors
    /// See [`BuildError`].
    pub async fn build(&self, name: &str, recipe: &Recipe) -> Result<Built, BuildError> {
        let _slot = self.work_slot().await;
        tokio::time::timeout(limits::BUILD, self.run_build(name, recipe))
            .await
            .map_err(|_| BuildError::TimedOut)?
    }

    async fn run_build(&self, name: &str, recipe: &Recipe) -> Result<Built, BuildError> {
        let facts = self.engine().facts();
        let (builder, owner) = match (facts.builder, facts.raw_owner()) {
            // Which owners these are, only the classic builder would understand.
            (_, Some(_)) if recipe.unpacks => (Builder::Classic, 0),
            (Builder::Buildkit, Some(owner)) => (Builder::Buildkit, owner),
            (builder, _) => (builder, 0),
        };
        let (tar, dockerfile) = match builder {
            Builder::Buildkit => recipe.pack(&recipe.dockerfile, owner)?,
            Builder::Classic => {
                let marked = mark::mark(&recipe.dockerfile, &recipe.froms, &self.labels());
                recipe.pack(&marked.into(), owner)?
            }
        };
        let tag = format!("muelle/{}:{name}", self.id());
        let mut args: HashMap<String, String> = self.engine().build_args().into_iter().collect();
        args.extend(recipe.args.iter().cloned());
        let mut options = BuildImageOptionsBuilder::default()
            .t(&tag)
            .dockerfile(dockerfile)
            .rm(true)
            .forcerm(true)
            .buildargs(&args)
            .labels(&self.labels());
        if let Some(target) = &recipe.target {
            options = options.target(target);
        }
        if recipe.offline {
            options = options.networkmode("none");
        }
        options = match builder {
            Builder::Buildkit => options
                .version(BuilderVersion::BuilderBuildKit)
                .session(&format!("muelle-{}-{name}-{}", self.id(), super::token(8))),
            // BuildKit knows no limits for its steps.
            Builder::Classic => options
                .version(BuilderVersion::BuilderV1)
                .memory(limits::MEMORY as i32)
                .memswap(limits::MEMORY as i32)
                .cpuperiod(limits::CPU_PERIOD as i32)
                .cpuquota(limits::CPU_QUOTA as i32),
        };
        let body = http_body_util::Either::Left(http_body_util::Full::new(tar));
        let mut stream =
            std::pin::pin!(self.docker().build_image(options.build(), None, Some(body)));
        let mut story = Story::default();
        let mut error = None;
        // Which step failed may be told after the failure itself.
        while let Some(message) = stream.next().await {
            match message {
                Ok(info) => story.read(info),
                Err(first) => {
                    error.get_or_insert(first);
                }
            }
        }
        if let Some(error) = error {
            let froms = match builder {
                Builder::Buildkit => &[],
                Builder::Classic => recipe.froms.as_slice(),
            };
            return Err(story.failure(error, froms));
        }
        let image = self.docker().inspect_image(&tag).await?;
        Ok(Built {
            image: image.id.unwrap_or(tag),
            steps: story.steps(),
        })
    }
}

impl Recipe {
    /// The context with `dockerfile` as a tar in which everything is `owner`'s, and the Dockerfile's name in it.
    fn pack(&self, dockerfile: &Bytes, owner: u32) -> std::io::Result<(Bytes, &str)> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, entry) in self.context.entries() {
            append(&mut tar, path, entry, owner)?;
        }
        let name = if self.context.file(&self.path) == Some(dockerfile) {
            self.path.as_str()
        } else {
            let entry = Entry::File {
                bytes: dockerfile.clone(),
                executable: false,
            };
            append(&mut tar, DOCKERFILE_APART, &entry, owner)?;
            DOCKERFILE_APART
        };
        Ok((tar.into_inner()?.into(), name))
    }
}

fn append(
    tar: &mut tar::Builder<Vec<u8>>,
    path: &str,
    entry: &Entry,
    owner: u32,
) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_mtime(CONTEXT_TIME);
    header.set_uid(owner.into());
    header.set_gid(owner.into());
    match entry {
        Entry::File { bytes, executable } => {
            header.set_mode(if *executable { 0o755 } else { 0o644 });
            header.set_size(bytes.len() as u64);
            tar.append_data(&mut header, path, bytes.as_ref())
        }
        Entry::Dir => {
            header.set_entry_type(tar::EntryType::Directory);
            header.set_mode(0o755);
            header.set_size(0);
            tar.append_data(&mut header, path, std::io::empty())
        }
        Entry::Link(target) => {
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_mode(0o777);
            header.set_size(0);
            tar.append_link(&mut header, path, target)
        }
        // A survey is for reading only; sending a file without its content would build another image.
        Entry::Unread => Err(std::io::Error::other(format!("`{path}` was not read"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_dockerfile_travels_apart() {
        let mut context = Snapshot::default();
        context.insert("app/main.py", "x", false);
        let recipe = Recipe {
            context,
            path: "Dockerfile".into(),
            dockerfile: Bytes::from_static(b"FROM scratch\n"),
            ..Recipe::default()
        };
        let (_, name) = recipe.pack(&recipe.dockerfile, 0).expect("packs");
        assert_eq!(name, DOCKERFILE_APART);
    }
}
