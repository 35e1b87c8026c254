//! An archive read into a snapshot, where it lies: nothing of it is ever unpacked on the disk.

mod tar;
#[cfg(test)]
mod tests;
mod zip;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::intake::{Intake, not_text, shown};
use super::{Entry, Limits, Resolved, Snapshot, SnapshotError, describe_io};

/// Bytes of an archive beside its files' content: headers, names, padding; for every entry that may be in it.
const BESIDE: u64 = 2 << 10;

/// Folders alone in a folder that are stepped into: Moodle puts one around that of GitHub.
const MOST_WRAPPERS: usize = 4;

/// What macOS adds to every archive, and no student wrote.
const MAC: &str = "__MACOSX";

/// The archives that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Zip,
    Tar,
    TarGz,
}

impl Format {
    /// By the name, as people know them.
    pub fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        if name.ends_with(".zip") {
            Some(Self::Zip)
        } else if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
            Some(Self::TarGz)
        } else {
            name.ends_with(".tar").then_some(Self::Tar)
        }
    }
}

/// Reads the archive at `path`.
pub(super) fn read(path: &Path, format: Format, limits: Limits) -> Result<Snapshot, SnapshotError> {
    let broken = |why: &str| {
        SnapshotError::Unreadable(format!(
            "no puedo leer `{}`: {why}. Vuelve a comprimir la carpeta, como `.zip` o `.tar.gz`",
            path.display()
        ))
    };
    let file = File::open(path).map_err(|error| broken(&describe_io(&error)))?;
    let meta = file
        .metadata()
        .map_err(|error| broken(&describe_io(&error)))?;
    if !meta.is_file() {
        return Err(broken("no es un archivo normal"));
    }
    let most = limits.total + BESIDE * limits.entries as u64;
    if meta.len() > most {
        return Err(SnapshotError::Refused(format!(
            "el archivo pesa {} MB y una entrega pesa como mucho {} MB: deja fuera modelos y datos grandes",
            meta.len().div_ceil(1 << 20),
            limits.total >> 20
        )));
    }
    let mut packed = Packed {
        intake: Intake::new(limits),
        limits,
    };
    let read = match format {
        Format::Zip => zip::read(&mut packed, file),
        // A bomb is cut where everything that a submission may be has come out of it.
        Format::TarGz => tar::read(&mut packed, Cut::new(MultiGzDecoder::new(file), most)),
        Format::Tar => tar::read(&mut packed, Cut::new(file, most)),
    };
    read.map_err(|error| match error {
        SnapshotError::Unreadable(why) => broken(&why),
        refused => refused,
    })?;
    Ok(unwrapped(packed.intake.snapshot))
}

/// What an archive holds, on its way in.
struct Packed {
    intake: Intake,
    limits: Limits,
}

