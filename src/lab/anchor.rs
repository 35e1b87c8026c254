//! The anchor: a tiny container that lives exactly as long as this process, whatever ends it.
//!
//! Its only input is our connection, so the engine itself ends it when the connection breaks; by it anyone who looks
//! at the engine, from any machine, tells a live lab from a dead one. Through the same connection it answers how much
//! of the engine's disk is free, which also shows that the engine still answers at all.

use std::pin::Pin;
use std::time::Duration;

use anyhow::Context;
use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::{ContainerCreateBody, HostConfig, HostConfigLogConfig};
use bollard::query_parameters::{AttachContainerOptionsBuilder, CreateContainerOptionsBuilder};
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::Lab;

/// Memory of the anchor, in bytes; below 6 MiB the engine refuses to start anything.
const MEMORY: i64 = 16 << 20;

/// Its processes: a shell and what it runs, and the threads of the engine's own starter before them.
const PIDS: i64 = 16;

/// What it does: for every line that it is sent it says how full the engine's disk is, until its input ends.
const PROGRAM: &str = "while read -r _; do df -Pk /; done";

/// The connection to the anchor; the anchor ends when it is dropped.
pub(super) struct Anchor {
    docker: Docker,
    name: String,
    input: Pin<Box<dyn AsyncWrite + Send>>,
    output: Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>,
    /// What of an answer has come so far.
    heard: Vec<u8>,
}

/// Why the anchor gives no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Silence {
    /// It is gone: the engine was stopped, or someone removed it.
    #[error("el motor se detuvo o se reinició durante la comprobación")]
    Gone,
    /// Nothing came in time.
    #[error("el motor dejó de responder durante {} s", .0.as_secs())]
    Mute(Duration),
}

/// The name of the anchor of the lab `run`. No container of a submission can have it: theirs all have one part more.
pub(super) fn name(run: &str) -> String {
    format!("muelle-{run}-ancla")
}

impl Anchor {
    /// Makes the anchor of `lab` from the first of `images` that the engine has, not yet started; nothing when it has
    /// none of them, and then the lab can make nothing either.
    ///
    /// A created anchor already counts as alive, for a while: so it comes before everything else of its lab.
    pub(super) async fn create(lab: &Lab, images: &[String]) -> anyhow::Result<Option<Self>> {
        let docker = lab.docker();
        let name = name(lab.id());
        for image in images {
            let body = ContainerCreateBody {
                image: Some(image.clone()),
                entrypoint: Some(vec!["sh".into(), "-c".into(), PROGRAM.into()]),
                cmd: Some(Vec::new()),
                user: Some("65534:65534".into()),
                labels: Some(lab.labels()),
                attach_stdin: Some(true),
                attach_stdout: Some(true),
                open_stdin: Some(true),
                stdin_once: Some(true),
                healthcheck: Some(super::stack::no_health()),
                host_config: Some(HostConfig {
                    auto_remove: Some(true),
                    network_mode: Some("none".into()),
                    memory: Some(MEMORY),
                    memory_swap: Some(MEMORY),
                    pids_limit: Some(PIDS),
                    cap_drop: Some(vec!["ALL".into()]),
                    security_opt: Some(vec!["no-new-privileges:true".into()]),
                    readonly_rootfs: Some(true),
                    log_config: Some(HostConfigLogConfig {
                        typ: Some("none".into()),
                        config: None,
                    }),
                    ..HostConfig::default()
                }),
                ..ContainerCreateBody::default()
            };
            let options = CreateContainerOptionsBuilder::default().name(&name).build();
            match docker.create_container(Some(options), body).await {
                Ok(_) => {}
                // The image is not there.
                Err(Error::DockerResponseServerError {
                    status_code: 404, ..
                }) => continue,
                Err(error) => return Err(error).context("no pude poner el ancla del laboratorio"),
            }
            let options = AttachContainerOptionsBuilder::default()
                .stdin(true)
                .stdout(true)
                .stream(true)
                .build();
            let attached = docker
                .attach_container(&name, Some(options))
                .await
                .context("no pude sujetar el ancla del laboratorio")?;
            return Ok(Some(Self {
                docker: docker.clone(),
                name,
                input: attached.input,
                output: attached.output,
                heard: Vec::new(),
            }));
        }
        Ok(None)
    }

    /// Lets it run.
    pub(super) async fn start(&mut self) -> Result<(), Error> {
        self.docker.start_container(&self.name, None).await
    }

    /// The free bytes of the engine's disk, as the anchor sees them within `limit`.
    pub(super) async fn free(&mut self, limit: Duration) -> Result<u64, Silence> {
        tokio::time::timeout(limit, self.ask())
            .await
            .unwrap_or(Err(Silence::Mute(limit)))
    }

    async fn ask(&mut self) -> Result<u64, Silence> {
        let sent = async {
            self.input.write_all(b"\n").await?;
            self.input.flush().await
        };
        sent.await.map_err(|_| Silence::Gone)?;
        loop {
            match self.output.next().await {
                Some(Ok(chunk)) => self.heard.extend_from_slice(&chunk.into_bytes()),
                _ => return Err(Silence::Gone),
            }
            if let Some(free) = free(&self.heard) {
                self.heard.clear();
                return Ok(free);
            }
        }
    }
}

/// The fourth column of the second line that `df -Pk` prints, once the line is complete.
fn free(answer: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(answer).ok()?;
    let (_, rest) = text.split_once('\n')?;
    let (line, _) = rest.split_once('\n')?;
    let blocks: u64 = line.split_whitespace().nth(3)?.parse().ok()?;
    Some(blocks * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_counts_only_when_it_is_whole() {
        let whole =
            b"Filesystem 1024-blocks Used Available Capacity Mounted on\noverlay 100 60 40 60% /\n";
        assert_eq!(free(whole), Some(40 * 1024));
        for end in 0..whole.len() {
            assert_eq!(free(&whole[..end]), None);
        }
    }
}
