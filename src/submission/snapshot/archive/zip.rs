//! `.zip`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use zip::ZipArchive;
use zip::result::ZipError;

use super::Packed;
use crate::submission::snapshot::intake::{not_normal, shown};
use crate::submission::snapshot::{SnapshotError, describe_io};

/// The part of a Unix mode that says what an entry is, and its values.
const KIND: u32 = 0o170_000;
const REGULAR: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;
const LINK: u32 = 0o120_000;

/// Bytes of a link's target at most.
const LONGEST_TARGET: u64 = 4096;

/// Bytes of the record at the end, with the longest comment.
const END: u64 = 22 + 65_535;

pub(super) fn read(packed: &mut Packed, mut file: File) -> Result<(), SnapshotError> {
    // Before all of its list is read into memory.
    let said = entries_said(&mut file).unwrap_or_default();
    if said > packed.limits.entries {
        return Err(SnapshotError::Refused(format!(
            "el archivo comprimido trae más de {} archivos: ¿quedó dentro un entorno virtual o `node_modules`?",
            packed.limits.entries
        )));
    }
    let mut archive = ZipArchive::new(file).map_err(|error| broken(&error))?;
    if archive.has_duplicate_names() {
        return Err(SnapshotError::Refused(
            "el archivo comprimido trae el mismo nombre dos veces, y no se puede saber cuál vale: vuelve a comprimir la carpeta".to_owned(),
        ));
    }
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(|error| broken(&error))?;
        // Old Windows programs write `\`.
        let name = entry.name().map_err(|error| broken(&error))?;
        let name = name.replace('\\', "/").into_bytes();
        let mode = entry.unix_mode().unwrap_or(REGULAR);
        match mode & KIND {
            _ if name.ends_with(b"/") => packed.folder(&name)?,
            FOLDER => packed.folder(&name)?,
            REGULAR | 0 => {
                let size = entry.size();
                packed.file(&name, size, mode & 0o111 != 0, &mut entry)?;
            }
            LINK => {
                let mut target = Vec::new();
                (&mut entry)
                    .take(LONGEST_TARGET)
                    .read_to_end(&mut target)
                    .map_err(|error| broken(&error.into()))?;
                packed.link(&name, &target)?;
            }
            _ => return Err(not_normal(&String::from_utf8_lossy(&name))),
        }
    }
    Ok(())
}

/// How many entries the record at the end speaks of.
fn entries_said(file: &mut File) -> Option<usize> {
    let length = file.seek(SeekFrom::End(0)).ok()?;
    let start = length.saturating_sub(END);
    file.seek(SeekFrom::Start(start)).ok()?;
    let mut tail = Vec::new();
    file.take(END).read_to_end(&mut tail).ok()?;
    file.rewind().ok()?;
    let at = memchr::memmem::rfind(&tail, b"PK\x05\x06")?;
    let count = tail.get(at + 10..at + 12)?;
    Some(usize::from(u16::from_le_bytes([count[0], count[1]])))
}

fn broken(error: &ZipError) -> SnapshotError {
    let why = match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            "pide una contraseña, y una entrega se lee sin ella".to_owned()
        }
        ZipError::CompressionMethodNotSupported(_) => {
            "está comprimido de una forma que no leo (solo la normal, `deflate`)".to_owned()
        }
        ZipError::UnsupportedArchive(why) => shown(why),
        ZipError::Io(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            describe_io(error)
        }
        _ => "está dañado o cortado, o no es un `.zip`".to_owned(),
    };
    SnapshotError::Unreadable(why)
}
