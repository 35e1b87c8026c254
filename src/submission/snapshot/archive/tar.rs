//! `.tar`, once decompressed.

use std::io::{self, Read};

use tar::{Archive, EntryType};

use super::Packed;
use crate::submission::snapshot::intake::not_normal;
use crate::submission::snapshot::{SnapshotError, describe_io};

pub(super) fn read(packed: &mut Packed, from: impl Read) -> Result<(), SnapshotError> {
    let mut archive = Archive::new(from);
    let mut any = false;
    for entry in archive.entries().map_err(|error| broken(&error))? {
        let entry = entry.map_err(|error| broken(&error))?;
        any = true;
        let name = entry.path_bytes().into_owned();
        let header = entry.header();
        let executable = header.mode().is_ok_and(|mode| mode & 0o111 != 0);
        let target = entry.link_name_bytes().map(|target| target.into_owned());
        let target = target.unwrap_or_default();
        match header.entry_type() {
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                // Very old archives mark folders by the name alone.
                if name.ends_with(b"/") {
                    packed.folder(&name)?;
                } else {
                    let size = entry.size();
                    packed.file(&name, size, executable, entry)?;
                }
            }
            EntryType::Directory => packed.folder(&name)?,
            EntryType::Symlink => packed.link(&name, &target)?,
            EntryType::Link => packed.twin(&name, &target)?,
            // What speaks of the whole archive or of the next entry; the reader has heeded it.
            EntryType::XGlobalHeader | EntryType::XHeader => {}
            _ => return Err(not_normal(&String::from_utf8_lossy(&name))),
        }
    }
    if any {
        Ok(())
    } else {
        Err(SnapshotError::Unreadable(
            "no es un `.tar`, o está vacío".to_owned(),
        ))
    }
}

fn broken(error: &io::Error) -> SnapshotError {
    match error.kind() {
        io::ErrorKind::FileTooLarge => SnapshotError::Refused(
            "el archivo comprimido se hace enorme al descomprimirlo: no sigo leyendo".to_owned(),
        ),
        io::ErrorKind::UnexpectedEof => {
            SnapshotError::Unreadable("está cortado, le falta el final".to_owned())
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other => {
            SnapshotError::Unreadable("está dañado, o no es lo que dice su nombre".to_owned())
        }
        _ => SnapshotError::Unreadable(describe_io(error)),
    }
}
