//! Image builds: a context and a Dockerfile in, an image with the story of its steps out.

mod mark;

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{BuildInfo, BuildInfoAux};
use bollard::query_parameters::{BuildImageOptionsBuilder, BuilderVersion};
use bytes::Bytes;
use futures_util::StreamExt;

use super::engine::Builder;
use super::{Lab, fault, limits};
use crate::submission::Snapshot;
use crate::submission::snapshot::Entry;

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
        let builder = self.engine().facts().builder;
        let (tar, dockerfile) = match builder {
            Builder::Buildkit => recipe.pack(&recipe.dockerfile)?,
            Builder::Classic => {
                let marked = mark::mark(&recipe.dockerfile, &recipe.froms, &self.labels());
                recipe.pack(&marked.into())?
            }
        };
        let tag = format!("muelle/{}:{name}", self.id());
        let args: HashMap<String, String> = recipe.args.iter().cloned().collect();
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
    /// The context with `dockerfile` as a tar, and the Dockerfile's name in it.
    fn pack(&self, dockerfile: &Bytes) -> std::io::Result<(Bytes, &str)> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, entry) in self.context.entries() {
            append(&mut tar, path, entry)?;
        }
        let name = if self.context.file(&self.path) == Some(dockerfile) {
            self.path.as_str()
        } else {
            let entry = Entry::File {
                bytes: dockerfile.clone(),
                executable: false,
            };
            append(&mut tar, DOCKERFILE_APART, &entry)?;
            DOCKERFILE_APART
        };
        Ok((tar.into_inner()?.into(), name))
    }
}

fn append(tar: &mut tar::Builder<Vec<u8>>, path: &str, entry: &Entry) -> std::io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_mtime(CONTEXT_TIME);
    header.set_uid(0);
    header.set_gid(0);
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

/// What a running build has told so far.
#[derive(Default)]
struct Story {
    /// BuildKit: vertex digest → index into `told`.
    vertices: HashMap<String, usize>,
    told: Vec<Told>,
    /// Classic: how many of the steps so far were our own, and whether the last one was.
    ours: usize,
    in_ours: bool,
}

#[derive(Default)]
struct Told {
    name: String,
    cached: bool,
    completed: bool,
    failed: bool,
    took: Option<Duration>,
    output: Vec<u8>,
}

impl Story {
    fn read(&mut self, info: BuildInfo) {
        if let Some(BuildInfoAux::BuildKit(status)) = info.aux {
            for vertex in status.vertexes {
                let told = self.vertex(&vertex.digest);
                told.name = vertex.name;
                told.cached |= vertex.cached;
                if let (Some(start), Some(end)) = (vertex.started, vertex.completed) {
                    let nanos = (end.seconds - start.seconds) * 1_000_000_000
                        + i64::from(end.nanos - start.nanos);
                    told.completed = true;
                    told.took = u64::try_from(nanos).ok().map(Duration::from_nanos);
                }
                told.failed |= !vertex.error.is_empty();
            }
            for log in status.logs {
                self.vertex(&log.vertex).print(&log.msg);
            }
        } else if let Some(text) = info.stream {
            self.read_classic(&text);
        }
    }

    fn vertex(&mut self, digest: &str) -> &mut Told {
        let next = self.told.len();
        let index = *self.vertices.entry(digest.to_owned()).or_insert(next);
        if index == next {
            self.told.push(Told::default());
        }
        &mut self.told[index]
    }

    /// The classic builder tells its story in prose: `Step 2/5 : RUN …`, ` ---> Using cache`; Podman's likewise:
    /// `STEP 2/5: RUN …` (of a stage: `[1/2] STEP 2/5: …`), `--> Using cache …`.
    fn read_classic(&mut self, text: &str) {
        let classic = classic_step(text);
        if classic.is_some() || podman_step(text) {
            self.in_ours = mark::is_ours(text);
            self.ours += usize::from(self.in_ours);
            if !self.in_ours {
                let name = match classic {
                    Some((number, instruction)) => {
                        format!("Step {} : {instruction}", number - self.ours)
                    }
                    None => text.trim().to_owned(),
                };
                self.told.push(Told {
                    name,
                    ..Told::default()
                });
            }
        } else if self.in_ours {
            // What the builder says of a mark concerns nobody.
        } else if let Some(step) = self.told.last_mut() {
            if text.trim() == "---> Using cache" || text.starts_with("--> Using cache ") {
                step.cached = true;
            } else if ![" ---> ", "--> ", "Removing intermediate"]
                .iter()
                .any(|aside| text.starts_with(aside))
            {
                step.print(text.as_bytes());
            }
        }
    }

