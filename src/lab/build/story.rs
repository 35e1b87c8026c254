//! The story of a build's steps, as each builder tells it.

use std::collections::HashMap;
use std::time::Duration;

use bollard::models::{BuildInfo, BuildInfoAux};

use super::{BuildError, BuildFailure, Step, mark};
use crate::lab::fault;

/// What a running build has told so far.
#[derive(Default)]
pub(super) struct Story {
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
    pub(super) fn read(&mut self, info: BuildInfo) {
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

    pub(super) fn steps(self) -> Vec<Step> {
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

    pub(super) fn failure(self, error: bollard::errors::Error, froms: &[usize]) -> BuildError {
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
}
