//! A secret or a config as one service gets it.

use super::fields::{Fields, Read, invalid, text};
use super::mount::mode;
use crate::submission::location::Location;
use crate::submission::yaml::Node;

/// One entry of `secrets` or `configs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Where the entry is.
    pub location: Location,
    /// The secret's or config's key.
    pub source: String,
    /// The path inside, as written; nothing: `/run/secrets/SOURCE`, or `/SOURCE` for a config.
    pub target: Option<String>,
    /// Owner.
    pub uid: Option<String>,
    /// Group.
    pub gid: Option<String>,
    /// Mode.
    pub mode: Option<u32>,
}

impl Grant {
    /// The absolute path inside when it is granted as a secret.
    pub fn secret_path(&self) -> String {
        match &self.target {
            Some(target) if target.starts_with('/') => target.clone(),
            Some(target) => format!("/run/secrets/{target}"),
            None => format!("/run/secrets/{}", self.source),
        }
    }

    /// The absolute path inside when it is granted as a config.
    pub fn config_path(&self) -> String {
        match &self.target {
            Some(target) if target.starts_with('/') => target.clone(),
            Some(target) => format!("/{target}"),
            None => format!("/{}", self.source),
        }
    }
}

impl Grant {
    pub(super) fn read(node: &Node, key: &str) -> Read<Self> {
        let location = node.location.clone();
        if let Some(source) = text(node) {
            return Ok(Self {
                location,
                source,
                target: None,
                uid: None,
                gid: None,
                mode: None,
            });
        }
        let mut fields = Fields::of(node);
        let Some(source) = fields.plain_text("source")? else {
            return invalid(&location, format!("a esta entrada de `{key}` le falta `source`"));
        };
        Ok(Self {
            location,
            source,
            target: fields.plain_text("target")?,
            uid: fields.plain_text("uid")?,
            gid: fields.plain_text("gid")?,
            mode: fields.node("mode").map(|node| mode(&node)).transpose()?,
        })
    }
}
