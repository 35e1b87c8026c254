//! What `COPY` and `ADD` take out of a context, and where in the image it lands.

use std::collections::{BTreeMap, BTreeSet};

use crate::submission::Reading;
use crate::submission::dockerfile::{Dockerfile, Instruction, Kind, StageBase, Transfer, Word};
use crate::submission::dockerignore::{self, Dockerignore};
use crate::submission::reading::ImageBuild;
use crate::submission::snapshot::Entry;

/// Names of folders that tools make: that they are missing says nothing, and a survey does not look into them.
pub(super) const MADE_BY_TOOLS: [&str; 17] = [
    ".cache",
    ".git",
    ".mypy_cache",
    ".next",
    ".pytest_cache",
    ".tox",
    ".venv",
    "__pycache__",
    "bin",
    "build",
    "dist",
    "node_modules",
    "obj",
    "out",
    "target",
    "vendor",
    "venv",
];

/// One `COPY` or `ADD` out of the context, in one way of building.
pub(super) struct Copied<'r> {
    pub(super) build: &'r ImageBuild,
    pub(super) dockerfile: &'r Dockerfile,
    pub(super) instruction: &'r Instruction,
    pub(super) transfer: &'r Transfer,
    pub(super) stage: usize,
}

/// One source of it that is known and of the context.
pub(super) struct Source<'r> {
    pub(super) word: &'r Word,
    /// The path inside the context, cleaned; empty: all of it.
    pub(super) path: String,
}

impl Source<'_> {
    /// Whether it takes all that there is.
    pub(super) fn is_broad(&self) -> bool {
        matches!(self.path.as_str(), "" | "*")
    }

    /// Whether it is a pattern.
    pub(super) fn is_pattern(&self) -> bool {
        self.path.contains(['*', '?', '[', '\\'])
    }
}

/// Every copy out of the context that a build comes to, of every build.
pub(super) fn all(reading: &Reading) -> Vec<Copied<'_>> {
    builds(reading)
        .into_iter()
        .flat_map(|build| of_build(reading, build))
        .collect()
}

/// The builds that differ; many services may be built in the same way.
pub(super) fn builds(reading: &Reading) -> Vec<&ImageBuild> {
    let mut seen = BTreeSet::new();
    let differ = reading
        .builds
        .iter()
        .filter(|build| seen.insert((build.dockerfile, &build.context, build.target)));
    differ.collect()
}

/// Every copy out of the context that `build` comes to.
pub(super) fn of_build<'r>(reading: &'r Reading, build: &'r ImageBuild) -> Vec<Copied<'r>> {
    let dockerfile = &reading.dockerfiles[build.dockerfile];
    let stages = stages_built(dockerfile, build);
    let copies = dockerfile.instructions.iter().filter_map(|instruction| {
        let Kind::Transfer(transfer) = &instruction.kind else {
            return None;
        };
        let stage = instruction.stage.filter(|stage| stages.contains(stage))?;
        transfer.from.is_none().then_some(Copied {
            build,
            dockerfile,
            instruction,
            transfer,
            stage,
        })
    });
    copies.collect()
}

/// The stage whose image a build leaves.
pub(in crate::rules) fn last_stage(dockerfile: &Dockerfile, build: &ImageBuild) -> Option<usize> {
    let last = dockerfile.stages.len().checked_sub(1)?;
    Some(build.target.unwrap_or(last))
}

/// The stages whose layers are in the image that a build leaves, the last one first.
pub(super) fn stages_kept(dockerfile: &Dockerfile, build: &ImageBuild) -> Vec<usize> {
    let Some(last) = last_stage(dockerfile, build) else {
        return Vec::new();
    };
    let below = dockerfile.lineage(last).map(|stage| stage.index);
    std::iter::once(last).chain(below).collect()
}

/// The stages that a build comes to: BuildKit leaves the others out.
pub(super) fn stages_built(dockerfile: &Dockerfile, build: &ImageBuild) -> BTreeSet<usize> {
    let mut built = BTreeSet::new();
    let mut wanted: Vec<usize> = last_stage(dockerfile, build).into_iter().collect();
    while let Some(stage) = wanted.pop() {
        if !built.insert(stage) {
            continue;
        }
        if let Some(StageBase::Stage(base)) = dockerfile.stages.get(stage).map(|stage| &stage.base)
        {
            wanted.push(*base);
        }
        for instruction in dockerfile.stage_instructions(stage) {
            let names: Vec<&str> = match &instruction.kind {
                Kind::Transfer(transfer) => transfer.from.iter().map(Word::text).collect(),
                Kind::Run(run) => run.mounts.iter().filter_map(|m| m.option("from")).collect(),
                _ => Vec::new(),
            };
            wanted.extend(
                names
                    .into_iter()
                    .filter_map(|name| dockerfile.stage_named(name, stage))
                    .map(|stage| stage.index),
            );
        }
    }
    built
}

