//! A process tied to us: it cannot outlive this one, not even a `kill -9`.

use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

/// How often the keeper looks whether the process has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A process that the kernel kills when we die. Dropping it kills it.
#[derive(Debug)]
#[must_use = "dropping it kills the process"]
pub struct Tied {
    order: Option<Sender<Duration>>,
    keeper: Option<JoinHandle<()>>,
    status: Option<oneshot::Receiver<io::Result<ExitStatus>>>,
    pid: u32,
}

/// The beginning of every tied command: `setpriv` asks for the signal, then becomes the program.
#[must_use]
pub fn command(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "--", program]);
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        // Ctrl-C in the terminal is for us, who end it in order.
        command.process_group(0);
    }
    command
}

/// The beginning of a command whose whole offspring and mounts end with it: `program` runs as the first process of
/// namespaces of its own. `options` are more of `unshare`'s.
#[must_use]
pub fn confined(options: &[&str], program: &str) -> Command {
    let mut command = command("unshare");
    command
        .args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child=KILL",
            "--mount-proc",
        ])
        .args(options)
        .args(["--", program]);
    command
}

impl Tied {
    /// Starts a command made by [`command`] or [`confined`].
    ///
    /// # Errors
    /// When it cannot be started.
    pub async fn spawn(command: Command) -> io::Result<Self> {
        let (order, orders) = channel();
        let (started, start) = oneshot::channel();
        let (ended, status) = oneshot::channel();
        // The signal comes when the *thread* that started the process ends: hence a thread that stays.
        let keeper = std::thread::Builder::new()
            .name("tied".to_owned())
            .spawn(move || keep(command, started, &orders, ended))?;
        let pid = start.await.map_err(io::Error::other)??;
        Ok(Self {
            order: Some(order),
            keeper: Some(keeper),
            status: Some(status),
            pid,
        })
    }

    /// Its process id. With [`confined`], that of `unshare`: outside the new process namespace, inside the others.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it has ended by itself.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.keeper.as_ref().is_none_or(JoinHandle::is_finished)
    }

    /// Waits for its end. Giving up the wait kills it.
    ///
    /// # Errors
    /// When the system cannot tell how it ended.
    pub async fn wait(mut self) -> io::Result<ExitStatus> {
        match self.status.take() {
            Some(status) => status.await.map_err(io::Error::other)?,
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Closes its standard input, which it takes as the order to end, and kills it after `limit`.
    pub async fn stop(mut self, limit: Duration) {
        if let Some(order) = &self.order {
            // A keeper that is gone has nothing left to stop.
            let _ = order.send(limit);
        }
        if let Some(status) = self.status.take() {
            let _ = status.await;
        }
    }
}

impl Drop for Tied {
    fn drop(&mut self) {
        self.order = None;
        if let Some(keeper) = self.keeper.take() {
            // A panic of the keeper's has nothing to add here.
            let _ = keeper.join();
        }
    }
}

/// The keeper: starts the process; ends it on order, or at once when the one who gives orders is gone.
fn keep(
    mut command: Command,
    started: oneshot::Sender<io::Result<u32>>,
    orders: &Receiver<Duration>,
    ended: oneshot::Sender<io::Result<ExitStatus>>,
) {
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            let _ = started.send(Err(error));
            return;
        }
    };
    let _ = started.send(Ok(child.id()));
    let mut deadline = None;
    loop {
        match child.try_wait() {
            Ok(None) => {}
            Ok(Some(status)) => {
                let _ = ended.send(Ok(status));
                return;
            }
            Err(error) => {
                let _ = ended.send(Err(error));
                return;
            }
        }
        match orders.recv_timeout(LOOK_AGAIN) {
            Ok(limit) => {
                drop(child.stdin.take());
                deadline = Some(Instant::now() + limit);
            }
            Err(RecvTimeoutError::Timeout) if deadline.is_none_or(|end| Instant::now() < end) => {}
            Err(_) => break,
        }
    }
    // Fails only when it has ended already.
    let _ = child.kill();
    let _ = ended.send(child.wait());
}

/// Runs a command made by [`command`] or [`confined`] to its end, with its output in the file `log`.
///
/// # Errors
/// Its last words, when it fails.
pub async fn run(mut command: Command, log: &Path) -> Result<(), String> {
    let file = std::fs::File::create(log).map_err(|error| error.to_string())?;
    let copy = file.try_clone().map_err(|error| error.to_string())?;
    command.stdin(Stdio::null()).stdout(file).stderr(copy);
    let status = match Tied::spawn(command).await {
        Ok(process) => process.wait().await,
        Err(error) => Err(error),
    };
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(_) => Err(last_words(&String::from_utf8_lossy(
            &std::fs::read(log).unwrap_or_default(),
        ))),
        Err(error) => Err(error.to_string()),
    }
}

/// The last lines that say what went wrong, in one line.
fn last_words(log: &str) -> String {
    let complaints: Vec<&str> = log
        .lines()
        .filter(|line| line.starts_with("E:") || line.contains("rror"))
        .collect();
    let lines = if complaints.is_empty() {
        log.lines().collect()
    } else {
        complaints
    };
    lines[lines.len().saturating_sub(3)..].join(" · ")
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn alive(pid: u32) -> bool {
        std::path::Path::new(&format!("/proc/{pid}")).exists()
    }

    #[tokio::test]
    async fn its_exit_code_is_told() {
        let mut command = command("sh");
        command.args(["-c", "exit 7"]);
        let status = Tied::spawn(command).await.unwrap().wait().await.unwrap();
        assert_eq!(status.code(), Some(7));
    }

    #[tokio::test]
    async fn the_end_of_its_input_is_the_order_to_end() {
        let mut command = command("cat");
        command.stdin(Stdio::piped()).stdout(Stdio::null());
        let tied = Tied::spawn(command).await.unwrap();
        let begun = Instant::now();
        tied.stop(Duration::from_secs(30)).await;
        assert!(begun.elapsed() < Duration::from_secs(10));
    }

    #[tokio::test]
    async fn one_that_ignores_the_order_is_killed() {
        let mut command = command("sleep");
        command.arg("1000").stdin(Stdio::piped());
        let tied = Tied::spawn(command).await.unwrap();
        let pid = tied.pid();
        tied.stop(Duration::from_millis(100)).await;
        assert!(!alive(pid));
    }

    #[tokio::test]
    async fn dropping_it_kills_it() {
        let mut command = command("sleep");
        command.arg("1000");
        let tied = Tied::spawn(command).await.unwrap();
        let pid = tied.pid();
        assert!(alive(pid));
        drop(tied);
        assert!(!alive(pid));
    }

    #[test]
    fn the_last_words_are_those_that_complain() {
        assert_eq!(last_words("I: uno\nE: dos\nI: tres\n"), "E: dos");
        assert_eq!(last_words("uno\ndos\n"), "uno · dos");
    }
}
