//! The end of a lab: removing all that carries its label, also when the process that made it is gone.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::Context;
use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder,
    ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder,
    RemoveVolumeOptionsBuilder,
};
use futures_util::future::join_all;

use super::{HOST_LABEL, RUN_LABEL};

/// Held as long as a lab lives: who can lock the file of a lab knows that its process is gone.
pub struct RunLock {
    path: PathBuf,
    _file: File,
}

impl RunLock {
    /// Marks the lab `id` as alive.
    ///
    /// # Errors
    /// When the folder for the marks cannot be written.
    pub fn hold(id: &str) -> anyhow::Result<Self> {
        let dir = runs_dir();
        fs::create_dir_all(&dir)
            .with_context(|| format!("no puedo crear la carpeta `{}`", dir.display()))?;
        share(&dir);
        let path = dir.join(id);
        let file = File::create(&path)
            .with_context(|| format!("no puedo escribir `{}`", path.display()))?;
        file.lock()?;
        Ok(Self { path, _file: file })
    }

    fn alive(id: &str) -> bool {
        let Ok(file) = File::open(runs_dir().join(id)) else {
            return false;
        };
        matches!(file.try_lock(), Err(TryLockError::WouldBlock))
    }
}

impl Drop for RunLock {
    fn drop(&mut self) {
        // Best effort: an unlocked leftover already counts as dead.
        let _ = fs::remove_file(&self.path);
    }
}

/// Where the live labs of this machine, whoever runs them, are marked.
fn runs_dir() -> PathBuf {
    std::env::temp_dir().join("muelle-runs")
}

/// Lets every user of the machine mark labs; only the owner of a mark may remove it.
fn share(dir: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Only its owner can, and for whoever else it is done already.
        let _ = fs::set_permissions(dir, fs::Permissions::from_mode(0o1777));
    }
}

/// The name of this machine: labs of another one on the same engine are not ours to judge dead.
pub fn host() -> String {
    #[cfg(unix)]
    let name = rustix::system::uname()
        .nodename()
        .to_string_lossy()
        .into_owned();
    #[cfg(not(unix))]
    let name = std::env::var("COMPUTERNAME").unwrap_or_default();
    name
}

/// What a reaping removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reaped {
    /// Labs whose process is gone.
    pub runs: usize,
}

/// Removes everything of labs whose process is gone; live ones are left alone.
///
/// # Errors
/// When the engine does not answer.
pub async fn reap(docker: &Docker) -> anyhow::Result<Reaped> {
    let mut reaped = Reaped::default();
    for (run, made_on) in runs(docker).await? {
        if made_on == host() && !RunLock::alive(&run) {
            remove_run(docker, &run).await?;
            reaped.runs += 1;
        }
    }
    Ok(reaped)
}

/// The ids of all labs, living and dead, that have something on the engine, and the machine that each was made on.
///
/// # Errors
/// When the engine does not answer.
pub async fn runs(docker: &Docker) -> anyhow::Result<BTreeMap<String, String>> {
    let filters = HashMap::from([("label", vec![RUN_LABEL])]);
    let mut runs = BTreeMap::new();
    let mut note = |labels: Option<HashMap<String, String>>| {
        let mut labels = labels.unwrap_or_default();
        if let Some(run) = labels.remove(RUN_LABEL) {
            runs.insert(run, labels.remove(HOST_LABEL).unwrap_or_default());
        }
    };
    let containers = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&filters);
    for container in docker.list_containers(Some(containers.build())).await? {
        note(container.labels);
    }
    let images = ListImagesOptionsBuilder::default().filters(&filters);
    for image in docker.list_images(Some(images.build())).await? {
        note(Some(image.labels));
    }
    let networks = ListNetworksOptionsBuilder::default().filters(&filters);
    for network in docker.list_networks(Some(networks.build())).await? {
        note(network.labels);
    }
    let volumes = ListVolumesOptionsBuilder::default().filters(&filters);
    for volume in docker
        .list_volumes(Some(volumes.build()))
        .await?
        .volumes
        .unwrap_or_default()
    {
        note(Some(volume.labels));
    }
    Ok(runs)
}

/// Removes everything of the lab `run`: containers first, then what they held.
///
/// # Errors
/// When the engine does not answer or keeps something.
pub async fn remove_run(docker: &Docker, run: &str) -> anyhow::Result<()> {
    let label = format!("{RUN_LABEL}={run}");
    let filters = HashMap::from([("label", vec![label.as_str()])]);

    let options = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&filters);
    let containers = docker.list_containers(Some(options.build())).await?;
    let removals = containers
        .into_iter()
        .filter_map(|container| container.id)
        .map(|id| async move {
            let options = RemoveContainerOptionsBuilder::default()
                .force(true)
                .v(true)
                .build();
            docker.remove_container(&id, Some(options)).await
        });
    settle(join_all(removals).await)?;

    let options = ListNetworksOptionsBuilder::default().filters(&filters);
    let networks = docker.list_networks(Some(options.build())).await?;
    let removals = networks
        .into_iter()
        .filter_map(|network| network.id)
        .map(|id| async move { docker.remove_network(&id).await });
    let networks = join_all(removals);

    let options = ListVolumesOptionsBuilder::default().filters(&filters);
    let volumes = docker
        .list_volumes(Some(options.build()))
        .await?
        .volumes
        .unwrap_or_default();
    let removals = volumes.into_iter().map(|volume| async move {
        let options = RemoveVolumeOptionsBuilder::default().force(true).build();
        docker.remove_volume(&volume.name, Some(options)).await
    });
    let volumes = join_all(removals);

    let options = ListImagesOptionsBuilder::default().filters(&filters);
    let images = docker.list_images(Some(options.build())).await?;
    let removals = images.into_iter().map(|image| async move {
        let options = RemoveImageOptionsBuilder::default().force(true).build();
        docker
            .remove_image(&image.id, Some(options), None)
            .await
            .map(drop)
    });
    let images = async {
        // One by one: two removals of images that share a parent get in each other's way.
        let mut results = Vec::new();
        for removal in removals {
            results.push(removal.await);
        }
        results
    };
    let (networks, volumes, images) = futures_util::future::join3(networks, volumes, images).await;
    settle(networks)?;
    settle(volumes)?;
    settle(images)
}

/// Passes on the first true failure; something already gone is what was wanted.
fn settle(results: Vec<Result<(), Error>>) -> anyhow::Result<()> {
    for result in results {
        match result {
            Ok(())
            | Err(Error::DockerResponseServerError {
                status_code: 404 | 409,
                ..
            }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