impl<'r> Copied<'r> {
    /// Whether its stage's layers are in the image that is left.
    pub(super) fn is_kept(&self) -> bool {
        stages_kept(self.dockerfile, self.build).contains(&self.stage)
    }

    /// Its sources that can be known and are of the context, not of the network.
    pub(super) fn sources(&self) -> Vec<Source<'r>> {
        let known = self.transfer.sources.iter().filter_map(|word| {
            let value = word.value.as_deref()?;
            let remote = value.contains("://") || value.starts_with("git@");
            let cleaned = dockerignore::clean(&format!("/{value}"));
            (!remote && !value.is_empty()).then(|| Source {
                word,
                path: cleaned.trim_start_matches('/').to_owned(),
            })
        });
        known.collect()
    }

    /// Every file of the snapshot that `source` brings into the image, by its path inside the context.
    pub(super) fn brings<'s>(
        &'s self,
        reading: &'s Reading,
        source: &'s Source<'_>,
    ) -> impl Iterator<Item = &'s str> {
        let pattern = source
            .is_pattern()
            .then(|| Dockerignore::parse(&source.path));
        let excluded = self.excluded();
        self.build.sent(reading).filter(move |path| {
            let taken = match &pattern {
                Some(Ok(pattern)) => pattern.decide(path).ignored,
                Some(Err(_)) => false,
                None => is_below(path, &source.path),
            };
            taken
                && !excluded
                    .as_ref()
                    .is_some_and(|out| out.decide(path).ignored)
        })
    }

    /// Whether a file at `path` of the context, be it there or not, would come along with one that takes everything.
    pub(super) fn takes(&self, path: &str) -> bool {
        let out = |ignore: &Dockerignore| ignore.decide(path).ignored;
        !self.build.ignore.as_ref().is_some_and(out) && !self.excluded().as_ref().is_some_and(out)
    }

    /// What `--exclude` leaves out, taken as widely as it could be meant.
    fn excluded(&self) -> Option<Dockerignore> {
        let patterns: Vec<String> = self
            .instruction
            .flags
            .iter()
            .filter(|flag| flag.name == "exclude")
            .filter_map(|flag| flag.value.as_ref())
            .flat_map(|word| [word.text().to_owned(), format!("**/{}", word.text())])
            .collect();
        let written = (!patterns.is_empty()).then(|| patterns.join("\n"))?;
        Dockerignore::parse(&written).ok()
    }

    /// The path of `path`, which is relative to the context, in the snapshot.
    pub(super) fn in_snapshot(&self, path: &str) -> String {
        in_context(self.build, path)
    }
}

/// `path`, relative to the context of `build`, as the snapshot names it.
pub(super) fn in_context(build: &ImageBuild, path: &str) -> String {
    match (build.context.as_str(), path) {
        ("", path) => path.to_owned(),
        (context, "") => context.to_owned(),
        (context, path) => format!("{context}/{path}"),
    }
}

/// Whether `path` is `folder` or below it; everything is below the empty one.
pub(super) fn is_below(path: &str, folder: &str) -> bool {
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether nothing can be said of what is at `path`: a link leads there, or a tool makes it.
pub(super) fn is_unsure(reading: &Reading, path: &str) -> bool {
    let links = path
        .match_indices('/')
        .map(|(end, _)| &path[..end])
        .chain([path]);
    let is_link = |path: &str| matches!(reading.snapshot.entry(path), Some(Entry::Link(_)));
    path.split('/').any(|part| MADE_BY_TOOLS.contains(&part)) || links.into_iter().any(is_link)
}

/// What a `.gitignore` of the folder leaves out of the repository, seen from the root of the snapshot.
pub(super) fn is_git_ignored(reading: &Reading, path: &str) -> bool {
    let folders = path
        .match_indices('/')
        .map(|(end, _)| &path[..=end])
        .chain([""]);
    folders.into_iter().any(|folder| {
        let Some(bytes) = reading.snapshot.file(&format!("{folder}.gitignore")) else {
            return false;
        };
        let text = String::from_utf8_lossy(bytes);
        git_ignores(&text).is_some_and(|ignore| ignore.decide(&path[folder.len()..]).ignored)
    })
}

/// A `.gitignore`, made a `.dockerignore` that means the same.
pub(super) fn git_ignores(text: &str) -> Option<Dockerignore> {
    let lines: Vec<String> = text
        .lines()
        .map(str::trim_end)
        .map(|line| {
            let (mark, rest) = match line.strip_prefix('!') {
                Some(rest) => ("!", rest),
                None => ("", line),
            };
            let anchored = rest.trim_end_matches('/').contains('/') || rest.is_empty();
            match (line.starts_with('#'), anchored) {
                (false, false) => format!("{mark}**/{rest}"),
                _ => line.to_owned(),
            }
        })
        .collect();
    Dockerignore::parse(&lines.join("\n")).ok()
}

/// A file of the context in the image: its path in the snapshot, and the instruction that brought it.
pub(super) struct InImage<'r> {
    pub(super) path: String,
    pub(super) instruction: &'r Instruction,
}

