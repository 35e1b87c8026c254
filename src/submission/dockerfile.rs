//! A Dockerfile: its instructions, stages and variables, each with its place, and what a builder would refuse of it.
//!
//! The reader follows BuildKit's: lines are joined and split, quotes dropped and variables put in as there.

mod arguments;
#[cfg(test)]
mod beside;
mod builder;
mod check;
mod exec;
mod expand;
mod fault;
mod flag;
mod health;
mod heredoc;
#[cfg(test)]
mod hostile;
pub mod instruction;
mod line;
mod mount;
mod pairs;
mod parse;
mod pattern;
mod scope;
mod stage;
#[cfg(test)]
mod tests;
pub mod word;

use std::collections::BTreeMap;

use super::location::{Location, Span};
use builder::Step;
use line::Lines;
use scope::Scopes;
use stage::Names;

pub use builder::{Base, unnumbered};
pub use fault::{Fault, FaultKind};
pub use instruction::{Form, Instruction, Kind, Transfer};
pub use line::Directive;
pub use stage::{Stage, StageBase};
pub use word::Word;

/// A Dockerfile that could be read.
#[derive(Clone, Debug)]
pub struct Dockerfile {
    /// Its path, for locations.
    pub path: String,
    /// Its text, without a byte order mark; all places are bytes of it.
    pub text: String,
    /// `# syntax=`, `# escape=` and `# check=` at its top.
    pub directives: Vec<Directive>,
    /// Whole-line comments from their `#`, also those inside of continued instructions.
    pub comments: Vec<Span>,
    /// Blank lines inside of continued instructions; builders warn of them.
    pub blank_continuations: Vec<Span>,
    /// All that could be read, in order; what `ONBUILD` puts off is inside of it.
    pub instructions: Vec<Instruction>,
    /// The stages, in order.
    pub stages: Vec<Stage>,
    /// What a builder would refuse, in the order of the file.
    pub faults: Vec<Fault>,
    /// What splits and continues lines and takes the meaning off a character: `\`, or `` ` `` by `# escape=`.
    pub escape: char,
    stage_names: Names,
    steps: Vec<Step>,
    /// Where each line starts.
    lines: Vec<usize>,
}

/// Why the file is no Dockerfile at all; what the builder itself would refuse is told by [`Dockerfile::faults`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NotADockerfile {
    /// In Spanish, with the way out.
    pub message: String,
    /// Where it stops being one.
    pub location: Location,
}

