//! One word of an instruction: as written, and what the builder makes of it.

use crate::submission::location::Span;

/// A word, its quotes and variables, and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Word {
    /// As written, continuations joined; quotes and variables are still in it.
    pub written: String,
    /// What the builder makes of it: quotes dropped, variables put in. Nothing when that cannot be known by
    /// reading (a variable of the base image, a build argument without default).
    pub value: Option<String>,
    /// Its place.
    pub span: Span,
    /// The variables it names.
    pub variables: Vec<Variable>,
}

/// A `$NAME` in a word.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// All of `$NAME` or `${NAME…}`.
    pub span: Span,
    /// Whether it is set above by `ARG` or `ENV`, in the scope that holds here.
    pub defined: bool,
    /// Whether the form brings a value of its own for when it is not set: `${NAME:-x}`, `${NAME:+x}`…
    pub guarded: bool,
}

impl Word {
    /// The value when it is known, else what is written: for messages and for comparing names.
    pub fn text(&self) -> &str {
        self.value.as_deref().unwrap_or(&self.written)
    }
}
