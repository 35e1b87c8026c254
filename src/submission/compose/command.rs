//! `command` and `entrypoint`.

use crate::submission::location::Location;

/// A `command` or an `entrypoint` that is written, be it as null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Where the value is.
    pub location: Location,
    /// The words; Compose takes a string apart as a shell would, but runs no shell.
    pub words: Vec<String>,
    /// How it is written.
    pub form: Form,
}

/// How a command is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Form {
    /// Null: the image's own stays, as if the key was not there.
    Null,
    /// One string, as written. An empty one clears the image's own.
    Text(String),
    /// A list. An empty one clears the image's own.
    List,
}
