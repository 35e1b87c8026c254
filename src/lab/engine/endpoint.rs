//! Where an engine may be: the places that Docker's own clients look at, in their order.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::EngineError;

/// Why an address is tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The variable `DOCKER_HOST`.
    DockerHost,
    /// The current docker context, by name.
    Context(String),
    /// One of the places where an engine listens by default.
    Default,
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DockerHost => write!(f, "la variable DOCKER_HOST"),
            Self::Context(name) => write!(f, "el contexto de Docker «{name}»"),
            Self::Default => write!(f, "la dirección por omisión"),
        }
    }
}

/// An address to try, and who gave it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `unix://…`, `tcp://…` or `npipe://…`.
    pub host: String,
    /// Who gave it.
    pub origin: Origin,
}

impl Endpoint {
    /// The socket file, when the address is one.
    #[must_use]
    pub fn socket(&self) -> Option<&Path> {
        self.host.strip_prefix("unix://").map(Path::new)
    }

    /// The host name of a `tcp://` address.
    #[must_use]
    pub fn tcp_host(&self) -> Option<&str> {
        let authority = self
            .host
            .strip_prefix("tcp://")
            .or_else(|| self.host.strip_prefix("http://"))?;
        let authority = authority.split('/').next().unwrap_or(authority);
        if let Some(rest) = authority.strip_prefix('[') {
            return rest.split(']').next();
        }
        Some(
            authority
                .rsplit_once(':')
                .map_or(authority, |(host, _)| host),
        )
    }
}

/// The part of the process's surroundings that decides where to look; a value, so that tests can state it.
pub struct Surroundings<'a> {
    /// Reads an environment variable.
    pub var: &'a dyn Fn(&str) -> Option<String>,
    /// The user's home folder.
    pub home: Option<PathBuf>,
}

/// The addresses to try, first to last. One that was *chosen* (`DOCKER_HOST`, a context) stands alone.
///
/// # Errors
/// When the chosen docker context does not exist, cannot be read, or needs TLS.
pub fn candidates(around: &Surroundings<'_>) -> Result<Vec<Endpoint>, EngineError> {
    let var = |name: &str| (around.var)(name).filter(|value| !value.is_empty());
    if let Some(host) = var("DOCKER_HOST") {
        if var("DOCKER_TLS_VERIFY").is_some() && !host.starts_with("unix://") {
            return Err(EngineError::Unsupported {
                host,
                origin: Origin::DockerHost,
            });
        }
        return Ok(vec![Endpoint {
            host,
            origin: Origin::DockerHost,
        }]);
    }
    let config = var("DOCKER_CONFIG")
        .map(PathBuf::from)
        .or_else(|| around.home.as_ref().map(|home| home.join(".docker")));
    let context = var("DOCKER_CONTEXT").or_else(|| config.as_deref().and_then(current_context));
    if let Some(name) = context.filter(|name| name != "default") {
        let host = context_host(config.as_deref(), &name)?;
        return Ok(vec![Endpoint {
            host,
            origin: Origin::Context(name),
        }]);
    }
    Ok(default_hosts(&var, around.home.as_deref())
        .into_iter()
        .map(|host| Endpoint {
            host,
            origin: Origin::Default,
        })
        .collect())
}

/// `currentContext` of `config.json`; a file that is missing or broken chooses nothing, as with Docker's client.
fn current_context(config: &Path) -> Option<String> {
    #[derive(Deserialize)]
    struct Config {
        #[serde(rename = "currentContext")]
        current_context: Option<String>,
    }
    let text = std::fs::read_to_string(config.join("config.json")).ok()?;
    serde_json::from_str::<Config>(&text)
        .ok()?
        .current_context
        .filter(|name| !name.is_empty())
}

