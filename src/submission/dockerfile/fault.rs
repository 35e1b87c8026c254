//! What the builder would refuse.

use crate::submission::location::Span;

/// Something that no builder accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What kind of fault.
    pub kind: FaultKind,
    /// The stretch that is wrong.
    pub span: Span,
    /// All of the instruction it stands in; builders name the line where that starts.
    pub instruction: Span,
    /// In Spanish, with the way out.
    pub message: String,
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FaultKind {
    /// Too many, too few or wrong arguments.
    Arguments,
    /// `["a", 1]`: a JSON array that has something else than texts.
    Array,
    /// An instruction above the first `FROM`.
    BeforeFrom,
    /// `# escape=` and the like, wrong or twice.
    Directive,
    /// A flag that is unknown, double, or without its value.
    Flag,
    /// `HEALTHCHECK` in none of its forms, or with impossible times.
    Healthcheck,
    /// A heredoc without end.
    Heredoc,
    /// A line that is longer than the builder reads.
    LongLine,
    /// What is wrong inside of a `--mount`.
    Mount,
    /// No `FROM` at all.
    NoStage,
    /// What `ONBUILD` cannot put off.
    Onbuild,
    /// `ENV`, `ARG` or `LABEL` that is no `name=value`.
    Pair,
    /// `EXPOSE` of what is no port.
    Port,
    /// What is wrong inside of an `ONBUILD`, which only the build of whoever starts from the image notices.
    PutOff,
    /// An image reference that cannot be one.
    Reference,
    /// `STOPSIGNAL` of what is no signal.
    Signal,
    /// A stage's name that cannot be one.
    StageName,
    /// A quote or a `${…}` that does not end, is of no known form, or has nothing to put in.
    Substitution,
    /// No such instruction.
    UnknownInstruction,
}

impl FaultKind {
    /// Whether builders may only notice it when they come to that step, not when they read the file.
    #[must_use]
    pub fn is_late(self) -> bool {
        matches!(
            self,
            Self::Mount
                | Self::Port
                | Self::PutOff
                | Self::Reference
                | Self::Signal
                | Self::Substitution
        )
    }
}

/// The candidate that `word` seems to mean.
pub(super) fn did_you_mean<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    // The comparison takes longer than the word is worth.
    if word.len() > 64 {
        return None;
    }
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(word, candidate), candidate))
        .filter(|&(likeness, _)| likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

/// What to say when an argument begins with `#`.
pub(super) fn comment_hint<'a>(words: impl IntoIterator<Item = &'a str>) -> &'static str {
    if words.into_iter().any(|word| word.starts_with('#')) {
        ". Lo que va detrás de `#` no es un comentario aquí: los comentarios van en su propia línea"
    } else {
        ""
    }
}

/// What was written, cut to what a message can hold.
pub(super) fn shown(written: &str) -> std::borrow::Cow<'_, str> {
    match written.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", &written[..end]).into(),
        None => written.into(),
    }
}