/// Of the image that `build` leaves: every file that comes out of the context, by its path in the image, as far as
/// that can be known.
pub(super) fn image_files<'r>(
    reading: &'r Reading,
    build: &'r ImageBuild,
) -> BTreeMap<String, InImage<'r>> {
    let dockerfile = &reading.dockerfiles[build.dockerfile];
    let mut files = BTreeMap::new();
    let mut stages = stages_kept(dockerfile, build);
    stages.reverse();
    let copies = of_build(reading, build);
    for stage in stages {
        for copied in copies.iter().filter(|copied| copied.stage == stage) {
            for source in copied.sources() {
                for path in copied.brings(reading, &source) {
                    if let Some(at) = lands(copied, &source, path) {
                        let file = InImage {
                            path: copied.in_snapshot(path),
                            instruction: copied.instruction,
                        };
                        files.insert(at, file);
                    }
                }
            }
        }
    }
    files
}

/// Where in the image the file at `path` of the context lands.
fn lands(copied: &Copied<'_>, source: &Source<'_>, path: &str) -> Option<String> {
    let destination = copied.transfer.destination.value.as_deref()?;
    let into = absolute(
        destination,
        workdir_at(copied.dockerfile, copied.instruction).as_deref(),
    )?;
    let name = path.rsplit('/').next().unwrap_or(path);
    let relative = if source.is_pattern() {
        // A pattern may match the folder above: where the file lands then is left open.
        let depth = |path: &str| path.matches('/').count();
        (depth(&source.path) == depth(path)).then_some(name)?
    } else if source.path == path {
        let to_folder = destination.ends_with('/')
            || matches!(destination, "." | "..")
            || destination.ends_with("/.")
            || copied.transfer.sources.len() > 1;
        if !to_folder {
            return Some(into);
        }
        name
    } else {
        path.strip_prefix(&source.path)?.trim_start_matches('/')
    };
    Some(dockerignore::clean(&format!("{into}/{relative}")))
}

/// `path` made absolute, when that is possible.
pub(super) fn absolute(path: &str, workdir: Option<&str>) -> Option<String> {
    if path.starts_with('/') {
        return Some(dockerignore::clean(path));
    }
    Some(dockerignore::clean(&format!("{}/{path}", workdir?)))
}

/// The working directory that holds at `instruction`; nothing when it cannot be known.
pub(super) fn workdir_at(dockerfile: &Dockerfile, instruction: &Instruction) -> Option<String> {
    let stage = instruction.stage?;
    let before = dockerfile
        .stage_instructions(stage)
        .take_while(|other| other.span.start < instruction.span.start);
    workdir(dockerfile, stage, before)
}

/// The working directory of a stage's image.
pub(super) fn workdir_of(dockerfile: &Dockerfile, stage: usize) -> Option<String> {
    workdir(dockerfile, stage, dockerfile.stage_instructions(stage))
}

fn workdir<'d>(
    dockerfile: &'d Dockerfile,
    stage: usize,
    instructions: impl Iterator<Item = &'d Instruction>,
) -> Option<String> {
    let mut at = match &dockerfile.stages.get(stage)?.base {
        StageBase::Stage(base) => workdir_of(dockerfile, *base),
        StageBase::Scratch => Some("/".to_owned()),
        StageBase::Image(image) => image
            .as_deref()
            .and_then(crate::submission::known_images::of)
            .filter(|known| {
                matches!(
                    known.name,
                    "python" | "node" | "debian" | "ubuntu" | "alpine"
                )
            })
            .map(|_| "/".to_owned()),
    };
    for instruction in instructions {
        if let Kind::Workdir(word) = &instruction.kind {
            at = word
                .value
                .as_deref()
                .and_then(|path| absolute(path, at.as_deref()));
        }
    }
    at
}
