//! The store: the base images that every private engine of this machine sees, read-only.
//!
//! It is the data root of a private engine that was stopped in order. An engine that works gets a disk of its own with
//! copies of what is written there about images, and their layers bound into it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use super::FIRST_ID;
use crate::lab::engine::Say;
use crate::lab::engine::machine::program;
use crate::lab::{lock, tied};

/// Changes when a store made by an earlier version of this program cannot be read any more.
const FORMAT: u32 = 1;

/// Image → its id on the engine that it came from.
pub(in crate::lab::engine) type Index = BTreeMap<String, String>;

/// Where the base images of private engines are.
#[derive(Clone, Debug)]
pub(in crate::lab::engine) struct Store {
    folder: PathBuf,
}

impl Store {
    /// That of this machine: another `dockerd` may write its data in another way, and gets another store.
    pub(in crate::lab::engine) fn here() -> io::Result<Self> {
        let dockerd = program("dockerd").ok_or(io::ErrorKind::NotFound)?;
        let file = fs::metadata(dockerd)?;
        let made = file.modified()?.duration_since(UNIX_EPOCH);
        let version = format!(
            "{FORMAT} {FIRST_ID} {} {}",
            file.len(),
            made.unwrap_or_default().as_secs()
        );
        let key: String = Sha256::digest(version)
            .iter()
            .take(6)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let home = std::path::absolute(lock::home())?;
        Ok(Self {
            folder: home.join("images").join(key),
        })
    }

    /// Its folder.
    pub(in crate::lab::engine) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The data root of the engine that fills it.
    pub(super) fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// What is in it; empty when it was never finished.
    pub(in crate::lab::engine) fn index(&self) -> Index {
        fs::read(self.index_file())
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    fn index_file(&self) -> PathBuf {
        self.folder.join("index.json")
    }

    /// Keeps everybody from changing it while the file is open.
    pub(super) async fn share(&self, say: Say<'_>) -> io::Result<File> {
        let waiting = "Otra orden de muelle está guardando imágenes para el motor privado; espero a que termine.";
        lock::share(&self.folder.join("lock"), waiting, say).await
    }

    /// Waits until nobody uses it, and counts it as unfinished from now on.
    pub(super) async fn own(&self, say: Say<'_>) -> io::Result<File> {
        let waiting = "Otra orden de muelle está usando las imágenes del motor privado; espero a que termine.";
        let held = lock::hold(&self.folder.join("lock"), waiting, say).await?;
        protect(&self.folder)?;
        fs::create_dir_all(self.data())?;
        match fs::remove_file(self.index_file()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(held),
        }
    }

    /// Finishes it, when its engine has stopped: notes what is in it, and packs what engines copy.
    pub(super) async fn finish(&self, index: &Index) -> Result<(), String> {
        let root = format!("{FIRST_ID}.{FIRST_ID}");
        let mut command = tied::command("tar");
        command
            .arg("--create")
            .arg("--file")
            .arg(self.folder.join("skeleton.tar"))
            .arg("--directory")
            .arg(self.data())
            .args(["--wildcards-match-slash", "--exclude=*/overlay2/*/diff/*"])
            .args(["--exclude=*/overlay2/*/work/*"])
            .args([format!("{root}/image"), format!("{root}/overlay2")])
            .stdin(Stdio::null());
        tied::run(command, &self.folder.join("tar.log")).await?;
        let text = serde_json::to_vec_pretty(index).map_err(|error| error.to_string())?;
        // Whole or not at all.
        let new = self.folder.join("index.json.new");
        fs::write(&new, text)
            .and_then(|()| fs::rename(&new, self.index_file()))
            .map_err(|error| error.to_string())?;
        self.forget_others();
        Ok(())
    }

    /// Removes the stores of other versions that nobody uses.
    fn forget_others(&self) {
        let stores = self.folder.parent().and_then(|all| fs::read_dir(all).ok());
        for other in stores.into_iter().flatten().flatten() {
            let unused =
                File::open(other.path().join("lock")).is_ok_and(|lock| lock.try_lock().is_ok());
            if other.path() != self.folder && unused {
                // Only space is lost.
                let _ = fs::remove_dir_all(other.path());
            }
        }
    }
}

/// Layers hold other people's programs with special rights: nobody but root may go in.
fn protect(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}
