//! YAML as a tree in which every key and every value knows where it stands.

use super::location::Location;

/// A value of a YAML document.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where the value starts (for an alias: where the alias is written).
    pub location: Location,
    /// The tag in front of it, for the two that Compose gives a meaning.
    pub tag: Option<Tag>,
}

/// The three kinds of YAML value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    Seq(Vec<Node>),
    /// A mapping, in the order written; keys are unique.
    Map(Vec<Field>),
}

/// One `key: value` of a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The key, as text.
    pub key: String,
    /// Where the key stands.
    pub location: Location,
    /// Its value.
    pub value: Node,
}

/// A scalar: what was written and what Compose takes it for.
#[derive(Clone, Debug, PartialEq)]
pub struct Scalar {
    /// The text, without quotes and with escapes resolved.
    pub text: String,
    /// The type Compose's YAML reader gives it.
    pub kind: Kind,
}

/// The type of a scalar as Compose's YAML reader resolves it (YAML 1.2 core with 1.1's octals).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false`, in any of the three spellings.
    Bool(bool),
    /// A whole number: `8000`, `0x1F`, `0444`, `1_000`.
    Int(i128),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// Anything else, and everything in quotes.
    Text,
}

/// A tag that Compose gives a meaning when files are merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tag {
    /// `!reset`: forget what the file below says.
    Reset,
    /// `!override`: replace instead of merging.
    Override,
}