impl Packed {
    /// The path of an entry in the submission: nothing for what is passed over.
    fn place(&self, name: &[u8]) -> Result<Option<String>, SnapshotError> {
        let refused = |why: &str| {
            let name = String::from_utf8_lossy(name);
            SnapshotError::Refused(format!(
                "el archivo comprimido trae `{}`, {why}",
                shown(&name)
            ))
        };
        let text = std::str::from_utf8(name).map_err(|_| not_text(name))?;
        if text.contains('\0') {
            return Err(refused("cuyo nombre no puede ser el de un archivo"));
        }
        if text.starts_with(['/', '\\']) || text.get(1..2) == Some(":") {
            return Err(refused(
                "con una ruta absoluta: comprime la carpeta de la entrega con rutas relativas",
            ));
        }
        let mut parts = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    return Err(refused(
                        "que se saldría de la carpeta: comprime la carpeta de la entrega con rutas relativas",
                    ));
                }
                part => parts.push(part),
            }
        }
        if parts.first().is_none_or(|first| *first == MAC) {
            return Ok(None);
        }
        let path = parts.join("/");
        for (end, _) in path.match_indices('/') {
            if matches!(
                self.intake.snapshot.entry(&path[..end]),
                Some(Entry::Link(_) | Entry::File { .. })
            ) {
                return Err(refused(
                    "metido dentro de un enlace o de un archivo que no son carpetas",
                ));
            }
        }
        self.intake.admit(&path)?;
        Ok(Some(path))
    }

    /// Like [`Packed::place`], for what must not be there yet.
    fn new_place(&self, name: &[u8]) -> Result<Option<String>, SnapshotError> {
        let place = self.place(name)?;
        match &place {
            Some(path) if self.intake.snapshot.contains(path) => {
                Err(SnapshotError::Refused(format!(
                    "el archivo comprimido trae `{}` dos veces, y no se puede saber cuál vale: vuelve a comprimir la carpeta",
                    shown(path)
                )))
            }
            _ => Ok(place),
        }
    }

    fn folder(&mut self, name: &[u8]) -> Result<(), SnapshotError> {
        let Some(path) = self.place(name)? else {
            return Ok(());
        };
        match self.intake.snapshot.entry(&path) {
            // Many archives name a folder again.
            Some(Entry::Dir) => Ok(()),
            None => {
                for (end, _) in path.match_indices('/') {
                    self.intake.folder(&path[..end]);
                }
                self.intake.folder(&path);
                Ok(())
            }
            Some(_) => self.new_place(name).map(drop),
        }
    }

    fn file(
        &mut self,
        name: &[u8],
        size: u64,
        executable: bool,
        content: impl Read,
    ) -> Result<(), SnapshotError> {
        match self.new_place(name)? {
            Some(path) => self.intake.file(&path, size, executable, content),
            None => Ok(()),
        }
    }

    fn link(&mut self, name: &[u8], target: &[u8]) -> Result<(), SnapshotError> {
        if let Some(path) = self.new_place(name)? {
            for (end, _) in path.match_indices('/') {
                self.intake.folder(&path[..end]);
            }
            self.intake.link(&path, target);
        }
        Ok(())
    }

    /// A hard link: another name of a file that the archive has brought before.
    fn twin(&mut self, name: &[u8], of: &[u8]) -> Result<(), SnapshotError> {
        let Some(path) = self.new_place(name)? else {
            return Ok(());
        };
        let first = match self.place(of)? {
            Some(first) => match self.intake.snapshot.entry(&first) {
                Some(Entry::File { bytes, executable }) => Some((bytes.clone(), *executable)),
                _ => None,
            },
            None => None,
        };
        let Some((bytes, executable)) = first else {
            return Err(SnapshotError::Refused(format!(
                "`{}` es un enlace duro a algo que no está en el archivo comprimido: comprime los archivos mismos",
                shown(&path)
            )));
        };
        let content: &[u8] = &bytes;
        self.intake
            .file(&path, bytes.len() as u64, executable, content)
    }
}

/// Ends with an error where it has given `left` bytes and there are more.
struct Cut<R> {
    inner: R,
    left: u64,
}

impl<R> Cut<R> {
    fn new(inner: R, left: u64) -> Self {
        Self { inner, left }
    }
}

impl<R: Read> Read for Cut<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            io::Error::new(
                io::ErrorKind::FileTooLarge,
                "se hace enorme al descomprimirlo",
            )
        })?;
        Ok(read)
    }
}

/// Steps into the one folder that archives are wrapped in.
fn unwrapped(mut snapshot: Snapshot) -> Snapshot {
    for _ in 0..MOST_WRAPPERS {
        let top = {
            let mut tops = snapshot.entries().filter(|(path, _)| !path.contains('/'));
            match (tops.next(), tops.next()) {
                (Some((top, Entry::Dir)), None) => top.to_owned(),
                _ => break,
            }
        };
        let inner = snapshot.below(&top, |_| true);
        // A link that climbs over the wrapper leads out of the submission either way.
        if inner.is_empty() || snapshot.resolve(&top) != Resolved::Inside(top.clone()) {
            break;
        }
        snapshot = inner;
    }
    snapshot
}
