//! A private engine: a `dockerd` of our own, for machines where none is running.
//!
//! It lives in its own network, mount, process, IPC and UTS namespaces, so it shares neither `docker0` nor iptables
//! with the host, sees an empty `/run`, and cannot outlive us: it is the child of a process that the kernel kills
//! when we die (`PR_SET_PDEATHSIG`), and the end of its first process ends its whole process namespace.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::error::EngineError;
use super::machine::{is_root, program};
use super::{Endpoint, Miss, Origin, Reach, Say};
use crate::lab::lock;
use crate::lab::tied::{self, Tied};

/// How long a private engine may take to answer its first ping.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long it may take to stop in order before it is killed.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// The programs that a private engine needs, with the Debian package of each.
const NEEDS: [(&str, &str); 6] = [
    ("dockerd", "docker.io"),
    ("iptables", "iptables"),
    ("ip", "iproute2"),
    // With it the engine lists the processes of a container.
    ("ps", "procps"),
    ("unshare", "util-linux"),
    ("setpriv", "util-linux"),
];

/// A running private engine. Dropping it kills it; [`Private::stop`] stops it in order.
#[derive(Debug)]
pub(super) struct Private {
    process: Option<Tied>,
    place: Place,
}

/// Whether this process may start one at all.
pub(super) fn is_possible() -> bool {
    cfg!(target_os = "linux") && is_root() && program("dockerd").is_some()
}

/// The packages of the programs that are missing.
pub(super) fn lacking() -> Vec<&'static str> {
    NEEDS
        .iter()
        .filter(|(name, _)| program(name).is_none())
        .map(|(_, package)| *package)
        .collect()
}

impl Private {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    /// [`EngineError::Private`], with the last lines of its log.
    pub(super) async fn start(say: Say<'_>) -> Result<(Self, super::Engine), EngineError> {
        let missing = lacking();
        if !missing.is_empty() {
            return Err(failed(format!(
                "faltan programas; instálalos con `sudo apt-get install {}`.",
                missing.join(" ")
            )));
        }
        say("Arranco un motor propio y privado, que solo dura lo que dura esta orden.");
        match Self::attempt(None, say).await {
            Err(error) if error.to_string().contains("graphdriver") => {
                say(
                    "El motor privado no pudo usar el sistema de capas habitual; pruebo con `vfs`, más lento.",
                );
                Self::attempt(Some("vfs"), say).await
            }
            result => result,
        }
    }

