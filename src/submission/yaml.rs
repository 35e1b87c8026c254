//! YAML as a tree in which every key and every value knows where it stands.
//!
//! Anchors, aliases and merge keys are already resolved, with Compose's own types for scalars.

mod builder;
mod fault;
mod resolve;

use super::location::Location;

pub use builder::parse;

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
    /// A date without quotes, which Compose writes out with its time: `2024-01-31 00:00:00 +0000 UTC`.
    Date,
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

/// A text that is no YAML, or a YAML that Compose does not take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {message}")]
pub struct YamlError {
    /// In Spanish, with the way out.
    pub message: String,
    /// Where.
    pub location: Location,
}

impl Node {
    /// A string, or null.
    pub(crate) fn text(text: Option<&str>, location: Location) -> Self {
        let kind = if text.is_some() {
            Kind::Text
        } else {
            Kind::Null
        };
        let text = text.unwrap_or_default().to_owned();
        Self {
            value: Value::Scalar(Scalar { text, kind }),
            location,
            tag: None,
        }
    }

    /// The fields, when it is a mapping.
    pub fn map(&self) -> Option<&[Field]> {
        match &self.value {
            Value::Map(fields) => Some(fields),
            _ => None,
        }
    }

    /// The entries, when it is a list.
    pub fn seq(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// The scalar, when it is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The text, when it is a string.
    pub fn str(&self) -> Option<&str> {
        self.scalar()
            .filter(|s| s.kind == Kind::Text)
            .map(|s| s.text.as_str())
    }

    /// Whether it says the same as `other`, wherever they stand.
    pub fn means(&self, other: &Self) -> bool {
        match (&self.value, &other.value) {
            (Value::Scalar(own), Value::Scalar(other)) => own == other,
            (Value::Seq(own), Value::Seq(other)) => {
                own.len() == other.len() && own.iter().zip(other).all(|(a, b)| a.means(b))
            }
            (Value::Map(own), Value::Map(fields)) => {
                own.len() == fields.len()
                    && own.iter().all(|field| {
                        other
                            .get(&field.key)
                            .is_some_and(|it| it.means(&field.value))
                    })
            }
            _ => false,
        }
    }

    /// Whether it is null.
    pub fn is_null(&self) -> bool {
        self.scalar().is_some_and(|s| s.kind == Kind::Null)
    }

    /// The field called `key`, when it is a mapping that has one.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.map()?.iter().find(|field| field.key == key)
    }

    /// The value of `key`, when it is a mapping that has one.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.field(key).map(|field| &field.value)
    }

    /// Its kind, for a message.
    pub fn describe(&self) -> &'static str {
        match &self.value {
            Value::Seq(_) => "una lista",
            Value::Map(_) => "un mapa",
            Value::Scalar(scalar) => match scalar.kind {
                Kind::Null => "un valor vacío",
                Kind::Bool(_) => "un booleano",
                Kind::Int(_) => "un número entero",
                Kind::Float(_) => "un número",
                Kind::Date => "una fecha",
                Kind::Text => "un texto",
            },
        }
    }
}

impl Scalar {
    /// The string that Compose makes of it where a string is wanted: `0444` is `292`, `1.10` is `1.1`.
    pub fn to_text(&self) -> String {
        match self.kind {
            Kind::Null => String::new(),
            Kind::Bool(value) => value.to_string(),
            Kind::Int(value) => value.to_string(),
            Kind::Float(value) => resolve::float_text(value),
            Kind::Date if self.text.len() <= 10 => format!("{} 00:00:00 +0000 UTC", self.text),
            Kind::Date | Kind::Text => self.text.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
