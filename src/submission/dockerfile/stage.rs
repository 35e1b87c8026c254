//! The stages of a build.

use std::collections::BTreeMap;

use super::instruction::{From, Instruction, Kind};
use crate::submission::location::Span;

/// A stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stage {
    /// Its number, from 0.
    pub index: usize,
    /// Its `FROM`, as an index of [`super::Dockerfile::instructions`].
    pub from: usize,
    /// Its name, in lower case.
    pub name: Option<String>,
    /// From its `FROM` to the end of its last instruction.
    pub span: Span,
    /// What it starts from.
    pub base: StageBase,
}

/// What a stage starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StageBase {
    /// Another stage, by its index.
    Stage(usize),
    /// An image; nothing when its name cannot be known by reading.
    Image(Option<String>),
    /// Nothing at all.
    Scratch,
}

/// The numbers of the stages of each name, ascending.
pub(super) type Names = BTreeMap<String, Vec<usize>>;

/// The stage number `index`, begun by the instruction number `at`.
///
/// Names are kept in lower case, and `FROM` must write them so; `COPY --from` need not.
pub(super) fn begin(index: usize, at: usize, span: Span, from: &From, names: &mut Names) -> Stage {
    let base = match &from.image.value {
        Some(image) => match names
            .get(&image.to_lowercase())
            .and_then(|same| same.last())
        {
            Some(&index) => StageBase::Stage(index),
            None if image == "scratch" => StageBase::Scratch,
            None => StageBase::Image(Some(image.clone())),
        },
        None => StageBase::Image(None),
    };
    let name = from.name.as_ref().map(|name| name.text().to_lowercase());
    if let Some(name) = &name {
        names.entry(name.clone()).or_default().push(index);
    }
    Stage {
        index,
        from: at,
        name,
        span,
        base,
    }
}

impl super::Dockerfile {
    /// The instructions of a stage, its `FROM` first.
    pub fn stage_instructions(&self, stage: usize) -> impl Iterator<Item = &Instruction> {
        let start = self
            .stages
            .get(stage)
            .map_or(self.instructions.len(), |stage| stage.from);
        let end = self
            .stages
            .get(stage + 1)
            .map_or(self.instructions.len(), |stage| stage.from);
        self.instructions[start..end].iter()
    }

    /// The stage that is built when none is asked for.
    #[must_use]
    pub fn final_stage(&self) -> Option<&Stage> {
        self.stages.last()
    }

    /// The stages that a stage is built on, nearest first.
    pub fn lineage(&self, stage: usize) -> impl Iterator<Item = &Stage> {
        let below = |stage: &Stage| match stage.base {
            StageBase::Stage(index) => self.stages.get(index),
            _ => None,
        };
        std::iter::successors(self.stages.get(stage).and_then(below), move |stage| {
            below(stage)
        })
    }

    /// The `FROM` of a stage.
    #[must_use]
    pub fn from_of(&self, stage: &Stage) -> Option<&From> {
        match &self.instructions.get(stage.from)?.kind {
            Kind::From(from) => Some(from),
            _ => None,
        }
    }

    /// The stage that `COPY --from` or `--mount=from=` means above `stage`, by name or by number.
    #[must_use]
    pub fn stage_named(&self, name: &str, above: usize) -> Option<&Stage> {
        let by_name = self
            .stage_names
            .get(&name.to_lowercase())
            .and_then(|same| same.iter().rfind(|&&index| index < above));
        let index = by_name.copied().or_else(|| name.parse().ok())?;
        self.stages.get(index).filter(|stage| stage.index < above)
    }
}
