//! The folder of a private engine under `/run/muelle`, one for each, and what is left of those whose processes are gone.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::cgroup::Cgroups;
use crate::lab::{lock, token};

/// Where the folders of all private engines are.
const ALL: &str = "/run/muelle";

/// The folder of one engine, made and locked.
#[derive(Debug)]
pub(super) struct Place {
    /// Names the engine, its folder and its control groups.
    pub id: String,
    folder: PathBuf,
}

impl Place {
    /// Makes one, and removes those of dead engines. The file is its log and its lock, to be handed to its processes:
    /// held until the last of them has ended.
    pub(super) async fn make() -> io::Result<(Self, File)> {
        // What is not locked yet must not be taken for dead.
        let _turn = lock::hold(&Path::new(ALL).join("lock"), "", &|_| {}).await?;
        sweep();
        let id = token(10).to_lowercase();
        let folder = Path::new(ALL).join(&id);
        fs::create_dir(&folder)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
        }
        for mount in ["tree", "disk"] {
            fs::create_dir(folder.join(mount))?;
        }
        let place = Self { id, folder };
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(place.log())?;
        log.lock()?;
        Ok((place, log))
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// Its socket, in the tree of the process `pid`. It is not on the host, where nobody has any business with it.
    pub(super) fn socket(&self, pid: u32) -> PathBuf {
        inside(pid, &self.folder.join("docker.sock"))
    }

    /// The folder that the engine sees under the same path as we do; it lies on the engine's disk.
    pub(super) fn labs(&self) -> PathBuf {
        self.folder.join("labs")
    }

    /// Lets us see it.
    pub(super) fn link_labs(&self, pid: u32) -> io::Result<()> {
        #[cfg(unix)]
        std::os::unix::fs::symlink(inside(pid, &self.labs()), self.labs())?;
        Ok(())
    }

    /// The last lines of its log.
    pub(super) fn last_words(&self) -> String {
        let text = fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(5)..]
            .iter()
            .map(|line| format!("  {line}"))
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// Removes it. What cannot be removed yet is left to the next one's [`sweep`].
    pub(super) fn remove(&self) {
        let gone = Cgroups::here(&self.id).is_ok_and(|cgroups| cgroups.remove());
        if gone {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// A path in the tree of the process `pid`.
fn inside(pid: u32, path: &Path) -> PathBuf {
    let mut full = PathBuf::from(format!("/proc/{pid}/root"));
    full.push(path.strip_prefix("/").unwrap_or(path));
    full
}

/// Removes what killed engines left: empty control groups and a few files.
pub(in crate::lab::engine) fn sweep() {
    for entry in fs::read_dir(ALL).into_iter().flatten().flatten() {
        let place = Place {
            id: entry.file_name().to_string_lossy().into_owned(),
            folder: entry.path(),
        };
        let dead = File::open(place.log()).is_ok_and(|log| log.try_lock().is_ok());
        if dead {
            place.remove();
        }
    }
}