    async fn attempt(
        storage_driver: Option<&'static str>,
        say: Say<'_>,
    ) -> Result<(Self, super::Engine), EngineError> {
        let place = Place::new(&lock::home());
        // The log is the lock, and the engine's own output: so the lock is held until the last of its processes has
        // ended, even when this one is killed.
        let log = lock::hold(
            &place.log,
            "Otra orden de muelle está usando el motor privado; espero a que termine.",
            say,
        )
        .await
        .map_err(|error| failed(format!("no pude preparar su carpeta: {error}.")))?;
        place.make(&log).map_err(|error| {
            failed(format!(
                "no pude preparar {}: {error}.",
                place.state.display()
            ))
        })?;

        let command = place
            .command(&log, storage_driver)
            .map_err(|error| failed(format!("{error}.")))?;
        let process = Tied::spawn(command)
            .await
            .map_err(|error| failed(format!("no pude ejecutar `setpriv`: {error}.")))?;

        let endpoint = Endpoint {
            host: format!("unix://{}", place.socket().display()),
            origin: Origin::Default,
        };
        let reach = Reach::Namespace(PathBuf::from(format!("/proc/{}/ns/net", process.pid())));
        let begun = Instant::now();
        loop {
            match super::Engine::open(&endpoint, Some(reach.clone())).await {
                Ok(engine) => {
                    return Ok((
                        Self {
                            process: Some(process),
                            place,
                        },
                        engine,
                    ));
                }
                Err(Miss::Fatal(error)) => return Err(error),
                Err(Miss::Silent(_) | Miss::Refused) => {}
            }
            let ended = process.has_ended();
            if ended || begun.elapsed() > START_LIMIT {
                drop(process);
                place.remove();
                let why = if ended {
                    "se cerró al arrancar"
                } else {
                    "no respondió en un minuto"
                };
                return Err(failed(format!(
                    "{why}. Lo último que dijo ({}):\n{}",
                    place.log.display(),
                    tail(&place.log)
                )));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Stops it in order; kills it if that takes too long.
    pub(super) async fn stop(mut self) {
        if let Some(process) = self.process.take() {
            process.stop(STOP_LIMIT).await;
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        drop(self.process.take());
        self.place.remove();
    }
}

/// Removes the empty control groups that an engine leaves: one tree, or one for each controller (version 1).
fn remove_cgroups(name: &str) {
    fn remove(folder: &Path) {
        if let Ok(entries) = std::fs::read_dir(folder) {
            for entry in entries
                .flatten()
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            {
                remove(&entry.path());
            }
            // A group that still holds a dying process goes with the next start.
            let _ = std::fs::remove_dir(folder);
        }
    }
    let root = Path::new("/sys/fs/cgroup");
    let name = name.trim_start_matches('/');
    remove(&root.join(name));
    for controller in std::fs::read_dir(root).into_iter().flatten().flatten() {
        if controller.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove(&controller.path().join(name));
        }
    }
}

/// The files of a private engine.
#[derive(Debug)]
struct Place {
    /// What outlives it: images and layers.
    data: PathBuf,
    /// Its log, which is its lock.
    log: PathBuf,
    /// What does not outlive it: its socket.
    state: PathBuf,
    /// What its control groups are called.
    cgroup: String,
}

impl Place {
    fn new(home: &Path) -> Self {
        let home = std::path::absolute(home).unwrap_or_else(|_| home.to_path_buf());
        let id: String = Sha256::digest(home.as_os_str().as_encoded_bytes())
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            data: home.join("engine"),
            log: home.join("engine.log"),
            state: Path::new("/run/muelle").join(&id),
            cgroup: format!("/muelle-{id}"),
        }
    }

    fn socket(&self) -> PathBuf {
        self.state.join("docker.sock")
    }

    /// Removes what does not outlive it. Whatever cannot be removed now is replaced by the next start.
    fn remove(&self) {
        let _ = std::fs::remove_dir_all(&self.state);
        remove_cgroups(&self.cgroup);
    }

    /// Makes the folders anew; only the holder of the lock may.
    fn make(&self, log: &std::fs::File) -> std::io::Result<()> {
        log.set_len(0)?;
        if self.state.exists() {
            std::fs::remove_dir_all(&self.state)?;
        }
        std::fs::create_dir_all(self.state.join("run"))?;
        std::fs::create_dir_all(&self.data)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&self.state, std::fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    }

    fn command(
        &self,
        log: &std::fs::File,
        storage_driver: Option<&str>,
    ) -> std::io::Result<Command> {
        let mut command = tied::confined(&["--net", "--ipc", "--uts"], "sh");
        command
            .args(["-c", SCRIPT, "muelle"])
            .args([
                self.state.as_os_str(),
                self.data.as_os_str(),
                self.cgroup.as_ref(),
            ])
            .args(storage_driver.map(|name| format!("--storage-driver={name}")))
            .current_dir("/")
            .env(
                "PATH",
                "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            )
            .env("HOME", "/root")
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log.try_clone()?);
        Ok(command)
    }
}

fn failed(why: String) -> EngineError {
    EngineError::Private { why }
}

/// The last lines of the log.
fn tail(log: &Path) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..]
        .iter()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Runs as the first process of the engine's namespaces: `$1` state folder, `$2` data root, `$3` control group,
/// then options for `dockerd`.
///
/// `/run` becomes an empty file system of its own (so containerd's and iptables' files there are not the host's), with
/// only the state folder shared. The shell stays, because a process namespace needs a first process that reaps.
const SCRIPT: &str = r#"
set -eu
state=$1 data=$2 cgroup=$3
shift 3
mount -n -t tmpfs -o mode=755,size=64m muelle "$state/run"
mkdir -p "$state/run/lock" "$state/run/${state#/run/}"
mount -n --bind "$state" "$state/run/${state#/run/}"
mount -n --move "$state/run" /run
if [ -d /etc/docker ]; then mount -n -t tmpfs -o mode=755,size=1m muelle /etc/docker; fi
find /sys/fs/cgroup -depth -type d \( -path "*$cgroup" -o -path "*$cgroup/*" \) -exec rmdir {} + 2>/dev/null || :
ip link set lo up
echo '{}' >/run/dockerd.json
exec 3<&0 </dev/null
dockerd --config-file /run/dockerd.json --data-root "$data" --exec-root /run/docker --pidfile /run/docker.pid \
  --host "unix://$state/docker.sock" --cgroup-parent "$cgroup" --exec-opt native.cgroupdriver=cgroupfs \
  --log-level warn "$@" 3<&- &
engine=$!
( read -r _ <&3 || :; kill -TERM "$engine" ) &
exec 3<&-
wait "$engine"
"#;
