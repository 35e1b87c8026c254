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
mod swarm;
pub mod variables;

use std::collections::BTreeMap;

use loader::Loader;
use variables::Variables;

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
pub use variables::{Source, VariableUse};

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
    /// Active profiles, instead of those of `COMPOSE_PROFILES`; `*` activates all.
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
    /// Every place that names a variable, in all files read.
    pub variables: Vec<VariableUse>,
    /// What the `.env` files define (those of `--env-file` and `include` too); Compose itself reads the names
    /// that start with `COMPOSE_` and `DOCKER_`.
    pub dotenv: Vec<(String, Location)>,
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
    /// More is asked for than any lab gives, though Compose itself would try.
    #[error("{location}: {message}")]
    Excessive {
        /// In Spanish, with the way out.
        message: String,
        /// Where.
        location: Location,
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
            Self::Invalid { location, .. }
            | Self::Excessive { location, .. }
            | Self::Outside { location, .. } => Some(location),
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
    read(request).map_err(|mut faults| faults.swap_remove(0))
}

/// Everything independent that keeps Compose from loading the project, in order; [`load`] gives the first.
/// A file that is no YAML has one fault; one with unknown keys or wrong types has them all.
pub fn faults(request: &Request) -> Vec<ComposeError> {
    read(request).err().unwrap_or_default()
}

/// [`load`], with all faults: at least one.
fn read(request: &Request) -> Result<Option<Loaded>, Vec<ComposeError>> {
    let one = |fault| vec![fault];
    let mut variables = Variables::new(request.shell);
    let mut environment = files::environment(request, &mut variables).map_err(one)?;
    let mut loader = Loader::new(request.snapshot, variables);
    let files = files::compose_files(request, &environment, &mut loader.warnings).map_err(one)?;
    let Some(first) = files.first() else {
        return Ok(None);
    };
    let dir = paths::folder(first).to_owned();
    let given = environment.get("COMPOSE_PROJECT_NAME");
    let given = given.filter(|name| !name.is_empty()).cloned();
    let fallback = given.clone().unwrap_or(request.project.to_owned());
    let mut name = assemble::normal(&fallback);
    if given.is_none() {
        name = files::name(request.snapshot, &files, &environment).unwrap_or(name);
    }
    environment.insert("COMPOSE_PROJECT_NAME".to_owned(), name.clone());
    let files: Vec<(String, Location)> = files
        .into_iter()
        .map(|file| (file.clone(), Location::line(file, 1)))
        .collect();
    let root = match loader.load(&files, &dir, &environment, 0) {
        Ok(root) => root,
        Err(fault) if loader.faults.contains(&fault) => return Err(loader.faults),
        Err(fault) => return Err(one(fault)),
    };
    if given.is_none() {
        name = assemble::name(&root).unwrap_or(name);
    }
    environment.insert("COMPOSE_PROJECT_NAME".to_owned(), name.clone());
    loader.warnings.extend(swarm::warnings(&root));
    let mut project =
        assemble::project(&root, environment.clone(), &profiles(request, &environment))
            .map_err(one)?;
    project.name = name;
    project.files = loader.read;
    project.version = loader.version.and_then(|node| {
        let value = fields::text(&node)?;
        let location = node.location;
        Some(Located { value, location })
    });
    let mut variables = loader.variables;
    variables.bare_names(&root);
    environment::complete(&mut project, request.snapshot, &mut variables).map_err(one)?;
    let faults = check::check(&project);
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Some(Loaded {
        project,
        warnings: loader.warnings,
        variables: variables.uses,
        dotenv: variables.dotenv,
    }))
}

/// The profiles asked for, or else those of `COMPOSE_PROFILES`.
fn profiles(request: &Request, environment: &BTreeMap<String, String>) -> Vec<String> {
    if !request.profiles.is_empty() {
        return request.profiles.to_vec();
    }
    let named = environment.get("COMPOSE_PROFILES");
    let names = named.map_or("", String::as_str).split(',');
    names
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod hostile;
