//! What no repository can hold, made from a case's `MAKE`: one thing a line, its name first; `\n`, `\e`, `\\` and
//! `\xHH` in a name are bytes.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Cursor, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use tar::{EntryType, Header};
use zip::write::SimpleFileOptions;

/// Follows the recipe in `folder`; gives the submission: the folder, or the archive that the recipe makes.
pub fn make(folder: &Path, recipe: &str) -> io::Result<PathBuf> {
    let mut archive: Option<(PathBuf, Vec<Entry>)> = None;
    let mut whole: Option<PathBuf> = None;
    let mut harm = Vec::new();
    for line in recipe.lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (name, value) = rest.split_once(' ').unwrap_or((rest, ""));
        let name = bytes(name);
        let path = folder.join(OsStr::from_bytes(&name));
        let gone = || {
            let _ = fs::remove_file(&path);
        };
        let number = || value.parse::<u64>().map_err(io::Error::other);
        match word {
            "fifo" => {
                gone();
                mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o644), 0)?;
            }
            "device" => {
                mknodat(
                    CWD,
                    &path,
                    FileType::CharacterDevice,
                    Mode::from_raw_mode(0o666),
                    makedev(1, 3),
                )?;
            }
            "socket" => drop(std::os::unix::net::UnixListener::bind(&path)?),
            "link" => {
                gone();
                symlink(value, &path)?;
            }
            "file" => fs::write(&path, value)?,
            "sparse" => File::create(&path)?.set_len(number()?)?,
            "files" => {
                fs::create_dir(&path)?;
                for n in 0..number()? {
                    fs::write(path.join(n.to_string()), "")?;
                }
            }
            "folders" => {
                let mut path = path;
                for _ in 0..number()? {
                    path.push("d");
                }
                fs::create_dir_all(path)?;
            }
            "lines" => {
                let (count, text) = value.split_once(' ').unwrap_or((value, ""));
                let count = count.parse().map_err(io::Error::other)?;
                let text = format!("{text}\n").repeat(count);
                fs::write(&path, format!("FROM python:3.11-slim\n{text}"))?;
            }
            "long" => {
                let (count, text) = value.split_once(' ').unwrap_or((value, ""));
                let count = count.parse().map_err(io::Error::other)?;
                fs::write(
                    &path,
                    format!("FROM python:3.11-slim\n{text}{}\n", "x".repeat(count)),
                )?;
            }
            "archive" => archive = Some((path, Vec::new())),
            "archive-is" => whole = Some(path),
            "cut" | "flip" | "encrypt" => harm.push((word.to_owned(), name.clone())),
            _ => {
                let Some((_, entries)) = &mut archive else {
                    return Err(io::Error::other(format!("`{line}` stands in no archive")));
                };
                entries.extend(Entry::read(word, &name, value)?);
            }
        }
    }
    let Some((path, entries)) = archive else {
        return Ok(whole.unwrap_or_else(|| folder.to_owned()));
    };
    let name = path.to_string_lossy().into_owned();
    let mut packed = if name.ends_with(".zip") {
        zipped(&entries)?
    } else {
        tarred(&entries)?
    };
    if name.ends_with("gz") {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&packed)?;
        packed = encoder.finish()?;
    }
    for (how, what) in harm {
        let at = |part: &[u8]| packed.windows(part.len()).position(|window| window == part);
        match how.as_str() {
            "cut" => {
                let left: usize = String::from_utf8_lossy(&what)
                    .parse()
                    .map_err(io::Error::other)?;
                packed.truncate(left);
            }
            "flip" => {
                let at = at(&what).ok_or_else(|| io::Error::other("nothing to flip"))?;
                packed[at] ^= 0x20;
            }
            _ => {
                let central = at(b"PK\x01\x02").ok_or_else(|| io::Error::other("no directory"))?;
                packed[6] |= 1;
                packed[central + 8] |= 1;
            }
        }
    }
    fs::write(&path, packed)?;
    Ok(path)
}

/// One entry of an archive.
struct Entry {
    name: Vec<u8>,
    kind: EntryType,
    target: String,
    content: Vec<u8>,
}

impl Entry {
    fn read(word: &str, name: &[u8], value: &str) -> io::Result<Vec<Self>> {
        let one = |kind, target: &str, content: Vec<u8>| {
            vec![Self {
                name: name.to_owned(),
                kind,
                target: target.to_owned(),
                content,
            }]
        };
        let number = || value.parse::<usize>().map_err(io::Error::other);
        Ok(match word {
            "entry" => one(EntryType::Regular, "", format!("{value}\n").into_bytes()),
            "entry-link" => one(EntryType::Symlink, value, Vec::new()),
            "entry-hard" => one(EntryType::Link, value, Vec::new()),
            "entry-device" => one(EntryType::Block, "", Vec::new()),
            "zeros" => one(EntryType::Regular, "", vec![0; number()?]),
            "entries" => (0..number()?)
                .map(|n| Self {
                    name: [name, n.to_string().as_bytes()].concat(),
                    kind: EntryType::Regular,
                    target: String::new(),
                    content: Vec::new(),
                })
                .collect(),
            other => return Err(io::Error::other(format!("no `{other}`"))),
        })
    }
}

/// Names are written as they are, whatever the crate would say to them.
fn tarred(entries: &[Entry]) -> io::Result<Vec<u8>> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..entry.name.len()].copy_from_slice(&entry.name);
        header.as_old_mut().linkname[..entry.target.len()].copy_from_slice(entry.target.as_bytes());
        header.set_entry_type(entry.kind);
        header.set_mode(0o644);
        header.set_size(entry.content.len() as u64);
        header.set_cksum();
        builder.append(&header, &entry.content[..])?;
    }
    builder.into_inner()
}

fn zipped(entries: &[Entry]) -> io::Result<Vec<u8>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for entry in entries {
        // Short ones stay legible, so that they can be damaged.
        let method = if entry.content.len() < 1000 {
            zip::CompressionMethod::Stored
        } else {
            zip::CompressionMethod::Deflated
        };
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(String::from_utf8_lossy(&entry.name).as_ref(), options)?;
        writer.write_all(&entry.content)?;
    }
    Ok(writer.finish()?.into_inner())
}

/// A name with its escapes put in.
fn bytes(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = name.as_bytes();
    while let Some((&first, more)) = rest.split_first() {
        rest = more;
        if first != b'\\' {
            out.push(first);
            continue;
        }
        let Some((&kind, more)) = rest.split_first() else {
            break;
        };
        rest = more;
        match kind {
            b'n' => out.push(b'\n'),
            b'e' => out.push(0x1b),
            b'x' if rest.len() >= 2 => {
                let text = String::from_utf8_lossy(&rest[..2]).into_owned();
                out.push(u8::from_str_radix(&text, 16).unwrap_or_default());
                rest = &rest[2..];
            }
            other => out.push(other),
        }
    }
    out
}