/// The address that a named context stands for.
fn context_host(config: Option<&Path>, name: &str) -> Result<String, EngineError> {
    #[derive(Deserialize)]
    struct Meta {
        #[serde(rename = "Endpoints", default)]
        endpoints: std::collections::BTreeMap<String, Place>,
    }
    #[derive(Deserialize)]
    struct Place {
        #[serde(rename = "Host", default)]
        host: String,
    }
    let broken = |why: String| EngineError::Context {
        name: name.to_owned(),
        why,
    };
    let contexts = config
        .ok_or_else(|| broken("no hay carpeta de configuración de Docker".to_owned()))?
        .join("contexts");
    let id: String = Sha256::digest(name.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let file = contexts.join("meta").join(&id).join("meta.json");
    let text = std::fs::read_to_string(&file).map_err(|error| {
        broken(format!(
            "no existe o no se puede leer ({}: {error})",
            file.display()
        ))
    })?;
    let meta: Meta = serde_json::from_str(&text)
        .map_err(|error| broken(format!("{} no es válido: {error}", file.display())))?;
    let host = meta
        .endpoints
        .get("docker")
        .map(|place| place.host.clone())
        .unwrap_or_default();
    if host.is_empty() {
        return Err(broken(format!(
            "{} no dice dónde está el motor",
            file.display()
        )));
    }
    if contexts.join("tls").join(&id).is_dir() && !host.starts_with("unix://") {
        return Err(EngineError::Unsupported {
            host,
            origin: Origin::Context(name.to_owned()),
        });
    }
    Ok(host)
}

fn default_hosts(var: &dyn Fn(&str) -> Option<String>, home: Option<&Path>) -> Vec<String> {
    if cfg!(windows) {
        return vec![
            "npipe:////./pipe/docker_engine".to_owned(),
            "npipe:////./pipe/dockerDesktopLinuxEngine".to_owned(),
        ];
    }
    let runtime = var("XDG_RUNTIME_DIR").map(PathBuf::from);
    let mut sockets = vec![PathBuf::from("/var/run/docker.sock")];
    sockets.extend(runtime.as_deref().map(|folder| folder.join("docker.sock")));
    if let Some(home) = home {
        sockets.extend(
            [".docker/run/docker.sock", ".docker/desktop/docker.sock"].map(|tail| home.join(tail)),
        );
    }
    sockets.extend(
        runtime
            .as_deref()
            .map(|folder| folder.join("podman/podman.sock")),
    );
    sockets.push(PathBuf::from("/run/podman/podman.sock"));
    sockets
        .into_iter()
        .map(|socket| format!("unix://{}", socket.display()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(vars: &[(&str, &str)], home: &Path) -> Result<Vec<Endpoint>, EngineError> {
        let var = |name: &str| {
            vars.iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        candidates(&Surroundings {
            var: &var,
            home: Some(home.to_owned()),
        })
    }

    fn with_context(name: &str, host: &str) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        let id: String = Sha256::digest(name.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let folder = home.path().join(".docker/contexts/meta").join(id);
        std::fs::create_dir_all(&folder).unwrap();
        let meta = format!(
            r#"{{"Name":"{name}","Metadata":{{}},"Endpoints":{{"docker":{{"Host":"{host}","SkipTLSVerify":false}}}}}}"#
        );
        std::fs::write(folder.join("meta.json"), meta).unwrap();
        home
    }

    #[test]
    fn docker_host_wins_over_everything_and_stands_alone() {
        let home = with_context("lejos", "tcp://10.0.0.9:2375");
        let found = look(
            &[
                ("DOCKER_HOST", "unix:///tmp/x.sock"),
                ("DOCKER_CONTEXT", "lejos"),
            ],
            home.path(),
        )
        .unwrap();
        assert_eq!(
            found,
            [Endpoint {
                host: "unix:///tmp/x.sock".into(),
                origin: Origin::DockerHost
            }]
        );
    }

    #[test]
    fn the_current_context_of_the_configuration_is_followed() {
        let home = with_context("lejos", "tcp://10.0.0.9:2375");
        std::fs::write(
            home.path().join(".docker/config.json"),
            r#"{"currentContext":"lejos"}"#,
        )
        .unwrap();
        let found = look(&[], home.path()).unwrap();
        assert_eq!(
            found,
            [Endpoint {
                host: "tcp://10.0.0.9:2375".into(),
                origin: Origin::Context("lejos".into())
            }]
        );
    }

    #[test]
    fn the_variable_chooses_the_context_over_the_configuration() {
        let home = with_context("cerca", "unix:///run/cerca.sock");
        std::fs::write(
            home.path().join(".docker/config.json"),
            r#"{"currentContext":"lejos"}"#,
        )
        .unwrap();
        let found = look(&[("DOCKER_CONTEXT", "cerca")], home.path()).unwrap();
        assert_eq!(found[0].host, "unix:///run/cerca.sock");
    }

    #[test]
    fn a_context_that_does_not_exist_is_an_error_that_names_it() {
        let home = tempfile::tempdir().unwrap();
        let error = look(&[("DOCKER_CONTEXT", "perdido")], home.path()).unwrap_err();
        assert!(error.to_string().contains("«perdido»"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn the_default_places_are_tried_in_order() {
        let hosts: Vec<String> = look(
            &[
                ("XDG_RUNTIME_DIR", "/run/user/7"),
                ("DOCKER_CONTEXT", "default"),
            ],
            Path::new("/home/ana"),
        )
        .unwrap()
        .into_iter()
        .map(|endpoint| endpoint.host)
        .collect();
        assert_eq!(
            hosts,
            [
                "unix:///var/run/docker.sock",
                "unix:///run/user/7/docker.sock",
                "unix:///home/ana/.docker/run/docker.sock",
                "unix:///home/ana/.docker/desktop/docker.sock",
                "unix:///run/user/7/podman/podman.sock",
                "unix:///run/podman/podman.sock",
            ]
        );
    }

    #[test]
    fn the_host_of_a_tcp_address_is_found_with_and_without_port() {
        let host = |text: &str| {
            Endpoint {
                host: text.into(),
                origin: Origin::DockerHost,
            }
            .tcp_host()
            .map(str::to_owned)
        };
        assert_eq!(host("tcp://docker:2375").as_deref(), Some("docker"));
        assert_eq!(host("tcp://[::1]:2375").as_deref(), Some("::1"));
        assert_eq!(host("tcp://10.1.2.3").as_deref(), Some("10.1.2.3"));
        assert_eq!(host("unix:///x"), None);
    }
}
