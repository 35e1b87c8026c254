//! Where our files on this machine are, and one process at a time on them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::engine::Say;

/// How often a waiting process looks whether its turn has come.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// The folder of what outlives one run (the images of private engines): `MUELLE_HOME`, or `/var/lib/muelle`.
#[must_use]
pub fn home() -> PathBuf {
    chosen_home().unwrap_or_else(|| PathBuf::from("/var/lib/muelle"))
}

/// The folder that the user chose for our files, if any.
#[must_use]
pub fn chosen_home() -> Option<PathBuf> {
    std::env::var_os("MUELLE_HOME")
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Takes the lock on `path` (made if missing), waiting for its turn; says `waiting` once if it has to.
/// The lock is held until the file, and every copy of it handed to a process, is closed.
///
/// # Errors
/// When the file cannot be made or locked; the text names it.
pub async fn hold(path: &Path, waiting: &str, say: Say<'_>) -> io::Result<File> {
    take(path, waiting, say, File::try_lock).await
}

/// As [`hold`], but together with others that share it.
///
/// # Errors
/// As [`hold`].
pub async fn share(path: &Path, waiting: &str, say: Say<'_>) -> io::Result<File> {
    take(path, waiting, say, File::try_lock_shared).await
}

async fn take(
    path: &Path,
    waiting: &str,
    say: Say<'_>,
    attempt: fn(&File) -> Result<(), TryLockError>,
) -> io::Result<File> {
    let named =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(named)?;
    }
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(named)?;
    let mut told = false;
    loop {
        match attempt(&file) {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => return Err(named(error)),
            Err(TryLockError::WouldBlock) if told => {}
            Err(TryLockError::WouldBlock) => {
                say(waiting);
                told = true;
            }
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[tokio::test]
    async fn the_second_one_waits_says_so_once_and_then_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.lock");
        let said = Mutex::new(Vec::new());
        let say = |line: &str| said.lock().unwrap().push(line.to_owned());
        let first = hold(&path, "espero", &say).await.unwrap();
        let second = hold(&path, "espero", &say);
        let release = async {
            tokio::time::sleep(LOOK_AGAIN * 3).await;
            drop(first);
        };
        let (second, ()) = tokio::join!(second, release);
        second.unwrap();
        assert_eq!(*said.lock().unwrap(), ["espero"]);
    }
}