    fn steps(self) -> Vec<Step> {
        self.told
            .into_iter()
            .filter(|told| !told.name.is_empty() && !told.name.contains("[internal]"))
            .map(|told| Step {
                name: told.name,
                cached: told.cached,
                took: told.took,
            })
            .collect()
    }

    fn failure(self, error: bollard::errors::Error, froms: &[usize]) -> BuildError {
        use bollard::errors::Error;
        let message = match error {
            Error::DockerStreamError { error } => error,
            // The classic builder's parser answers before the stream begins.
            Error::DockerResponseServerError {
                status_code: 400,
                message,
            } => message,
            other => return BuildError::Engine(other),
        };
        // Podman's runtime that cannot start any container at all, in the words that it prints before.
        let unstartable = |told: &Told| {
            let output = String::from_utf8_lossy(&told.output);
            let at = output.find("error running container: from ");
            at.map(|at| output[at..].trim().to_owned())
                .filter(|words| words.contains(" creating container for ["))
        };
        if let Some(words) = self.told.last().and_then(unstartable) {
            return BuildError::Engine(Error::DockerStreamError { error: words });
        }
        if fault::is_machines(&message) {
            return BuildError::Engine(Error::DockerStreamError { error: message });
        }
        let message = mark::unmarked(&message, froms);
        // With BuildKit the failed vertex says so; the classic builder fails in its last step.
        let classic = self.vertices.is_empty();
        let step = if classic {
            self.told.last()
        } else {
            let failed = self.told.iter().find(|told| told.failed);
            failed.or_else(|| self.told.iter().rfind(|told| told.ran_in(&message)))
        };
        BuildError::Failed(BuildFailure {
            step: step.map(|told| told.name.clone()),
            message,
            output: step.map(Told::last_lines).unwrap_or_default(),
        })
    }
}

/// Whether Podman begins a step: `STEP 2/5: RUN …` or `[1/2] STEP 2/5: RUN …`.
fn podman_step(text: &str) -> bool {
    let text = match text.strip_prefix('[') {
        Some(rest) => rest.split_once("] ").map_or("", |(_, rest)| rest),
        None => text,
    };
    text.strip_prefix("STEP ")
        .and_then(|rest| rest.split_once(": "))
        .is_some_and(|(number, _)| number.contains('/'))
}

/// The number and the instruction of a line `Step 2/5 : RUN …`.
fn classic_step(text: &str) -> Option<(usize, &str)> {
    let (number, instruction) = text.strip_prefix("Step ")?.split_once(" : ")?;
    let (number, _) = number.split_once('/')?;
    Some((number.parse().ok()?, instruction.trim()))
}

impl Told {
    /// Whether an engine's message speaks of this step's command, which then never completed.
    fn ran_in(&self, message: &str) -> bool {
        let command = self.name.split_once("] RUN ").map(|(_, command)| command);
        !self.completed && command.is_some_and(|command| message.contains(command))
    }

    /// Keeps the end of a step's output.
    fn print(&mut self, bytes: &[u8]) {
        const KEPT: usize = 8 << 10;
        self.output.extend_from_slice(bytes);
        if self.output.len() > 2 * KEPT {
            self.output.drain(..self.output.len() - KEPT);
        }
    }

