//! A secret or a config as one service gets it.

use crate::submission::location::Location;

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
