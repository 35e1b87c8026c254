//! A witness: a container of our own beside one of the student's, to see what that one's own programs would tell.
//!
//! Programs inside the student's image may be missing, or lie. A witness runs the course's base image, which the
//! submission cannot change, in the process namespace of the container that it watches: there it sees the kernel's
//! own account of every process (`/proc`), and can step into their file system as one of them.

use std::time::Duration;

use anyhow::{Context, bail};
use bollard::models::{ContainerCreateBody, HostConfig};

use super::container::Container;
use super::token;

/// Longest time that a witness may take; it needs a fraction of a second.
const LIMIT: Duration = Duration::from_secs(30);

/// Memory of a witness, in bytes.
const MEMORY: i64 = 256 << 20;

/// Processes and threads of a witness.
const PIDS: i64 = 32;

/// What it needs to look into other users' processes and to become one of them; nothing that reaches further.
const CAPABILITIES: [&str; 5] = [
    "SYS_PTRACE",
    "DAC_OVERRIDE",
    "SYS_CHROOT",
    "SETUID",
    "SETGID",
];

impl Container<'_> {
    /// Runs the Python program `script` with `args` in a witness made from `image`; gives what it printed.
    ///
    /// The watched container must be running.
    ///
    /// # Errors
    /// When the engine does not answer, the program fails, or it takes longer than [`LIMIT`].
    pub async fn witnessed(
        &self,
        image: &str,
        script: &str,
        args: &[&str],
    ) -> anyhow::Result<String> {
        let host = HostConfig {
            pid_mode: Some(format!("container:{}", self.id())),
            network_mode: Some("none".into()),
            cap_add: Some(CAPABILITIES.map(str::to_owned).to_vec()),
            ..HostConfig::default()
        };
        let _turn = self.lab().witness_turn.lock().await;
        self.witness(host, image, script, args).await
    }

    /// The same in the container's network instead of among its processes: what it reaches there, and by which names.
    ///
    /// # Errors
    /// As [`Self::witnessed`].
    pub async fn witnessed_network(
        &self,
        image: &str,
        script: &str,
        args: &[&str],
    ) -> anyhow::Result<String> {
        let host = HostConfig {
            network_mode: Some(format!("container:{}", self.id())),
            ..HostConfig::default()
        };
        self.witness(host, image, script, args).await
    }

    async fn witness(
        &self,
        host: HostConfig,
        image: &str,
        script: &str,
        args: &[&str],
    ) -> anyhow::Result<String> {
        let words = ["python3", "-I", "-c", script]
            .into_iter()
            .chain(args.iter().copied());
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            user: Some("0:0".into()),
            working_dir: Some("/".into()),
            entrypoint: Some(words.map(str::to_owned).collect()),
            cmd: Some(Vec::new()),
            host_config: Some(HostConfig {
                readonly_rootfs: Some(true),
                cap_drop: Some(vec!["ALL".into()]),
                security_opt: Some(vec!["no-new-privileges".into()]),
                memory: Some(MEMORY),
                pids_limit: Some(PIDS),
                ..host
            }),
            ..ContainerCreateBody::default()
        };
        let name = format!("testigo-{}", token(6).to_lowercase());
        let witness = Container::create(self.lab(), &name, body).await?;
        let run = async {
            witness.start().await?;
            let code = witness.exit_within(LIMIT).await?;
            let output = witness.logs().await?;
            match code {
                Some(0) => Ok(output),
                Some(code) => bail!("el testigo terminó con código {code}: {}", output.trim()),
                None => bail!("el testigo no terminó en {} s", LIMIT.as_secs()),
            }
        };
        let told = run.await.context("no pude mirar el contenedor desde fuera");
        // Whatever it told, it goes; the lab's end would take it otherwise.
        let _ = witness.remove().await;
        told
    }
}
