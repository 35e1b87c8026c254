//! Folders by their descriptors: nothing is opened by its whole path, and nothing through a link.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, openat, readlinkat, statat};

use super::{Found, Kind};

/// An open folder.
pub(super) struct Dir(OwnedFd);

/// Never waits for a FIFO's other end, and never becomes a terminal's.
const SAFE: OFlags = OFlags::RDONLY
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY);

impl Dir {
    /// The folder that the caller named, which may be a link.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self(openat(
            CWD,
            path,
            SAFE | OFlags::DIRECTORY,
            Mode::empty(),
        )?))
    }

    /// A folder in it.
    pub fn enter(&self, name: &OsStr) -> io::Result<Self> {
        let flags = SAFE | OFlags::DIRECTORY | OFlags::NOFOLLOW;
        Ok(Self(openat(&self.0, name, flags, Mode::empty())?))
    }

    /// Its names, at most `most`.
    pub fn list(&self, most: usize) -> io::Result<Vec<Found>> {
        let mut found = Vec::new();
        for entry in rustix::fs::Dir::read_from(&self.0)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            let name = OsString::from(OsStr::from_bytes(name));
            let stat = statat(&self.0, &name, AtFlags::SYMLINK_NOFOLLOW)?;
            let kind = match FileType::from_raw_mode(stat.st_mode) {
                FileType::RegularFile => Kind::File,
                FileType::Directory => Kind::Dir,
                FileType::Symlink => Kind::Link,
                _ => Kind::Special,
            };
            found.push(Found { name, kind });
            if found.len() >= most {
                break;
            }
        }
        Ok(found)
    }

    /// A file in it; nothing when what is there now is none.
    pub fn file(&self, name: &OsStr) -> io::Result<Option<(File, Metadata)>> {
        let file: File = openat(&self.0, name, SAFE | OFlags::NOFOLLOW, Mode::empty())?.into();
        let meta = file.metadata()?;
        Ok(meta.is_file().then_some((file, meta)))
    }

    /// What a link in it says.
    pub fn link(&self, name: &OsStr) -> io::Result<Vec<u8>> {
        Ok(readlinkat(&self.0, name, Vec::new())?.into_bytes())
    }
}
