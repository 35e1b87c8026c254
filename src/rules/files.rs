//! What rules ask of a Dockerfile: its stages with all that they are built on, and what is run in them.

use std::collections::BTreeSet;

use crate::submission::Reading;
use crate::submission::dockerfile::instruction::Transfer;
use crate::submission::dockerfile::{Dockerfile, Instruction, Kind, StageBase};
use crate::submission::known_images::{self, KnownImage};
use crate::submission::location::Span;
use crate::submission::reading::ImageBuild;
use crate::submission::shell::{Script, Simple};
use crate::verdict::{Position, StaticFinding};

/// A Dockerfile and what its instructions run.
#[derive(Clone, Copy)]
pub(super) struct File<'r> {
    pub dockerfile: &'r Dockerfile,
    pub scripts: &'r [Script],
    index: usize,
    reading: &'r Reading,
}

/// One instruction and what it runs.
#[derive(Clone, Copy)]
pub(super) struct Line<'r> {
    pub instruction: &'r Instruction,
    pub script: &'r Script,
}

impl<'r> std::ops::Deref for Line<'r> {
    type Target = Instruction;

    fn deref(&self) -> &Instruction {
        self.instruction
    }
}

impl<'r> Line<'r> {
    /// The commands of a `RUN`.
    pub fn run(self) -> &'r [Simple] {
        match self.instruction.kind {
            Kind::Run(_) => &self.script.commands,
            _ => &[],
        }
    }

    /// What a `COPY` or `ADD` copies.
    pub fn transfer(self) -> Option<&'r Transfer> {
        match &self.instruction.kind {
            Kind::Transfer(transfer) => Some(transfer),
            _ => None,
        }
    }

    /// Whether the builder lends this `RUN` a folder at or above or below `path`.
    pub fn lends(self, path: &str) -> bool {
        let Kind::Run(run) = &self.instruction.kind else {
            return false;
        };
        run.mounts.iter().any(|mount| {
            let target = ["target", "dst", "destination"]
                .iter()
                .find_map(|key| mount.option(key));
            // What is not known may be it.
            mount.kind() == "cache"
                && target.is_none_or(|target| target.starts_with(path) || path.starts_with(target))
        })
    }

    /// Whether the builder lends this `RUN` any cache.
    pub fn lends_cache(self) -> bool {
        matches!(&self.instruction.kind, Kind::Run(run) if run.mounts.iter().any(|m| m.kind() == "cache"))
    }
}

/// Instructions or faults beyond which a file is generated, or meant to keep us busy: rules that look back from each of
/// its lines would need the square of its length. None of 1,000 real files comes near it.
const MOST: usize = 1000;

/// Every Dockerfile of ordinary length.
pub(super) fn all(reading: &Reading) -> impl Iterator<Item = File<'_>> {
    let files = reading.dockerfiles.iter().zip(&reading.scripts).enumerate();
    files
        .filter(|(_, (file, _))| file.instructions.len() <= MOST && file.faults.len() <= MOST)
        .map(move |(index, (dockerfile, scripts))| File {
            dockerfile,
            scripts,
            index,
            reading,
        })
}

/// The Dockerfile of a build, when it is of ordinary length.
pub(super) fn of_build<'r>(reading: &'r Reading, build: &ImageBuild) -> Option<File<'r>> {
    all(reading).find(|file| file.index == build.dockerfile)
}

/// Every `RUN` whose commands are known.
pub(super) fn runs(reading: &Reading) -> impl Iterator<Item = (File<'_>, Line<'_>)> {
    all(reading).flat_map(|file| {
        let runs = file.lines().filter(|line| !line.run().is_empty());
        runs.map(move |line| (file, line))
    })
}

/// The same, of the stages of which something is in an image that is kept.
pub(super) fn kept_runs(reading: &Reading) -> impl Iterator<Item = (File<'_>, Line<'_>)> {
    all(reading).flat_map(|file| {
        let kept = file.kept();
        let runs = file.lines().filter(move |line| {
            !line.run().is_empty()
                && line
                    .instruction
                    .stage
                    .is_some_and(|stage| kept.contains(&stage))
        });
        runs.map(move |line| (file, line))
    })
}

