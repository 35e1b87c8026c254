//! Secrets and configs whose content is no file: Compose copies them into the container before it starts.

use bollard::query_parameters::UploadToContainerOptionsBuilder;

use super::fault::blame;
use super::{Stack, UpError};
use crate::lab::container::Container;
use crate::submission::compose::{Grant, Provided, Provider, Service, Warning};

/// Who may read what says nothing about it.
const MODE: u32 = 0o444;

impl Stack<'_> {
    /// Warns of the secrets of `service` whose file is not there, which the engine then misses.
    pub(super) fn warn_of_missing(&self, service: &Service) {
        for grant in &service.secrets {
            let Some(provided) = self.project.secrets.get(&grant.source) else {
                continue;
            };
            let Provider::File(path) = &provided.provider.value else {
                continue;
            };
            if !self.dir.join(path).exists() {
                self.warn(Warning {
                    message: format!(
                        "no existe el archivo `{path}` del secreto `{}` (Compose avisa: `secret file {} does not exist`)",
                        grant.source,
                        self.full_name(&grant.source, provided)
                    ),
                    location: provided.provider.location.clone(),
                });
            }
        }
    }

    /// What Compose calls a secret or config.
    fn full_name(&self, key: &str, provided: &Provided) -> String {
        match &provided.name {
            Some(name) => name.value.clone(),
            None => format!("{}_{key}", self.project.name),
        }
    }

    /// Copies into `container` what `service` is granted and no file holds.
    pub(super) async fn inject(
        &self,
        service: &Service,
        container: &Container<'_>,
    ) -> Result<(), UpError> {
        let secrets = service.secrets.iter().map(|grant| {
            let provided = self.project.secrets.get(&grant.source);
            ("el secreto", "secret", grant, grant.secret_path(), provided)
        });
        let configs = service.configs.iter().map(|grant| {
            let provided = self.project.configs.get(&grant.source);
            (
                "la configuración",
                "config",
                grant,
                grant.config_path(),
                provided,
            )
        });
        for (what, kind, grant, path, provided) in secrets.chain(configs) {
            let Some(provided) = provided else { continue };
            let source = &grant.source;
            let full = self.full_name(source, provided);
            let content = match &provided.provider.value {
                Provider::File(_) | Provider::External => continue,
                Provider::Content(text) => text.clone(),
                Provider::Environment(name) => match self.project.environment.get(name) {
                    Some(value) => value.clone(),
                    None => {
                        return Err(UpError::failed(
                            format!(
                                "{what} `{source}` sale de la variable `{name}`, que no está definida (Compose dice: `environment variable \"{name}\" required by {kind} \"{full}\" is not set`)"
                            ),
                            &provided.provider.location,
                        ));
                    }
                },
            };
            if service.read_only.as_ref().is_some_and(|yes| yes.value) {
                return Err(UpError::failed(
                    format!(
                        "{what} `{source}` no sale de un archivo y `{}` es de solo lectura: Compose no puede escribirlo dentro; usa `file` (Compose dice: `cannot create {kind} \"{full}\" in read-only service {}: `file` is the sole supported option`)",
                        service.name, service.name
                    ),
                    &grant.location,
                ));
            }
            let (uid, gid) = (
                owner(grant, "uid", &grant.uid)?,
                owner(grant, "gid", &grant.gid)?,
            );
            let archive = archive(
                &path,
                grant.mode.unwrap_or(MODE),
                (uid, gid),
                content.as_bytes(),
            );
            let archive = archive.map_err(UpError::Engine)?;
            let options = UploadToContainerOptionsBuilder::default()
                .path("/")
                .copy_uidgid("true")
                .build();
            let docker = self.lab.docker();
            docker
                .upload_to_container(
                    container.id(),
                    Some(options),
                    bollard::body_full(archive.into()),
                )
                .await
                .map_err(|error| blame(service, error))?;
        }
        Ok(())
    }
}

/// The number in `uid` or `gid`; root when nothing is written.
fn owner(grant: &Grant, key: &str, written: &Option<String>) -> Result<u64, UpError> {
    let written = written.as_deref().unwrap_or("0");
    written.parse().map_err(|_| {
        let message = format!(
            "`{key}: {written}` de `{}` no es un número, y Compose no sabe de nombres del contenedor: escribe el número",
            grant.source
        );
        UpError::failed(message, &grant.location)
    })
}

/// One file, as `docker cp` sends it.
fn archive(path: &str, mode: u32, owner: (u64, u64), content: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(mode);
    header.set_uid(owner.0);
    header.set_gid(owner.1);
    let mut archive = tar::Builder::new(Vec::new());
    archive.append_data(&mut header, path.trim_start_matches('/'), content)?;
    Ok(archive.into_inner()?)
}
