//! Folders by their paths, where there is nothing better.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::{Found, Kind};

/// A folder.
pub(super) struct Dir(PathBuf);

impl Dir {
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(path.to_owned()))
    }

    pub fn enter(&self, name: &OsStr) -> io::Result<Self> {
        Ok(Self(self.0.join(name)))
    }

    pub fn list(&self, most: usize) -> io::Result<Vec<Found>> {
        let found = fs::read_dir(&self.0)?.take(most).map(|entry| {
            let entry = entry?;
            let kind = entry.file_type()?;
            let kind = if kind.is_symlink() {
                Kind::Link
            } else if kind.is_dir() {
                Kind::Dir
            } else if kind.is_file() {
                Kind::File
            } else {
                Kind::Special
            };
            Ok(Found {
                name: entry.file_name(),
                kind,
            })
        });
        found.collect()
    }

    pub fn file(&self, name: &OsStr) -> io::Result<Option<(File, Metadata)>> {
        let file = File::open(self.0.join(name))?;
        let meta = file.metadata()?;
        Ok(meta.is_file().then_some((file, meta)))
    }

    pub fn link(&self, name: &OsStr) -> io::Result<Vec<u8>> {
        let target = fs::read_link(self.0.join(name))?;
        Ok(target.to_string_lossy().replace('\\', "/").into_bytes())
    }
}
