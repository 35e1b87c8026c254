//! The end of a lab: removing all that carries its label, also when the process that made it is gone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerSummary, ContainerSummaryStateEnum as State};
use bollard::query_parameters::{
    ListContainersOptionsBuilder, ListImagesOptionsBuilder, ListNetworksOptionsBuilder,
    ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder,
    RemoveVolumeOptionsBuilder,
};
use futures_util::future::join_all;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{RUN_LABEL, anchor, limits};

/// How long an anchor that is made but not started still counts as on its way up.
const RISING: Duration = Duration::from_secs(15);

/// How long an anchor may outlive its process: the engine has to notice, and may still be busy with its start.
const LINGER: Duration = Duration::from_secs(1);

/// Pause between two looks while something is undecided or on its way.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// How often a removal is tried before what stays is someone else's matter.
const PASSES: usize = 20;

/// What a reaping removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reaped {
    /// Labs whose process is gone.
    pub runs: usize,
}

/// Whether the process of a lab lives, as its anchor shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Alive,
    /// The anchor was made a moment ago and is not started yet, or never will be.
    Rising,
    Dead,
}

/// Removes everything of labs whose process is gone; live ones, of whatever machine, are left alone.
///
/// # Errors
/// When the engine does not answer, or takes longer than [`limits::CLOSE`].
pub async fn reap(docker: &Docker) -> anyhow::Result<Reaped> {
    within(limits::CLOSE, reap_patiently(docker)).await
}

