//! One container of the lab, and everything that can be observed of it from the engine's side.

mod top;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bollard::container::LogOutput;
use bollard::models::{
    ContainerCreateBody, ContainerInspectResponse, ContainerState, HealthStatusEnum,
};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, LogsOptionsBuilder, RemoveContainerOptionsBuilder,
    RestartContainerOptionsBuilder, StopContainerOptionsBuilder, TopOptionsBuilder,
};
use futures_util::StreamExt;

use super::Lab;
use super::engine::Reach;
use super::http::{Reply, Request};
use super::limits;

/// Pause between two looks at the engine while waiting for a fact.
pub const GLANCE: Duration = Duration::from_millis(40);

/// Most output of one container or command that is kept.
const OUTPUT_LIMIT: usize = 1 << 20;

/// A container of a lab.
#[derive(Clone)]
pub struct Container<'lab> {
    lab: &'lab Lab,
    id: String,
    name: String,
}

/// A process as the engine's host sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// User id; 0 is root.
    pub uid: u32,
    /// Group id.
    pub gid: u32,
    /// Command line.
    pub args: String,
}

/// One run of a health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// When it started, by the engine's clock; identifies the probe.
    pub start: String,
    /// Exit code; 0 is healthy, -1 a probe that the engine could not start or had to kill.
    pub code: i64,
    /// What it printed.
    pub output: String,
    /// How long it ran.
    pub took: Duration,
}

impl Probe {
    /// Whether the engine could not even step into the container, which runs: that says nothing of the check.
    fn never_ran(&self) -> bool {
        self.code < 0
            && ["chdir to cwd", "setns process"]
                .iter()
                .any(|fault| self.output.contains(fault))
    }

    /// Whether it ended because its time was up: killed by the engine, or by a limit of its own.
    pub fn timed_out(&self) -> bool {
        let output = self.output.to_lowercase();
        self.code != 0 && (output.contains("exceeded timeout") || output.contains("timed out"))
    }
}

impl Health {
    /// How the last probe ended, as the end of a sentence: «terminó con código 1 y dijo «…»».
    pub fn last_words(&self) -> String {
        match self.probes.last() {
            None => "el motor no llegó a ejecutarlo".to_owned(),
            Some(probe) if probe.timed_out() => {
                format!(
                    "no terminó a tiempo y el motor dijo «{}»",
                    probe.output.trim()
                )
            }
            Some(probe) if probe.code < 0 => {
                format!("el motor no pudo ejecutarlo: «{}»", probe.output.trim())
            }
            Some(probe) => format!(
                "terminó con código {} y dijo «{}»",
                probe.code,
                probe.output.trim()
            ),
        }
    }
}

/// The engine's view of a container's health.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Whether the engine calls it healthy now.
    pub status: HealthStatusEnum,
    /// The last probes, oldest first (the engine keeps five).
    pub probes: Vec<Probe>,
}

impl<'lab> Container<'lab> {
    /// Creates, but does not start, a container named after the lab and `name`, within the lab's limits.
    ///
    /// # Errors
    /// The engine's own.
    pub async fn create(
        lab: &'lab Lab,
        name: &str,
        mut body: ContainerCreateBody,
    ) -> Result<Self, bollard::errors::Error> {
        body.labels.get_or_insert_default().extend(lab.labels());
        limits::contain(body.host_config.get_or_insert_default());
        let name = format!("muelle-{}-{name}", lab.id());
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let id = lab.docker().create_container(Some(options), body).await?.id;
        Ok(Self { lab, id, name })
    }

    /// Its name on the engine.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its id on the engine.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Starts it.
    ///
    /// # Errors
    /// The engine's own, for example a command that the image does not have; `TimedOut` after [`limits::START`].
    pub async fn start(&self) -> Result<(), bollard::errors::Error> {
        let started = self.lab.docker().start_container(&self.id, None);
        tokio::time::timeout(limits::START, started)
            .await
            .unwrap_or_else(|_| {
                let why = format!(
                    "el motor no arrancó el contenedor en {} s",
                    limits::START.as_secs()
                );
                Err(std::io::Error::new(std::io::ErrorKind::TimedOut, why).into())
            })
    }

