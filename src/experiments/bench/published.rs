//! The image started as `docker run -P` would: every port that it announces on one of the host's own.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use bollard::models::NetworkCreateRequest;

use super::{Bench, Image};
use crate::lab::container::Container;
use crate::lab::engine::Reach;
use crate::lab::token;

/// Published ports are for this machine alone.
const BINDING: (&str, &str) = ("com.docker.network.bridge.host_binding_ipv4", "127.0.0.1");

/// A container with all its ports published.
pub struct Published<'lab> {
    /// The container.
    pub container: Container<'lab>,
    /// Port with its protocol (`8000/tcp`) → port of the host.
    pub ports: BTreeMap<String, u16>,
    host: String,
}

impl<'lab> Bench<'lab> {
    /// Starts the image as `docker run -P`. The inner error is why it does not start, for the student.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn start_published(
        &self,
        image: &Image,
    ) -> anyhow::Result<Result<Published<'lab>, String>> {
        let name = format!("publicada-{}", token(6).to_lowercase());
        let network = NetworkCreateRequest {
            name: format!("muelle-{}-{name}", self.lab.id()),
            driver: Some("bridge".into()),
            labels: Some(self.lab.labels()),
            options: Some(HashMap::from([(
                BINDING.0.to_owned(),
                BINDING.1.to_owned(),
            )])),
            ..NetworkCreateRequest::default()
        };
        let network = self.lab.make_network(network).await?;
        let started = self.start_run(&image.built, &name, |body| {
            let host = body.host_config.get_or_insert_default();
            host.network_mode = Some(network);
            host.publish_all_ports = Some(true);
        });
        let container = match started.await? {
            Ok(container) => container,
            Err(trouble) => return Ok(Err(trouble)),
        };
        let host = match &self.lab.engine().facts().reach {
            Reach::Published(host) => host.clone(),
            Reach::Direct | Reach::Namespace(_) => BINDING.1.to_owned(),
        };
        Ok(Ok(Published {
            ports: container.all_published().await?,
            container,
            host,
        }))
    }
}

impl Published<'_> {
    /// The ports of the container that HTTP can go through, with those of the host that lead there.
    pub fn tcp(&self) -> impl Iterator<Item = (&str, u16)> {
        let ports = self.ports.iter();
        ports.filter_map(|(port, host)| Some((port.strip_suffix("/tcp")?, *host)))
    }

    /// Where `port` of the host is reached.
    ///
    /// # Errors
    /// When the host has no address.
    pub async fn at(&self, port: u16) -> anyhow::Result<Option<SocketAddr>> {
        let mut found = tokio::net::lookup_host((self.host.as_str(), port)).await?;
        Ok(found.next())
    }
}