    fn last_lines(&self) -> Vec<String> {
        let text = String::from_utf8_lossy(&self.output);
        let lines: Vec<_> = text.lines().filter(|l| !l.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(8)..]
            .iter()
            .map(|l| (*l).to_owned())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> BuildInfo {
        BuildInfo {
            stream: Some(text.to_owned()),
            ..BuildInfo::default()
        }
    }

    #[test]
    fn the_classic_builders_prose_tells_which_steps_came_from_the_cache() {
        let mut story = Story::default();
        for line in [
            "Step 1/3 : FROM python:3.11-slim",
            " ---> 0123456789ab\n",
            "Step 2/3 : RUN pip install x",
            " ---> Using cache\n",
            " ---> ba9876543210\n",
            "Step 3/3 : COPY app app",
            " ---> 112233445566\n",
        ] {
            story.read(said(line));
        }
        let cached: Vec<_> = story.steps().into_iter().map(|s| s.cached).collect();
        assert_eq!(cached, [false, true, false]);
    }

    #[test]
    fn our_marks_are_no_steps_of_a_classic_build() {
        let mut story = Story::default();
        for line in [
            "Step 1/4 : FROM x",
            "Step 2/4 : LABEL dev.muelle.run=abc",
            " ---> Using cache\n",
            "Step 3/4 : RUN a",
            "Step 4/4 : LABEL dev.muelle.run=abc",
            "Removing intermediate container 1\n",
        ] {
            story.read(said(line));
        }
        let steps: Vec<_> = story
            .steps()
            .into_iter()
            .map(|s| (s.name, s.cached))
            .collect();
        let expected = [("Step 1 : FROM x", false), ("Step 2 : RUN a", false)];
        assert_eq!(
            steps,
            expected.map(|(name, cached)| (name.to_owned(), cached))
        );
    }

    #[test]
    fn a_classic_failure_names_its_last_step_and_what_it_printed() {
        let mut story = Story::default();
        story.read(said("Step 1/2 : FROM x"));
        story.read(said("Step 2/2 : RUN false"));
        story.read(said("se rompió\n"));
        let error = bollard::errors::Error::DockerStreamError {
            error: "returned a non-zero code: 1".into(),
        };
        let BuildError::Failed(failure) = story.failure(error, &[]) else {
            panic!("the submission is to blame");
        };
        assert_eq!(failure.step.as_deref(), Some("Step 2 : RUN false"));
        assert_eq!(failure.output, ["se rompió"]);
    }

    #[test]
    fn podmans_prose_tells_steps_and_cache_too() {
        let mut story = Story::default();
        for line in [
            "[1/2] STEP 1/2: FROM python:3.11-slim AS a\n",
            "[1/2] STEP 2/2: RUN pip install x\n",
            "--> Using cache 4a5b\n",
            "--> 4a5b\n",
            "STEP 3/3: COPY app app\n",
            "--> 5b6c\n",
        ] {
            story.read(said(line));
        }
        let steps = story.steps();
        let cached: Vec<_> = steps.iter().map(|s| s.cached).collect();
        assert_eq!(cached, [false, true, false]);
        assert_eq!(steps[1].name, "[1/2] STEP 2/2: RUN pip install x");
    }

    #[test]
    fn a_runtime_that_starts_no_container_is_the_machines_fault() {
        let failing = |printed: &str| {
            let mut story = Story::default();
            story.read(said("STEP 2/3: RUN false\n"));
            story.read(said(printed));
            story.failure(
                bollard::errors::Error::DockerStreamError {
                    error: "building at STEP \"RUN false\": while running runtime: exit status 1"
                        .into(),
                },
                &[],
            )
        };
        let crun = "error running container: from /usr/bin/crun creating container for [/bin/sh -c false]: cgroups in hybrid mode not supported\n: exit status 1\n";
        assert!(matches!(failing(crun), BuildError::Engine(_)));
        assert!(matches!(failing("malo\n"), BuildError::Failed(_)));
    }

    #[test]
    fn a_full_disk_is_the_machines_fault() {
        let error = bollard::errors::Error::DockerStreamError {
            error: "write /x: no space left on device".into(),
        };
        assert!(matches!(
            Story::default().failure(error, &[]),
            BuildError::Engine(_)
        ));
    }

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
        let (_, name) = recipe.pack(&recipe.dockerfile).expect("packs");
        assert_eq!(name, DOCKERFILE_APART);
    }
}