    /// Everything that the engine knows of it.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn inspect(&self) -> anyhow::Result<ContainerInspectResponse> {
        Ok(self.lab.docker().inspect_container(&self.id, None).await?)
    }

    /// Its state.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn state(&self) -> anyhow::Result<ContainerState> {
        self.inspect()
            .await?
            .state
            .context("un contenedor sin estado")
    }

    /// Waits until it has ended and gives its exit code; nothing when it still runs after `limit`.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn exit_within(&self, limit: Duration) -> anyhow::Result<Option<i64>> {
        let begun = Instant::now();
        loop {
            let state = self.state().await?;
            let over = state.running != Some(true)
                && state.restarting != Some(true)
                && state
                    .finished_at
                    .as_deref()
                    .is_some_and(|at| !at.starts_with("0001-"));
            if over {
                return Ok(state.exit_code);
            }
            if begun.elapsed() > limit {
                return Ok(None);
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Its health; nothing when it has no health check.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn health(&self) -> anyhow::Result<Option<Health>> {
        let Some(health) = self.state().await?.health else {
            return Ok(None);
        };
        let status = health.status.unwrap_or(HealthStatusEnum::NONE);
        if status == HealthStatusEnum::NONE || status == HealthStatusEnum::EMPTY {
            return Ok(None);
        }
        let log = health.log.unwrap_or_default().into_iter();
        let (lost, probes): (Vec<_>, Vec<_>) = log
            .map(|probe| Probe {
                took: match (&probe.start, &probe.end) {
                    (Some(start), Some(end)) => (*end - *start).unsigned_abs(),
                    _ => Duration::ZERO,
                },
                start: probe.start.map(|at| at.to_string()).unwrap_or_default(),
                code: probe.exit_code.unwrap_or(-1),
                output: probe.output.unwrap_or_default(),
            })
            .partition(Probe::never_ran);
        let status = if probes.is_empty() && !lost.is_empty() {
            HealthStatusEnum::STARTING
        } else {
            status
        };
        Ok(Some(Health { status, probes }))
    }

    /// Its processes, seen from outside: nothing in the image can lie about them.
    ///
    /// # Errors
    /// When it does not run or the engine cannot list them.
    pub async fn processes(&self) -> anyhow::Result<Vec<Process>> {
        let facts = self.lab.engine().facts();
        if facts.is_podman && facts.rootless {
            bail!(
                "Podman sin root no dice qué usuario del contenedor tiene cada proceso: pruébalo con Podman como root o con Docker Engine"
            );
        }
        let columns = if facts.is_podman {
            top::PODMAN_COLUMNS
        } else {
            top::COLUMNS
        };
        let options = TopOptionsBuilder::default().ps_args(columns).build();
        let top = self
            .lab
            .docker()
            .top_processes(&self.id, Some(options))
            .await
            .map_err(top::told)?;
        let processes = top
            .processes
            .unwrap_or_default()
            .iter()
            .map(|row| {
                top::process(row).map(|process| Process {
                    uid: facts.id_inside(process.uid),
                    gid: facts.id_inside(process.gid),
                    ..process
                })
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        if processes.is_empty() {
            bail!("el motor no enumera los procesos de `{}`", self.name);
        }
        Ok(processes)
    }

    /// What it has printed, both streams, in order.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn logs(&self) -> anyhow::Result<String> {
        let options = LogsOptionsBuilder::default()
            .stdout(true)
            .stderr(true)
            .build();
        gather(self.lab.docker().logs(&self.id, Some(options))).await
    }

    /// The last `count` lines that it printed, joined for a sentence.
    pub async fn last_lines(&self, count: usize) -> String {
        let logs = self.logs().await.unwrap_or_default();
        let lines: Vec<_> = logs
            .lines()
            .filter(|line| !line.trim().is_empty())
            .collect();
        if lines.is_empty() {
            return "(sin salida)".to_owned();
        }
        lines[lines.len().saturating_sub(count)..].join("\n")
    }

    /// Asks it to stop as `docker stop` does, with `grace` before it is killed.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn stop(&self, grace: Duration) -> anyhow::Result<()> {
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::default().t(seconds).build();
        self.lab
            .docker()
            .stop_container(&self.id, Some(options))
            .await?;
        Ok(())
    }

    /// Starts it again as `docker restart` does, with `grace` before it is killed if it still runs.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn restart(&self, grace: Duration) -> anyhow::Result<()> {
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let options = RestartContainerOptionsBuilder::default().t(seconds).build();
        self.lab
            .docker()
            .restart_container(&self.id, Some(options))
            .await?;
        Ok(())
    }

    /// The files and folders of the image that it has changed or added since it was made, by the engine's account.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn changes(&self) -> anyhow::Result<Vec<String>> {
        let changes = self.lab.docker().container_changes(&self.id).await?;
        let changes = changes.unwrap_or_default().into_iter();
        Ok(changes.map(|change| change.path).collect())
    }

    /// Removes it, running or not, with its anonymous volumes.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn remove(&self) -> anyhow::Result<()> {
        let options = RemoveContainerOptionsBuilder::default()
            .force(true)
            .v(true)
            .build();
        self.lab
            .docker()
            .remove_container(&self.id, Some(options))
            .await?;
        Ok(())
    }

    /// Where the checker reaches `port` of it; nothing when there is no way.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn address(&self, port: u16) -> anyhow::Result<Option<SocketAddr>> {
        Ok(match &self.lab.engine().facts().reach {
            Reach::Direct | Reach::Namespace(_) => {
                let network = self.inspect().await?.network_settings;
                let networks = network
                    .and_then(|network| network.networks)
                    .unwrap_or_default();
                let mut ips = networks
                    .into_values()
                    .filter_map(|endpoint| endpoint.ip_address);
                let ip = ips.find_map(|ip| ip.parse::<IpAddr>().ok());
                ip.map(|ip| SocketAddr::new(ip, port))
            }
            Reach::Published(host) => match self.published(port).await? {
                Some(published) => tokio::net::lookup_host((host.as_str(), published))
                    .await?
                    .next(),
                None => None,
            },
        })
    }

    /// Its IPv4 addresses, one for each network that it is on.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn addresses(&self) -> anyhow::Result<Vec<String>> {
        let network = self.inspect().await?.network_settings;
        let networks = network.and_then(|network| network.networks);
        let endpoints = networks.unwrap_or_default().into_values();
        let addresses = endpoints.filter_map(|endpoint| endpoint.ip_address);
        Ok(addresses.filter(|ip| !ip.is_empty()).collect())
    }

    /// The port of the host that `port` of it is published on; nothing when it is not.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn published(&self, port: u16) -> anyhow::Result<Option<u16>> {
        let ports = self
            .inspect()
            .await?
            .network_settings
            .and_then(|network| network.ports);
        let bindings = ports
            .unwrap_or_default()
            .remove(&format!("{port}/tcp"))
            .flatten();
        let mut bindings = bindings.unwrap_or_default().into_iter();
        Ok(bindings.find_map(|binding| binding.host_port?.parse().ok()))
    }

    /// Where the host listens for it: port of the container with its protocol (`8000/tcp`) → port of the host.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn all_published(&self) -> anyhow::Result<BTreeMap<String, u16>> {
        let network = self.inspect().await?.network_settings;
        let ports = network.and_then(|network| network.ports).into_iter();
        let published = ports.flatten().filter_map(|(port, bindings)| {
            let mut bindings = bindings.into_iter().flatten();
            let host = bindings.find_map(|binding| binding.host_port?.parse().ok())?;
            Some((port, host))
        });
        Ok(published.collect())
    }

    /// Sends `request` to `port` of it.
    ///
    /// # Errors
    /// When there is no way to it, or [`Request::send`] fails.
    pub async fn ask(&self, port: u16, request: &Request<'_>) -> anyhow::Result<Reply> {
        let addr = self
            .address(port)
            .await?
            .with_context(|| format!("`{}` no tiene dirección", self.name))?;
        request.send(self.lab.engine(), addr).await
    }

    /// Sends `request` to the port of the host that `port` of it is published on, as a browser there would; nothing
    /// when it is not published.
    ///
    /// # Errors
    /// As [`Request::send`].
    pub async fn ask_published(
        &self,
        port: u16,
        request: &Request<'_>,
    ) -> anyhow::Result<Option<Reply>> {
        let Some(published) = self.published(port).await? else {
            return Ok(None);
        };
        let host = match &self.lab.engine().facts().reach {
            Reach::Published(host) => host.as_str(),
            Reach::Direct | Reach::Namespace(_) => "127.0.0.1",
        };
        let found = tokio::net::lookup_host((host, published)).await?.next();
        let addr = found.with_context(|| format!("`{host}` no tiene dirección"))?;
        request.send(self.lab.engine(), addr).await.map(Some)
    }

    /// The lab that it belongs to.
    pub fn lab(&self) -> &'lab Lab {
        self.lab
    }
}

/// Collects a log stream up to [`OUTPUT_LIMIT`].
async fn gather(
    stream: impl futures_util::Stream<Item = Result<LogOutput, bollard::errors::Error>>,
) -> anyhow::Result<String> {
    let mut stream = std::pin::pin!(stream);
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk?.into_bytes());
        if bytes.len() > OUTPUT_LIMIT {
            bytes.truncate(OUTPUT_LIMIT);
            break;
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_that_the_engine_could_not_start_is_told_from_one_whose_program_is_missing() {
        let never_ran = |output: &str| {
            let probe = Probe {
                start: String::new(),
                code: -1,
                output: output.to_owned(),
                took: Duration::ZERO,
            };
            probe.never_ran()
        };
        assert!(never_ran(
            "OCI runtime exec failed: exec failed: unable to start container process: chdir to cwd (\"/app\") set in config.json failed: no such file or directory: unknown"
        ));
        assert!(!never_ran(
            "OCI runtime exec failed: exec failed: unable to start container process: exec: \"curl\": executable file not found in $PATH: unknown"
        ));
    }
}
