//! Compose files: discovered, interpolated, merged and checked as Docker Compose does it,
//! into a [`Project`] whose parts know where they were written. No engine is asked.

mod assemble;
pub mod build;
mod check;
pub mod command;
pub mod deploy;
mod duration;
mod environment;
mod fields;
mod files;
pub mod grant;
pub mod health;
mod hosts;
mod loader;
mod merge;
pub mod mount;
pub mod network;
mod paths;
pub mod port;
pub mod project;
mod schema;
pub mod service;
mod size;

use std::collections::BTreeMap;

use super::dotenv::DotenvError;
use super::location::Location;
use super::snapshot::Snapshot;
use super::yaml::YamlError;

pub use build::Build;
pub use command::{Command, Form as CommandForm};
pub use deploy::{Deploy, Resources};
pub use files::found_in;
pub use grant::Grant;
pub use health::{Healthcheck, Test};
pub use mount::{Mount, MountKind};
pub use network::{Attachment, Network};
pub use port::Port;
pub use project::{Project, Provided, Provider, Volume};
pub use service::{Condition, Dependency, Service};

/// What to load, and in which surroundings.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The submission.
    pub snapshot: &'a Snapshot,
    /// The environment of the shell that would call `docker compose`; it wins over `.env`.
    pub shell: &'a BTreeMap<String, String>,
    /// Compose files in the order of `-f`; empty: `compose.yaml`, `compose.yml`, `docker-compose.yaml`
    /// or `docker-compose.yml`, whichever comes first, and its `.override` file.
    pub files: &'a [String],
    /// Files as for `--env-file`; empty: `.env` when there is one.
    pub env_files: &'a [String],
    /// Active profiles; `*` activates all.
    pub profiles: &'a [String],
    /// The project's name when no file says `name:`.
    pub project: &'a str,
}

/// A project and what Compose would have warned about.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The project.
    pub project: Project,
    /// In the order they were met.
    pub warnings: Vec<Warning>,
}

/// Something that Compose says and goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// In Spanish, quoting what Compose prints.
    pub message: String,
    /// Where.
    pub location: Location,
}

/// Why there is no project.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// The files say something that Compose refuses.
    #[error("{location}: {message}")]
    Invalid {
        /// In Spanish, with the way out.
        message: String,
        /// Where.
        location: Location,
    },
    /// A file asked for is not in the submission.
    #[error("{message}")]
    Missing {
        /// In Spanish, with the way out.
        message: String,
        /// The path asked for.
        path: String,
        /// Where it is asked for; nothing when it was asked for on the command line.
        location: Option<Location>,
    },
    /// A file is named that lies outside of the submission: nothing out there is ever read.
    #[error("{location}: {message}")]
    Outside {
        /// In Spanish.
        message: String,
        /// The path as it was written.
        path: String,
        /// Where it is named.
        location: Location,
    },
}

impl From<YamlError> for ComposeError {
    fn from(YamlError { message, location }: YamlError) -> Self {
        Self::Invalid { message, location }
    }
}

impl From<DotenvError> for ComposeError {
    fn from(DotenvError { message, location }: DotenvError) -> Self {
        Self::Invalid { message, location }
    }
}

impl ComposeError {
    /// Where the fault is, when it is in a file.
    pub fn location(&self) -> Option<&Location> {
        match self {
            Self::Invalid { location, .. } | Self::Outside { location, .. } => Some(location),
            Self::Missing { location, .. } => location.as_ref(),
        }
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where.
    pub location: Location,
}

impl<T> std::ops::Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

/// Reads the project of a submission as `docker compose config` would; nothing when it has no compose file.
///
/// # Errors
/// [`ComposeError`], with the place, when Compose itself would stop or a file lies outside of the submission.
pub fn load(request: &Request) -> Result<Option<Loaded>, ComposeError> {
    let mut environment = files::environment(request)?;
    let mut loader = loader::Loader::new(request.snapshot);
    let files = files::compose_files(request, &environment, &mut loader.warnings)?;
    let Some(first) = files.first() else {
        return Ok(None);
    };
    let dir = paths::folder(first).to_owned();
    let fallback = match environment
        .get("COMPOSE_PROJECT_NAME")
        .filter(|name| !name.is_empty())
    {
        Some(name) => name.clone(),
        None => request.project.to_owned(),
    };
    let named_outside = environment.contains_key("COMPOSE_PROJECT_NAME");
    environment.insert(
        "COMPOSE_PROJECT_NAME".to_owned(),
        assemble::normal(&fallback),
    );
    let files: Vec<(String, Location)> = files
        .into_iter()
        .map(|file| (file.clone(), Location::line(file, 1)))
        .collect();
    let root = loader.load(&files, &dir, &environment, 0)?;
    let name = match assemble::name(&root) {
        Some(name) if !named_outside => name,
        _ => assemble::normal(&fallback),
    };
    environment.insert("COMPOSE_PROJECT_NAME".to_owned(), name.clone());
    let mut profiles = request.profiles.to_vec();
    let named = environment
        .get("COMPOSE_PROFILES")
        .map_or("", String::as_str);
    profiles.extend(
        named
            .split(',')
            .filter(|profile| !profile.is_empty())
            .map(str::to_owned),
    );
    let mut project = assemble::project(&root, environment, &profiles)?;
    project.name = name;
    project.files = loader.read;
    project.version = loader.version.and_then(|node| {
        let value = fields::text(&node)?;
        let location = node.location;
        Some(Located { value, location })
    });
    environment::complete(&mut project, request.snapshot)?;
    check::check(&project)?;
    Ok(Some(Loaded {
        project,
        warnings: loader.warnings,
    }))
}

#[cfg(test)]
mod tests;
