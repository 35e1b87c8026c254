//! What a container mounts.

use bollard::models::{
    Mount, MountBindOptions, MountBindOptionsPropagationEnum as Propagation, MountTmpfsOptions,
    MountType, MountVolumeOptions,
};

use super::Translation;
use crate::submission::compose::mount::Mount as Written;
use crate::submission::compose::{Grant, MountKind, Provided, Provider};

impl Translation<'_, '_> {
    /// Host folders, which the engine makes where they are missing, and named volumes in the old form, all other mounts
    /// in the new one: the same division as Compose's.
    pub fn mounts(&self) -> (Vec<String>, Vec<Mount>) {
        let (mut binds, mut mounts) = (Vec::new(), Vec::new());
        for written in &self.service.volumes {
            let named = self.volume(written).filter(|_| !written.nocopy);
            let made = written.create_host_path && written.propagation.is_none();
            match (written.kind, named) {
                (MountKind::Bind, _) if made => {
                    let source = self.host_path(written.source.as_deref().unwrap_or("."));
                    binds.push(bind(&source, written));
                }
                (MountKind::Volume, Some(name)) => binds.push(bind(name, written)),
                _ => mounts.push(self.mount(written)),
            }
        }
        let project = &self.stack.project;
        let secrets = self.service.secrets.iter();
        let secrets = secrets.map(|it| (it.secret_path(), project.secrets.get(&it.source)));
        let configs = self.service.configs.iter();
        let configs = configs.map(|it: &Grant| (it.config_path(), project.configs.get(&it.source)));
        for (target, provided) in secrets.chain(configs) {
            let taken = mounts.iter().any(|it| it.target.as_ref() == Some(&target))
                || self.service.volumes.iter().any(|it| it.target == target);
            match provided.map(|it: &Provided| &it.provider.value) {
                Some(Provider::File(path)) if !taken => mounts.push(Mount {
                    target: Some(target),
                    source: Some(self.host_path(path)),
                    typ: Some(MountType::BIND),
                    read_only: Some(true),
                    ..Mount::default()
                }),
                // Copied in before the start.
                _ => {}
            }
        }
        (binds, mounts)
    }

    fn host_path(&self, path: &str) -> String {
        let dir = &self.stack.dir;
        let path = if path == "." {
            dir.clone()
        } else {
            dir.join(path)
        };
        path.to_string_lossy().into_owned()
    }

    /// The volume on the engine that stands for a named one.
    fn volume(&self, written: &Written) -> Option<&String> {
        self.volumes.get(written.source.as_ref()?)
    }

    fn mount(&self, written: &Written) -> Mount {
        let source = written.source.as_deref();
        let (typ, source) = match written.kind {
            MountKind::Bind => (MountType::BIND, Some(self.host_path(source.unwrap_or(".")))),
            MountKind::Tmpfs => (MountType::TMPFS, None),
            _ => (MountType::VOLUME, self.volume(written).cloned()),
        };
        Mount {
            target: Some(written.target.clone()),
            source,
            typ: Some(typ),
            read_only: Some(written.read_only),
            bind_options: written
                .propagation
                .as_deref()
                .map(|propagation| MountBindOptions {
                    propagation: Some(match propagation {
                        "private" => Propagation::PRIVATE,
                        "shared" => Propagation::SHARED,
                        "rshared" => Propagation::RSHARED,
                        "slave" => Propagation::SLAVE,
                        "rslave" => Propagation::RSLAVE,
                        _ => Propagation::RPRIVATE,
                    }),
                    ..MountBindOptions::default()
                }),
            volume_options: written.nocopy.then(|| MountVolumeOptions {
                no_copy: Some(true),
                ..MountVolumeOptions::default()
            }),
            tmpfs_options: (written.kind == MountKind::Tmpfs).then(|| MountTmpfsOptions {
                size_bytes: written.tmpfs_size.and_then(|size| i64::try_from(size).ok()),
                mode: written.tmpfs_mode.map(i64::from),
                ..MountTmpfsOptions::default()
            }),
            ..Mount::default()
        }
    }
}

/// `SOURCE:TARGET:OPTIONS`.
fn bind(source: &str, written: &Written) -> String {
    let mut options = vec![if written.read_only { "ro" } else { "rw" }.to_owned()];
    let relabelled = written.other.iter().find(|(key, _)| key == "selinux");
    options.extend(relabelled.and_then(|(_, label)| label.str().map(str::to_owned)));
    format!("{source}:{}:{}", written.target, options.join(","))
}