async fn reap_patiently(docker: &Docker) -> anyhow::Result<Reaped> {
    let begun = Instant::now();
    let mut reaped = BTreeSet::new();
    let mut passes = 0;
    loop {
        // Who lives now and at the end of this time really lives.
        let lingered = begun.elapsed() > LINGER;
        let lives = lives(docker).await?;
        let dead = lives.iter().filter(|(_, life)| **life == Life::Dead);
        let dead: Vec<_> = dead.map(|(run, _)| run.clone()).collect();
        let mut others = lives.values().filter(|life| **life != Life::Dead);
        let undecided = others.any(|life| *life == Life::Rising || !lingered);
        passes += usize::from(!dead.is_empty());
        if passes > PASSES || (dead.is_empty() && !undecided) {
            return Ok(Reaped { runs: reaped.len() });
        }
        for run in dead {
            clear(docker, &run).await?;
            unmoor(docker, &run).await?;
            reaped.insert(run);
        }
        if undecided {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// The ids of all labs, living and dead, that have something on the engine.
///
/// # Errors
/// When the engine does not answer.
pub async fn runs(docker: &Docker) -> anyhow::Result<BTreeSet<String>> {
    Ok(lives(docker).await?.into_keys().collect())
}

async fn lives(docker: &Docker) -> anyhow::Result<BTreeMap<String, Life>> {
    let filters = HashMap::from([("label", vec![RUN_LABEL])]);
    let mut lives = BTreeMap::new();
    let mut note = |labels: Option<HashMap<String, String>>| {
        if let Some(run) = labels.unwrap_or_default().remove(RUN_LABEL) {
            lives.entry(run).or_insert(Life::Dead);
        }
    };
    let images = ListImagesOptionsBuilder::default()
        .all(true)
        .filters(&filters);
    for image in docker.list_images(Some(images.build())).await? {
        note(Some(image.labels));
    }
    let networks = ListNetworksOptionsBuilder::default().filters(&filters);
    for network in docker.list_networks(Some(networks.build())).await? {
        note(network.labels);
    }
    let volumes = ListVolumesOptionsBuilder::default().filters(&filters);
    let volumes = docker.list_volumes(Some(volumes.build())).await?.volumes;
    for volume in volumes.unwrap_or_default() {
        note(Some(volume.labels));
    }
    // Last, because an anchor is made before everything else of its lab and goes after it.
    let containers = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&filters);
    let containers = docker.list_containers(Some(containers.build())).await?;
    for container in &containers {
        note(container.labels.clone());
    }
    let mut now = None;
    for container in containers {
        let Some(run) = anchored(&container) else {
            continue;
        };
        let life = match container.state {
            Some(State::RUNNING | State::PAUSED | State::RESTARTING) => Life::Alive,
            Some(State::CREATED) => {
                let now = match now {
                    Some(now) => now,
                    None => *now.insert(clock(docker).await?),
                };
                let age = now - container.created.unwrap_or(0);
                if age.unsigned_abs() < RISING.as_secs() {
                    Life::Rising
                } else {
                    Life::Dead
                }
            }
            _ => Life::Dead,
        };
        lives.insert(run, life);
    }
    Ok(lives)
}

/// The lab whose anchor this container is. By its name: a label of it could be a submission's own.
fn anchored(container: &ContainerSummary) -> Option<String> {
    let run = container.labels.as_ref()?.get(RUN_LABEL)?;
    let name = format!("/{}", anchor::name(run));
    let mut names = container.names.iter().flatten();
    names.any(|own| *own == name).then(|| run.clone())
}

/// The engine's own time, in seconds.
async fn clock(docker: &Docker) -> anyhow::Result<i64> {
    let time = docker.info().await?.system_time.unwrap_or_default();
    Ok(OffsetDateTime::parse(&time, &Rfc3339)?.unix_timestamp())
}

/// Removes everything of the lab `run`, its anchor last. What a request that was given up still brings about is
/// waited for, as long as it shows.
///
/// # Errors
/// When the engine does not answer within `limit`, or keeps something.
pub async fn remove_run(docker: &Docker, run: &str, limit: Duration) -> anyhow::Result<()> {
    let removed = async {
        clear(docker, run).await?;
        unmoor(docker, run).await
    };
    within(limit, removed).await
}

async fn within<T>(
    limit: Duration,
    work: impl Future<Output = anyhow::Result<T>>,
) -> anyhow::Result<T> {
    tokio::time::timeout(limit, work)
        .await
        .unwrap_or_else(|_| anyhow::bail!("no acabó en {} s", limit.as_secs()))
}

/// Removes the anchor of the lab `run`.
async fn unmoor(docker: &Docker, run: &str) -> anyhow::Result<()> {
    settle([remove_container(docker, &anchor::name(run)).await])
}

/// Removes everything of the lab `run` but its anchor: containers first, then what they held; again until nothing
/// is left.
///
/// # Errors
/// When the engine does not answer or keeps something.
pub(super) async fn clear(docker: &Docker, run: &str) -> anyhow::Result<()> {
    for pass in 0..PASSES {
        if !sweep(docker, run).await? {
            return Ok(());
        }
        if pass > 0 {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
    anyhow::bail!("el motor no suelta todo lo de `{run}`")
}

/// One pass of [`clear`]; tells whether there was anything.
async fn sweep(docker: &Docker, run: &str) -> anyhow::Result<bool> {
    let label = format!("{RUN_LABEL}={run}");
    let filters = HashMap::from([("label", vec![label.as_str()])]);

    let options = ListContainersOptionsBuilder::default()
        .all(true)
        .filters(&filters);
    let containers = docker.list_containers(Some(options.build())).await?;
    let containers: Vec<_> = containers
        .into_iter()
        .filter(|container| anchored(container).is_none())
        .filter_map(|container| container.id)
        .collect();
    let removals = containers.iter().map(|id| remove_container(docker, id));
    settle(join_all(removals).await)?;

    let options = ListNetworksOptionsBuilder::default().filters(&filters);
    let networks = docker.list_networks(Some(options.build())).await?;
    let networks: Vec<_> = networks
        .into_iter()
        .filter_map(|network| network.id)
        .collect();
    let volumes = ListVolumesOptionsBuilder::default().filters(&filters);
    let volumes = docker.list_volumes(Some(volumes.build())).await?.volumes;
    let volumes = volumes.unwrap_or_default();
    let options = ListImagesOptionsBuilder::default()
        .all(true)
        .filters(&filters);
    let images = docker.list_images(Some(options.build())).await?;
    let found = containers.len() + networks.len() + volumes.len() + images.len() > 0;

    let networks = join_all(networks.iter().map(|id| docker.remove_network(id)));
    let volumes = join_all(volumes.iter().map(|volume| {
        let options = RemoveVolumeOptionsBuilder::default().force(true).build();
        docker.remove_volume(&volume.name, Some(options))
    }));
    let images = async {
        // One by one and the newest first: two removals of images that share a parent get in each other's way.
        let mut results = Vec::new();
        for image in &images {
            let options = RemoveImageOptionsBuilder::default().force(true).build();
            let removed = docker.remove_image(&image.id, Some(options), None).await;
            results.push(removed.map(drop));
        }
        results
    };
    let (networks, volumes, images) = futures_util::future::join3(networks, volumes, images).await;
    settle(networks)?;
    settle(volumes)?;
    settle(images)?;
    Ok(found)
}

async fn remove_container(docker: &Docker, id: &str) -> Result<(), Error> {
    let options = RemoveContainerOptionsBuilder::default()
        .force(true)
        .v(true)
        .build();
    docker.remove_container(id, Some(options)).await
}

/// Passes on the first true failure; something already gone, or on its way, is what was wanted.
fn settle(results: impl IntoIterator<Item = Result<(), Error>>) -> anyhow::Result<()> {
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
