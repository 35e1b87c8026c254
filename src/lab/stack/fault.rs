//! Why a stack does not come up, and who is to blame.

use bollard::errors::Error;

use crate::lab::fault as machine;
use crate::submission::Location;
use crate::submission::compose::Service;
use crate::verdict::Finding;

/// Why a stack does not come up.
#[derive(Debug, thiserror::Error)]
pub enum UpError {
    /// The submission is to blame.
    #[error("{message}")]
    Failed {
        /// What happened, in Spanish, with the engine's own words or Compose's.
        message: String,
        /// The part of the compose file that asked for it.
        location: Location,
    },
    /// The lab does not carry it out, and would rather say so than leave it out.
    #[error("{message}")]
    Refused {
        /// What, and why not, in Spanish.
        message: String,
        /// Where it is asked for.
        location: Location,
    },
    /// The engine lacks something, so that it cannot be tried here.
    #[error("{0}")]
    Unable(String),
    /// The engine or the machine is to blame.
    #[error("el motor falló: {0}")]
    Engine(anyhow::Error),
}

impl UpError {
    pub(super) fn failed(message: impl Into<String>, location: &Location) -> Self {
        Self::Failed {
            message: message.into(),
            location: location.clone(),
        }
    }

    pub(super) fn engine(error: impl Into<anyhow::Error>) -> Self {
        Self::Engine(error.into())
    }

    /// The finding that tells it.
    ///
    /// # Errors
    /// The engine's and the machine's faults stay errors.
    pub fn finding(self) -> anyhow::Result<Finding> {
        match self {
            Self::Failed { message, location } => Ok(Finding::failed(message).at(Some(location))),
            Self::Refused { message, location } => Ok(Finding::refused(message).at(Some(location))),
            Self::Unable(why) => Ok(Finding::unverified(why)),
            Self::Engine(error) => Err(error),
        }
    }
}

/// The engine's error about an object that is written at `location`; `what` is how the sentence begins.
pub(super) fn blame_object(what: &str, location: &Location, error: Error) -> UpError {
    match &error {
        Error::DockerResponseServerError { message, .. } if !machine::is_machines(message) => {
            UpError::failed(format!("{what}: {message}"), location)
        }
        _ => UpError::engine(error),
    }
}

/// Faults at creation and start that come from what the student wrote, and all others.
pub(super) fn blame(service: &Service, error: Error) -> UpError {
    let port = service.ports.iter().find(|port| port.published.is_some());
    match (port, &error) {
        (Some(port), Error::DockerResponseServerError { message, .. })
            if message.contains("port is already allocated")
                || message.contains("address already in use") =>
        {
            UpError::failed(
                format!(
                    "el puerto {} del anfitrión ya es de otro contenedor del proyecto: un puerto fijo solo sirve para uno, también entre réplicas (`port is already allocated`)",
                    port.published.map_or(0, |(first, _)| first)
                ),
                &port.location,
            )
        }
        _ => blame_object(
            &format!("`{}` no arranca", service.name),
            &service.location,
            error,
        ),
    }
}
