//! The networks and volumes of a stack, and what its objects are called.

use std::collections::HashMap;

use bollard::models::{NetworkCreateRequest, VolumeCreateRequest};

use super::fault::blame_object;
use super::{Stack, UpError};
use crate::submission::compose::{MountKind, Service};

/// The keys of the named volumes that `service` mounts.
fn volume_keys(service: &Service) -> impl Iterator<Item = &str> {
    service
        .volumes
        .iter()
        .filter(|mount| mount.kind == MountKind::Volume)
        .filter_map(|mount| mount.source.as_deref())
}

impl Stack<'_> {
    /// Makes the networks and volumes that `services` use and that are not there yet.
    pub(super) async fn prepare(&self, services: &[&Service]) -> Result<(), UpError> {
        let mut made = self.made.lock().await;
        for service in services {
            for attachment in &service.networks {
                let key = &attachment.network;
                if !made.networks.contains_key(key) {
                    let id = self.make_network(key).await?;
                    made.networks.insert(key.clone(), id);
                }
            }
            for key in volume_keys(service) {
                if !made.volumes.contains_key(key) {
                    let name = self.make_volume(key).await?;
                    made.volumes.insert(key.to_owned(), name);
                }
            }
        }
        Ok(())
    }

    async fn make_network(&self, key: &str) -> Result<String, UpError> {
        let Some(declared) = self.project.networks.get(key) else {
            return Err(UpError::engine(anyhow::anyhow!(
                "la red `{key}` no está en el proyecto"
            )));
        };
        let mut labels: HashMap<_, _> = texts(&declared.labels);
        labels.extend(self.compose_labels());
        labels.insert("com.docker.compose.network".into(), key.to_owned());
        let fixed = declared.name.as_ref().map(|name| name.value.as_str());
        let request = NetworkCreateRequest {
            name: self.object_name(key, fixed),
            driver: declared.driver.as_ref().map(|driver| driver.value.clone()),
            internal: declared.internal.as_ref().map(|yes| yes.value),
            attachable: Some(declared.attachable),
            enable_ipv6: declared.enable_ipv6,
            labels: Some(labels),
            ..NetworkCreateRequest::default()
        };
        let created = self.lab.make_network(request).await;
        let blame = |error| {
            let what = format!("la red `{key}` no se puede crear");
            blame_object(&what, &declared.location, error)
        };
        created.map_err(blame)
    }

    async fn make_volume(&self, key: &str) -> Result<String, UpError> {
        let declared = self.project.volumes.get(key);
        let mut labels = declared
            .map(|volume| texts(&volume.labels))
            .unwrap_or_default();
        labels.extend(self.compose_labels());
        labels.insert("com.docker.compose.volume".into(), key.to_owned());
        let fixed = declared.and_then(|volume| volume.name.as_ref());
        let driver = declared.and_then(|volume| volume.driver.as_ref());
        let request = VolumeCreateRequest {
            name: Some(self.object_name(key, fixed.map(|name| name.value.as_str()))),
            driver: driver.map(|driver| driver.value.clone()),
            labels: Some(labels),
            ..VolumeCreateRequest::default()
        };
        let created = self.lab.docker().create_volume(request).await;
        let volume = created.map_err(|error| match declared {
            Some(declared) => {
                let what = format!("el volumen `{key}` no se puede crear");
                blame_object(&what, &declared.location, error)
            }
            None => UpError::engine(error),
        })?;
        Ok(volume.name)
    }

    /// The name on the engine of a network or volume: what Compose would call it, behind the lab's own. Two keys
    /// with one `name` are one object, as with Compose.
    fn object_name(&self, key: &str, fixed: Option<&str>) -> String {
        let own = match fixed {
            Some(name) => name.to_owned(),
            None => format!("{}_{key}", self.project.name),
        };
        format!("muelle-{}-{}-{own}", self.lab.id(), self.name)
    }

    /// What Compose would call a container: the name by which siblings find it too.
    pub(super) fn compose_name(&self, service: &Service, number: u64) -> String {
        match &service.container_name {
            Some(name) => name.value.clone(),
            None => format!("{}-{}-{number}", self.project.name, service.name),
        }
    }

    /// The labels of everything that the stack makes. The project's name in them is not the student's own: a
    /// `docker compose` in the student's folder must not take our containers for its own.
    pub(super) fn compose_labels(&self) -> HashMap<String, String> {
        let mut labels = self.lab.labels();
        labels.insert(
            "com.docker.compose.project".into(),
            format!("muelle-{}-{}", self.lab.id(), self.name),
        );
        labels
    }
}

/// Texts by key, without their places.
pub(super) fn texts<'t>(
    located: impl IntoIterator<Item = (&'t String, &'t crate::submission::compose::Located<String>)>,
) -> HashMap<String, String> {
    located
        .into_iter()
        .map(|(key, text)| (key.clone(), text.value.clone()))
        .collect()
}
