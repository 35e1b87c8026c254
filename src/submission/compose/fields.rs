//! Takes a mapping apart, key by key; what nobody asks for stays at hand.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{ComposeError, Located, duration, size};
use crate::submission::location::Location;
use crate::submission::yaml::{Field, Kind, Node, Value};

/// The result of reading a part of a compose file.
pub(super) type Read<T> = Result<T, ComposeError>;

/// The fields of a mapping that are still to be read.
pub(super) struct Fields {
    fields: Vec<Field>,
}

pub(super) fn invalid<T>(location: &Location, message: impl Into<String>) -> Read<T> {
    Err(ComposeError::Invalid {
        message: message.into(),
        location: location.clone(),
    })
}

/// Like [`invalid`], for what asks for more than any lab gives.
pub(super) fn excessive<T>(location: &Location, message: impl Into<String>) -> Read<T> {
    Err(ComposeError::Excessive {
        message: message.into(),
        location: location.clone(),
    })
}

/// A boolean in any of the spellings that Compose casts.
pub(super) fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "y" | "yes" | "on" => Some(true),
        "false" | "n" | "no" | "off" => Some(false),
        _ => None,
    }
}

impl Fields {
    /// The fields of `node`; none when it is no mapping (null).
    pub(super) fn of(node: &Node) -> Self {
        Self {
            fields: node.map().unwrap_or_default().to_vec(),
        }
    }

    pub(super) fn take(&mut self, key: &str) -> Option<Field> {
        let at = self.fields.iter().position(|field| field.key == key)?;
        Some(self.fields.remove(at))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.fields.iter().any(|field| field.key == key)
    }

    pub(super) fn node(&mut self, key: &str) -> Option<Node> {
        self.take(key).map(|field| field.value)
    }

    /// What nobody took.
    pub(super) fn rest(self) -> Vec<(String, Node)> {
        self.fields
            .into_iter()
            .map(|field| (field.key, field.value))
            .collect()
    }

    fn map<T>(
        &mut self,
        key: &str,
        read: impl FnOnce(&Node, &str) -> Read<Option<T>>,
    ) -> Read<Option<Located<T>>> {
        let Some(field) = self.take(key) else {
            return Ok(None);
        };
        let location = field.value.location.clone();
        Ok(read(&field.value, key)?.map(|value| Located { value, location }))
    }

    pub(super) fn text(&mut self, key: &str) -> Read<Option<Located<String>>> {
        self.map(key, |node, _| Ok(text(node)))
    }

    pub(super) fn plain_text(&mut self, key: &str) -> Read<Option<String>> {
        Ok(self.text(key)?.map(|text| text.value))
    }

    pub(super) fn flag(&mut self, key: &str) -> Read<Option<Located<bool>>> {
        self.map(key, |node, key| match node.scalar().map(|s| s.kind) {
            Some(Kind::Bool(value)) => Ok(Some(value)),
            Some(Kind::Null) => Ok(None),
            _ => match text(node).as_deref().and_then(boolean) {
                Some(value) => Ok(Some(value)),
                None => invalid(
                    &node.location,
                    format!(
                        "`{key}` tiene que ser `true` o `false`, y es `{}`",
                        shown(node)
                    ),
                ),
            },
        })
    }

    pub(super) fn is(&mut self, key: &str) -> Read<bool> {
        Ok(self.flag(key)?.is_some_and(|flag| flag.value))
    }

    pub(super) fn integer(&mut self, key: &str) -> Read<Option<Located<i64>>> {
        self.map(key, |node, key| integer(node, key).map(Some))
    }

    pub(super) fn count(&mut self, key: &str) -> Read<Option<Located<u64>>> {
        self.map(key, |node, key| match u64::try_from(integer(node, key)?) {
            Ok(value) => Ok(Some(value)),
            Err(_) => invalid(
                &node.location,
                format!("`{key}` no puede ser negativo, y es `{}`", shown(node)),
            ),
        })
    }

