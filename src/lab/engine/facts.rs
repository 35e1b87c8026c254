//! What an engine is and can do, asked once.

use std::net::IpAddr;

use bollard::Docker;
use bollard::models::{SystemInfo, SystemVersion};
use serde::Serialize;

use super::EngineError;
use super::endpoint::Endpoint;
use super::reach::Reach;

/// Which builder runs the builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Builder {
    /// BuildKit, in every Docker Engine since 18.09.
    Buildkit,
    /// The classic builder; the only one behind Podman's socket.
    Classic,
}

impl std::fmt::Display for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Buildkit => "buildkit",
            Self::Classic => "classic",
        })
    }
}

/// What an engine is and can do.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The engine's version without its packager's suffix, as `20.10.24`.
    pub version: String,
    /// The newest API it speaks, as `1.41`.
    pub api_version: String,
    /// The oldest API it speaks, as `1.12`.
    pub min_api_version: String,
    /// The builder that our builds use.
    pub builder: Builder,
    /// Whether it is Podman behind its compatible socket.
    pub is_podman: bool,
    /// The engine's own word for its system, as `Debian GNU/Linux 12 (bookworm)` or `Docker Desktop`.
    pub operating_system: String,
    /// Whether it runs without root (its networks are then out of our reach).
    pub rootless: bool,
    /// The first of the user ids that the ids in its containers are outside, where they are not the same there.
    pub first_id: Option<u32>,
    /// The storage driver, as `overlay2`.
    pub storage_driver: String,
    /// How its containers are reached over TCP.
    pub reach: Reach,
}

/// The variable that chooses the builder.
const BUILDER_VARIABLE: &str = "MUELLE_BUILDER";

impl Facts {
    /// Asks the engine at `endpoint`.
    ///
    /// # Errors
    /// When the engine does not answer as one, or `MUELLE_BUILDER` has a value that means nothing.
    pub(super) async fn probe(
        docker: &Docker,
        endpoint: &Endpoint,
        reach: Option<Reach>,
    ) -> Result<Self, EngineError> {
        let failed = |error: bollard::errors::Error| EngineError::Facts {
            host: endpoint.host.clone(),
            why: error.to_string(),
        };
        let (version, info) = tokio::try_join!(docker.version(), docker.info()).map_err(failed)?;
        let reach = match reach {
            Some(reach) => reach,
            None => Reach::guess(
                endpoint,
                is_desktop(&info),
                is_rootless(&info),
                bridge_gateway(docker).await,
            ),
        };
        let chosen = std::env::var(BUILDER_VARIABLE).ok();
        Self::read(version, info, chosen.as_deref(), reach)
    }

    fn read(
        version: SystemVersion,
        info: SystemInfo,
        chosen: Option<&str>,
        reach: Reach,
    ) -> Result<Self, EngineError> {
        let is_podman = version
            .components
            .iter()
            .flatten()
            .any(|part| part.name.contains("Podman"));
        let number = version.version.unwrap_or_default();
        let linux = version.os.as_deref().unwrap_or("linux") == "linux";
        let builder = match chosen {
            None | Some("") if !is_podman && linux && has_buildkit(&number) => Builder::Buildkit,
            None | Some("") => Builder::Classic,
            Some("buildkit") => Builder::Buildkit,
            Some("classic") => Builder::Classic,
            Some(other) => {
                return Err(EngineError::Setting {
                    name: BUILDER_VARIABLE,
                    value: other.to_owned(),
                    allowed: "buildkit, classic",
                });
            }
        };
        Ok(Self {
            version: number.split('+').next().unwrap_or_default().to_owned(),
            api_version: version.api_version.unwrap_or_default(),
            min_api_version: version.min_api_version.unwrap_or_default(),
            builder,
            is_podman,
            rootless: is_rootless(&info),
            first_id: first_id(&info),
            operating_system: info.operating_system.unwrap_or_default(),
            storage_driver: info.driver.unwrap_or_default(),
            reach,
        })
    }
}

impl Facts {
    /// What the engine is called.
    #[must_use]
    pub fn product(&self) -> &'static str {
        if self.is_podman {
            "Podman"
        } else {
            "Docker Engine"
        }
    }

    /// Whether its builders read heredocs: those of Docker Engine 23.0 (Dockerfile frontend 1.4) and later do.
    #[must_use]
    pub fn knows_heredocs(&self) -> bool {
        self.is_podman || self.is_modern()
    }

    /// The owner that root's files must be sent with to BuildKit. Before Docker Engine 23.0 it unpacks a context, and
    /// what `ADD` unpacks, with the ids that are written there: on an engine that maps ids, those of outside.
    #[must_use]
    pub fn raw_owner(&self) -> Option<u32> {
        self.first_id.filter(|_| !self.is_modern())
    }

    fn is_modern(&self) -> bool {
        let major = self
            .version
            .split('.')
            .next()
            .and_then(|major| major.parse::<u32>().ok());
        major.is_some_and(|major| major >= 23)
    }

    /// The id inside containers of what is the user or group `id` outside.
    #[must_use]
    pub fn id_inside(&self, id: u32) -> u32 {
        const IDS: u32 = 1 << 16;
        let inside = self.first_id.and_then(|first| id.checked_sub(first));
        inside.filter(|inside| *inside < IDS).unwrap_or(id)
    }
}