impl<'r> File<'r> {
    /// Every instruction.
    pub fn lines(self) -> impl Iterator<Item = Line<'r>> {
        let pairs = self.dockerfile.instructions.iter().zip(self.scripts);
        pairs.map(|(instruction, script)| Line {
            instruction,
            script,
        })
    }

    /// The instructions of one stage.
    pub fn stage(self, stage: usize) -> impl Iterator<Item = Line<'r>> {
        self.lines()
            .filter(move |line| line.instruction.stage == Some(stage))
    }

    /// The instructions that make up a stage, those of the stages that it is built on first.
    pub fn lineage(self, stage: usize) -> Vec<Line<'r>> {
        let mut stages: Vec<usize> = self
            .dockerfile
            .lineage(stage)
            .map(|stage| stage.index)
            .collect();
        stages.reverse();
        stages.push(stage);
        let wanted: BTreeSet<usize> = stages.into_iter().collect();
        // A stage can only be built on one above it.
        self.lines()
            .filter(|line| {
                line.instruction
                    .stage
                    .is_some_and(|stage| wanted.contains(&stage))
            })
            .collect()
    }

    /// What comes before `line` in its image.
    pub fn before(self, line: Line<'_>) -> Vec<Line<'r>> {
        let Some(stage) = line.instruction.stage else {
            return Vec::new();
        };
        let mut lines = self.lineage(stage);
        lines.retain(|other| other.instruction.span < line.instruction.span);
        lines
    }

    /// The image that a stage is built on in the end.
    pub fn base(self, stage: usize) -> Option<&'r str> {
        let lowest = self
            .dockerfile
            .lineage(stage)
            .last()
            .or(self.dockerfile.stages.get(stage))?;
        match &lowest.base {
            StageBase::Image(image) => image.as_deref(),
            _ => None,
        }
    }

    /// What is known of the image that a stage is built on.
    pub fn known(self, stage: usize) -> Option<KnownImage> {
        known_images::of(self.base(stage)?)
    }

    /// The stages that become images: the last, and those that a compose file asks for.
    pub fn outputs(self) -> BTreeSet<usize> {
        let asked = self
            .reading
            .builds
            .iter()
            .filter(|build| build.dockerfile == self.index)
            .filter_map(|build| build.target);
        let last = self.dockerfile.final_stage().map(|stage| stage.index);
        asked.chain(last).collect()
    }

    /// The stages of which something is in an image that is kept: the outputs and what they are built on.
    pub fn kept(self) -> BTreeSet<usize> {
        let outputs = self.outputs();
        let below = outputs.iter().flat_map(|output| {
            self.dockerfile
                .lineage(*output)
                .map(|stage| stage.index)
                .collect::<Vec<_>>()
        });
        below.chain(outputs.iter().copied()).collect()
    }

    /// The last line of `keyword` that holds in a stage.
    pub fn effective(self, stage: usize, keyword: &str) -> Option<Line<'r>> {
        self.lineage(stage)
            .into_iter()
            .rev()
            .find(|line| line.instruction.is(keyword))
    }

    /// The `CMD` that holds in a stage: an `ENTRYPOINT` drops what the stages below it say.
    pub fn command(self, stage: usize) -> Option<Line<'r>> {
        let command = self.effective(stage, "CMD")?;
        let entrypoint = self.effective(stage, "ENTRYPOINT");
        let dropped = entrypoint
            .is_some_and(|entrypoint| entrypoint.instruction.stage > command.instruction.stage);
        (!dropped).then_some(command)
    }

    /// Whether `line` is a `CMD` whose words an `ENTRYPOINT` gets.
    pub fn is_argument(self, line: Line<'_>) -> bool {
        let stage = line.instruction.stage;
        line.is("CMD") && stage.is_some_and(|stage| self.effective(stage, "ENTRYPOINT").is_some())
    }

    /// The lines that say what a stage starts: its `ENTRYPOINT` and its `CMD`.
    pub fn started(self, stage: usize) -> impl Iterator<Item = Line<'r>> {
        let entrypoint = self.effective(stage, "ENTRYPOINT");
        entrypoint.into_iter().chain(self.command(stage))
    }

    /// Whether `ENV` sets `name` in front of `end` in a stage.
    pub fn sets(self, stage: usize, name: &str, end: Option<Span>) -> bool {
        self.lineage(stage).into_iter().any(|line| {
            matches!(line.instruction.kind, Kind::Env(_))
                && end.is_none_or(|end| line.instruction.span < end)
                && line
                    .instruction
                    .pairs()
                    .iter()
                    .any(|pair| pair.name.text() == name)
        })
    }

    /// Whether the builder already refuses something of the instruction.
    pub fn refused(self, instruction: &Instruction) -> bool {
        self.dockerfile
            .faults
            .iter()
            .any(|fault| fault.instruction == instruction.span)
    }

    /// The file's text at `span`.
    pub fn text(self, span: Span) -> &'r str {
        self.dockerfile
            .text
            .get(span.start..span.end)
            .unwrap_or_default()
    }

    /// Whether any compose file speaks of `word`.
    pub fn compose_names(self, word: &str) -> bool {
        let files = self
            .reading
            .projects
            .iter()
            .flat_map(|project| &project.files);
        files.into_iter().any(|file| {
            let bytes = self.reading.snapshot.file(file);
            bytes.is_some_and(|bytes| memchr::memmem::find(bytes, word.as_bytes()).is_some())
        })
    }

    /// Whether a file of that name is anywhere in the folder.
    pub fn folder_has(self, name: &str) -> bool {
        self.reading
            .snapshot
            .entries()
            .any(|(path, _)| path.rsplit('/').next() == Some(name))
    }

    /// Offers `text` in place of what stands at `span`.
    pub fn mend(self, finding: &mut StaticFinding, span: Span, text: impl Into<String>) {
        let (line, column) = self.dockerfile.end(span);
        finding.patch(
            self.dockerfile.location(span),
            Position { line, column },
            text,
        );
    }
}