    pub(super) fn number(&mut self, key: &str) -> Read<Option<Located<f64>>> {
        self.map(key, |node, key| match shown(node).trim().parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Some(value)),
            _ => invalid(
                &node.location,
                format!("`{key}` tiene que ser un número, y es `{}`", shown(node)),
            ),
        })
    }

    pub(super) fn duration(&mut self, key: &str) -> Read<Option<Located<Duration>>> {
        self.map(key, |node, key| match duration::parse(&shown(node)) {
            Some(value) => Ok(Some(value)),
            None => invalid(
                &node.location,
                format!(
                    "`{key}` no es una duración: `{}`; escribe número y unidad, como `500ms`, `30s` o `1m30s`",
                    shown(node)
                ),
            ),
        })
    }

    /// Bytes; -1 where Compose takes it for "no limit".
    pub(super) fn signed_size(&mut self, key: &str) -> Read<Option<Located<i64>>> {
        self.map(key, |node, key| match size::parse(&shown(node)) {
            // Compose takes a number with a fraction for nothing at all.
            _ if node.scalar().is_some_and(|s| matches!(s.kind, Kind::Float(_))) => Ok(Some(0)),
            Some(value) => Ok(Some(value)),
            None => invalid(
                &node.location,
                format!(
                    "`{key}` no es un tamaño: `{}`; escribe número y unidad, como `256k`, `512M` o `2G`",
                    shown(node)
                ),
            ),
        })
    }

    /// Bytes; a negative number is as if nothing was written.
    pub(super) fn size(&mut self, key: &str) -> Read<Option<Located<u64>>> {
        let Some(Located { value, location }) = self.signed_size(key)? else {
            return Ok(None);
        };
        Ok(u64::try_from(value)
            .ok()
            .map(|value| Located { value, location }))
    }

    /// A list of texts, or one text alone.
    pub(super) fn texts(&mut self, key: &str) -> Vec<Located<String>> {
        let Some(node) = self.node(key) else {
            return Vec::new();
        };
        let one = |node: &Node| {
            text(node).map(|value| Located {
                value,
                location: node.location.clone(),
            })
        };
        match node.seq() {
            Some(items) => items.iter().filter_map(one).collect(),
            None => one(&node).into_iter().collect(),
        }
    }

    /// A list of whatever it holds.
    pub(super) fn nodes(&mut self, key: &str) -> Vec<Node> {
        match self.node(key).map(|node| node.value) {
            Some(Value::Seq(items)) => items,
            _ => Vec::new(),
        }
    }

    /// A mapping whose values may be missing, or a list of `KEY=value` and bare `KEY`.
    pub(super) fn pairs(&mut self, key: &str) -> BTreeMap<String, Located<Option<String>>> {
        let Some(node) = self.node(key) else {
            return BTreeMap::new();
        };
        pairs(&node)
            .into_iter()
            .map(|field| {
                let value = Located {
                    value: text(&field.value),
                    location: field.location,
                };
                (field.key, value)
            })
            .collect()
    }

    /// As [`Fields::pairs`], with a missing value as nothing written.
    pub(super) fn texts_by_key(&mut self, key: &str) -> BTreeMap<String, Located<String>> {
        let filled = |(key, pair): (String, Located<Option<String>>)| {
            let Located { value, location } = pair;
            let value = value.unwrap_or_default();
            (key, Located { value, location })
        };
        self.pairs(key).into_iter().map(filled).collect()
    }
}

/// The string that Compose makes of a scalar; nothing for null and for what is no scalar.
pub(super) fn text(node: &Node) -> Option<String> {
    node.scalar()
        .filter(|s| s.kind != Kind::Null)
        .map(|s| s.to_text())
}

/// What to show of a value in a message.
pub(super) fn shown(node: &Node) -> String {
    node.scalar()
        .map_or_else(|| node.describe().to_owned(), |s| s.to_text())
}

pub(super) fn integer(node: &Node, key: &str) -> Read<i64> {
    let value = match node.scalar().map(|s| (s.kind, s.text.as_str())) {
        Some((Kind::Int(value), _)) => i64::try_from(value).ok(),
        // Compose cuts the fraction off.
        Some((Kind::Float(value), _)) if value.abs() < 1e15 => Some(value as i64),
        Some((Kind::Text, text)) => text.trim().parse().ok(),
        _ => None,
    };
    match value {
        Some(value) => Ok(value),
        None => invalid(
            &node.location,
            format!(
                "`{key}` tiene que ser un número entero, y es `{}`",
                shown(node)
            ),
        ),
    }
}

/// `[A=1, B]` and `{A: 1, B: }` are the same to Compose: fields, whose location is where the pair starts.
pub(super) fn pairs(node: &Node) -> Vec<Field> {
    match &node.value {
        Value::Map(fields) => fields.clone(),
        Value::Seq(items) => items.iter().filter_map(pair).collect(),
        Value::Scalar(_) => Vec::new(),
    }
}

fn pair(node: &Node) -> Option<Field> {
    let written = text(node)?;
    let (key, value) = match written.split_once('=') {
        Some((key, value)) => (key.to_owned(), Some(value)),
        None => (written.clone(), None),
    };
    Some(Field {
        key,
        location: node.location.clone(),
        value: Node::text(value, node.location.clone()),
    })
}