/// BuildKit came with Docker Engine 18.09. The `Builder-Version` header cannot tell: it names the *default* builder,
/// which stayed the classic one until 23.0.
fn has_buildkit(version: &str) -> bool {
    let mut numbers = version
        .split(['.', '-', '+'])
        .map_while(|part| part.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (18, 9)
}

fn is_desktop(info: &SystemInfo) -> bool {
    info.operating_system
        .as_deref()
        .is_some_and(|name| name.contains("Docker Desktop"))
}

fn is_rootless(info: &SystemInfo) -> bool {
    info.security_options
        .iter()
        .flatten()
        .any(|option| option.contains("name=rootless"))
}

/// An engine that maps user ids (`--userns-remap`) keeps its data in a folder called by the first user and group.
fn first_id(info: &SystemInfo) -> Option<u32> {
    let mut options = info.security_options.iter().flatten();
    let remaps = options.any(|option| option.contains("name=userns"));
    let (_, folder) = info.docker_root_dir.as_deref()?.rsplit_once('/')?;
    folder.split_once('.')?.0.parse().ok().filter(|_| remaps)
}

/// The engine's own address on its default bridge.
async fn bridge_gateway(docker: &Docker) -> Option<IpAddr> {
    for name in ["bridge", "podman"] {
        let Ok(network) = docker
            .inspect_network(
                name,
                None::<bollard::query_parameters::InspectNetworkOptions>,
            )
            .await
        else {
            continue;
        };
        let subnets = network
            .ipam
            .and_then(|ipam| ipam.config)
            .unwrap_or_default();
        if let Some(gateway) = subnets
            .into_iter()
            .find_map(|subnet| subnet.gateway?.parse().ok())
        {
            return Some(gateway);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::SystemVersionComponents;

    fn version(number: &str, component: &str) -> SystemVersion {
        SystemVersion {
            version: Some(number.into()),
            os: Some("linux".into()),
            components: Some(vec![SystemVersionComponents {
                name: component.into(),
                ..Default::default()
            }]),
            ..Default::default()
        }
    }

    fn read(number: &str, component: &str, chosen: Option<&str>) -> Result<Facts, EngineError> {
        Facts::read(
            version(number, component),
            SystemInfo::default(),
            chosen,
            Reach::Direct,
        )
    }

    #[test]
    fn an_engine_that_does_not_advertise_buildkit_has_it_all_the_same() {
        let facts = read("20.10.24+dfsg1", "Engine", None).unwrap();
        assert_eq!(
            (facts.version.as_str(), facts.builder),
            ("20.10.24", Builder::Buildkit)
        );
    }

    #[test]
    fn an_engine_that_maps_ids_shows_those_of_the_outside() {
        let info = SystemInfo {
            docker_root_dir: Some("/var/lib/docker/100000.100000".into()),
            security_options: Some(vec!["name=seccomp".into(), "name=userns".into()]),
            ..Default::default()
        };
        let facts = Facts::read(version("28.0.0", "Engine"), info, None, Reach::Direct).unwrap();
        assert_eq!(
            [100_000, 110_001, 7].map(|id| facts.id_inside(id)),
            [0, 10_001, 7]
        );
        let plain = read("28.0.0", "Engine", None).unwrap();
        assert_eq!(plain.id_inside(100_000), 100_000);
    }

    #[test]
    fn podman_and_old_engines_build_with_the_classic_builder() {
        assert_eq!(
            read("4.3.1", "Podman Engine", None).unwrap().builder,
            Builder::Classic
        );
        assert_eq!(
            read("18.06.1-ce", "Engine", None).unwrap().builder,
            Builder::Classic
        );
    }

    #[test]
    fn the_variable_chooses_the_builder_and_nonsense_is_refused() {
        assert_eq!(
            read("28.5.2", "Engine", Some("classic")).unwrap().builder,
            Builder::Classic
        );
        let error = read("28.5.2", "Engine", Some("kaniko")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "MUELLE_BUILDER=kaniko no significa nada. Valores posibles: buildkit, classic. Para quitarla: `unset MUELLE_BUILDER`."
        );
    }

    #[test]
    fn the_builder_serialises_as_the_reports_expect() {
        assert_eq!(
            serde_json::to_string(&[Builder::Buildkit, Builder::Classic]).unwrap(),
            r#"["buildkit","classic"]"#
        );
    }
}