impl Dockerfile {
    /// Reads `bytes` as the Dockerfile at `path`; `args` are the build arguments.
    ///
    /// # Errors
    /// When it is not text at all, or has no instruction.
    pub fn read(
        path: &str,
        bytes: &[u8],
        args: &BTreeMap<String, String>,
    ) -> Result<Self, NotADockerfile> {
        let refuse = |message: &str, at: usize| NotADockerfile {
            message: message.to_owned(),
            location: Location::line(
                path,
                bytes[..at].iter().filter(|&&b| b == b'\n').count() + 1,
            ),
        };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if let Some(at) = bytes.iter().position(|&b| b == 0) {
            return Err(refuse(
                "el archivo no es texto: parece un binario con nombre de Dockerfile. Escribe ahí las instrucciones",
                at,
            ));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            refuse(
                "el archivo no está en UTF-8: guárdalo con esa codificación",
                error.valid_up_to(),
            )
        })?;
        if text
            .lines()
            .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        {
            return Err(refuse(
                "el Dockerfile está vacío: empieza por una línea `FROM`",
                0,
            ));
        }
        let starts = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
        let mut dockerfile = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            directives: Vec::new(),
            comments: Vec::new(),
            blank_continuations: Vec::new(),
            instructions: Vec::new(),
            stages: Vec::new(),
            faults: Vec::new(),
            escape: '\\',
            stage_names: Names::new(),
            steps: Vec::new(),
            lines: std::iter::once(0).chain(starts).collect(),
        };
        dockerfile.collect(text, args);
        Ok(dockerfile)
    }

    fn collect(&mut self, text: &str, args: &BTreeMap<String, String>) {
        let mut lines = Lines::new(text);
        let mut scopes: Option<Scopes<'_>> = None;
        // What stands above the first `FROM`, and whether one was at least tried.
        let mut early: Option<Span> = None;
        let mut first: Option<Span> = None;
        let mut from_tried = false;
        while let Some((start, line)) = lines.logical() {
            let read = parse::instruction(start, &line, &mut lines, text);
            let scopes = scopes.get_or_insert_with(|| Scopes::new(text, lines.escape, args));
            first.get_or_insert(read.line);
            from_tried |= read.instruction.is_none() && self.stages.is_empty();
            self.faults.extend(read.faults);
            let Some(mut instruction) = read.instruction else {
                continue;
            };
            self.steps.push(Step {
                keyword: instruction.keyword,
                text: builder::squeeze(&line.text),
                line: self.location(instruction.span).line,
                heredocs: !instruction.heredocs.is_empty(),
            });
            scopes.resolve(&mut instruction, &line);
            if let Kind::From(from) = &instruction.kind {
                let (index, at) = (self.stages.len(), self.instructions.len());
                let stage = stage::begin(index, at, instruction.span, from, &mut self.stage_names);
                scopes.begin(&stage.base);
                self.stages.push(stage);
            } else if self.stages.is_empty() && !instruction.is("ARG") {
                early.get_or_insert(instruction.span);
            }
            let stage = self.stages.last_mut();
            if let Some(stage) = stage {
                stage.span.end = instruction.span.end;
                instruction.settle(stage.index);
            }
            let late = check::late(&instruction, self.stages.last());
            let late = late.into_iter().map(|(kind, span, message)| Fault {
                kind,
                span,
                instruction: read.line,
                message,
            });
            let unset = scopes.faults.drain(..).map(|fault| Fault {
                instruction: read.line,
                ..fault
            });
            self.faults.extend(unset.chain(late));
            self.instructions.push(instruction);
        }
        self.faults.append(&mut lines.faults);
        if !from_tried {
            self.faults
                .extend(missing_from(early, first, self.stages.is_empty()));
        }
        self.faults.sort_by_key(|fault| fault.span);
        self.directives = lines.directives;
        self.comments = lines.comments;
        self.blank_continuations = lines.blank_continuations;
        self.escape = lines.escape;
    }

    /// Where a stretch begins.
    #[must_use]
    pub fn location(&self, span: Span) -> Location {
        let (line, column) = self.line_and_column(span.start);
        Location {
            file: self.path.clone(),
            line,
            column,
        }
    }

    /// Line and column behind the last character of a stretch.
    #[must_use]
    pub fn end(&self, span: Span) -> (usize, usize) {
        self.line_and_column(span.end)
    }

    fn line_and_column(&self, at: usize) -> (usize, usize) {
        let line = self.lines.partition_point(|&start| start <= at);
        let start = self.lines[line.saturating_sub(1)];
        let before = self.text.get(start..at).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

impl Instruction {
    /// Takes note of the stage that it belongs to.
    fn settle(&mut self, stage: usize) {
        self.stage = Some(stage);
        if let Kind::Onbuild(inner) = &mut self.kind {
            inner.stage = Some(stage);
        }
    }
}

/// What to say when there is no `FROM`, or something above the first one.
fn missing_from(early: Option<Span>, first: Option<Span>, no_stage: bool) -> Option<Fault> {
    let (kind, span, message) = match (early, first) {
        (Some(early), _) if !no_stage => (
            FaultKind::BeforeFrom,
            early,
            "encima del primer `FROM` solo puede ir `ARG`: baja esta línea detrás del `FROM`",
        ),
        (Some(early), _) => (
            FaultKind::BeforeFrom,
            early,
            "falta la línea `FROM`, que dice de qué imagen se parte: es la primera instrucción de un Dockerfile",
        ),
        (None, Some(first)) if no_stage => (
            FaultKind::NoStage,
            first,
            "falta la línea `FROM`, que dice de qué imagen se parte: sin ella no hay nada que construir",
        ),
        _ => return None,
    };
    Some(Fault {
        kind,
        span,
        instruction: span,
        message: message.to_owned(),
    })
}
