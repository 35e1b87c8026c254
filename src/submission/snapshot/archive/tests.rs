use std::io::Write;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};
use zip::write::SimpleFileOptions;

use super::super::{Entry, Limits, Snapshot, SnapshotError};

/// Small limits, so that small archives break them.
const LIMITS: Limits = Limits {
    entries: 20,
    total: 100_000,
    depth: 4,
    text: 50_000,
};

fn read(name: &str, bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    Snapshot::read(Path::new(&path), LIMITS)
}

fn refused(name: &str, bytes: &[u8], phrase: &str) {
    match read(name, bytes) {
        Err(SnapshotError::Refused(why)) => assert!(why.contains(phrase), "{why}"),
        other => panic!("{phrase}: {other:?}"),
    }
}

fn unreadable(name: &str, bytes: &[u8], phrase: &str) {
    match read(name, bytes) {
        Err(SnapshotError::Unreadable(why)) => assert!(why.contains(phrase), "{why}"),
        other => panic!("{phrase}: {other:?}"),
    }
}

fn zip(entries: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        let mode = if name.ends_with(".sh") { 0o755 } else { 0o644 };
        let options = SimpleFileOptions::default().unix_permissions(mode);
        if name.ends_with('/') {
            writer.add_directory(*name, options).unwrap();
        } else {
            writer.start_file(*name, options).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

fn zip_link(name: &str, target: &str) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    writer.add_symlink(name, target, options).unwrap();
    writer.start_file("Dockerfile", options).unwrap();
    writer.finish().unwrap().into_inner()
}

/// Names are written as they are, whatever the crate would say to them.
fn tar(entries: &[(&[u8], EntryType, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        let data: &[u8] = if matches!(kind, EntryType::Link | EntryType::Symlink) {
            header.as_old_mut().linkname[..content.len()].copy_from_slice(content.as_bytes());
            b""
        } else {
            content.as_bytes()
        };
        header.set_size(data.len() as u64);
        header.set_cksum();
        builder.append(&header, data).unwrap();
    }
    builder.into_inner().unwrap()
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const FILE: EntryType = EntryType::Regular;

#[test]
fn archives_give_what_the_folder_would() {
    let zip = zip(&[
        ("Dockerfile", "FROM x\n"),
        ("app/", ""),
        ("app/main.py", "pass"),
        ("run.sh", "#!/bin/sh"),
    ]);
    let tar = tar(&[
        (b"./Dockerfile", FILE, "FROM x\n"),
        (b"./app/", EntryType::Directory, ""),
        (b"./app/main.py", FILE, "pass"),
    ]);
    for (name, bytes) in [
        ("e.zip", zip.clone()),
        ("E.ZIP", zip.clone()),
        ("e.tar", tar.clone()),
        ("e.tar.gz", gz(&tar)),
        ("e.tgz", gz(&tar)),
    ] {
        let snapshot = read(name, &bytes).unwrap();
        assert_eq!(
            &snapshot.file("Dockerfile").unwrap()[..],
            b"FROM x\n",
            "{name}"
        );
        assert!(snapshot.contains("app/main.py"), "{name}");
    }
    let snapshot = read("e.zip", &zip).unwrap();
    let executable = |path| {
        matches!(
            snapshot.entry(path),
            Some(Entry::File {
                executable: true,
                ..
            })
        )
    };
    assert!(executable("run.sh") && !executable("Dockerfile"));
}

#[test]
fn the_folder_that_github_and_moodle_put_around_is_stepped_into() {
    let zip = zip(&[
        ("Ana_123_file/entrega-main/Dockerfile", "FROM x"),
        ("Ana_123_file/entrega-main/app/main.py", ""),
        ("__MACOSX/Ana_123_file/._Dockerfile", "basura"),
    ]);
    let snapshot = read("e.zip", &zip).unwrap();
    let paths: Vec<_> = snapshot
        .entries()
        .map(|(path, _)| path.to_owned())
        .collect();
    assert_eq!(paths, ["Dockerfile", "app", "app/main.py"]);
}

#[test]
fn backslashes_of_old_windows_programs_are_folders() {
    let snapshot = read(
        "e.zip",
        &zip(&[("Dockerfile", ""), ("app\\main.py", "pass")]),
    )
    .unwrap();
    assert!(snapshot.contains("app/main.py"));
}

#[test]
fn entries_that_would_leave_the_folder_are_refused() {
    for name in ["../x", "a/../../x", "..\\..\\x"] {
        refused("e.zip", &zip(&[(name, "x")]), "se saldría");
    }
    for name in ["/etc/x", "C:\\x", "\\x"] {
        refused("e.zip", &zip(&[(name, "x")]), "ruta absoluta");
    }
    refused("e.tar", &tar(&[(b"../x", FILE, "x")]), "se saldría");
    refused("e.tar", &tar(&[(b"/etc/x", FILE, "x")]), "ruta absoluta");
}

#[test]
fn links_stay_links_and_nothing_is_written_through_them() {
    let snapshot = read("e.zip", &zip_link("fuera", "/etc/passwd")).unwrap();
    assert_eq!(
        snapshot.entry("fuera"),
        Some(&Entry::Link("/etc/passwd".into()))
    );
    assert_eq!(snapshot.file("fuera"), None);
    let through = tar(&[(b"d", EntryType::Symlink, "/tmp"), (b"d/x", FILE, "x")]);
    refused("e.tar", &through, "dentro de un enlace");
}

#[test]
fn hard_links_are_copies_of_what_came_before_and_nothing_else() {
    let good = tar(&[(b"a", FILE, "A"), (b"b", EntryType::Link, "a")]);
    assert_eq!(&read("e.tar", &good).unwrap().file("b").unwrap()[..], b"A");
    refused(
        "e.tar",
        &tar(&[(b"b", EntryType::Link, "etc/shadow")]),
        "enlace duro",
    );
    refused(
        "e.tar",
        &tar(&[(b"b", EntryType::Link, "/etc/shadow")]),
        "absoluta",
    );
}

#[test]
fn devices_and_fifos_are_refused() {
    for kind in [EntryType::Block, EntryType::Char, EntryType::Fifo] {
        refused(
            "e.tar",
            &tar(&[(b"x", kind, "")]),
            "no es un archivo normal",
        );
    }
}

#[test]
fn a_name_twice_is_refused_and_a_folder_twice_is_not() {
    refused(
        "e.tar",
        &tar(&[(b"a", FILE, "1"), (b"./a", FILE, "2")]),
        "dos veces",
    );
    refused("e.zip", &zip(&[("a", "1"), ("./a", "2")]), "dos veces");
    let folders = tar(&[
        (b"d/", EntryType::Directory, ""),
        (b"d/", EntryType::Directory, ""),
        (b"a", FILE, ""),
    ]);
    assert!(read("e.tar", &folders).is_ok());
}

#[test]
fn bombs_end_at_the_limits() {
    let big = "0".repeat(200_000);
    refused("e.zip", &zip(&[("a", &big)]), "máximo");
    refused("e.tar.gz", &gz(&tar(&[(b"a", FILE, &big)])), "máximo");
    // Under the cap of a file each, together too much.
    let some = "0".repeat(60_000);
    refused("e.zip", &zip(&[("a", &some), ("b", &some)]), "pesa más");
    let many: Vec<String> = (0..30).map(|n| format!("f{n}")).collect();
    let entries: Vec<_> = many.iter().map(|name| (name.as_str(), "")).collect();
    refused("e.zip", &zip(&entries), "más de 20 archivos");
    let entries: Vec<_> = many.iter().map(|n| (n.as_bytes(), FILE, "")).collect();
    refused("e.tar", &tar(&entries), "más de 20 archivos");
    refused("e.zip", &zip(&[("a/b/c/d/e/f", "")]), "una dentro de otra");
    // Nothing but padding behind the end, and a name of a megabyte.
    let mut endless = tar(&[(b"a", FILE, "")]);
    endless.truncate(512);
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(10_000_000);
    header.set_cksum();
    endless.extend_from_slice(header.as_bytes());
    endless.extend(vec![b'x'; 10_000_000]);
    refused("e.tar.gz", &gz(&endless), "enorme");
}

#[test]
fn an_archive_in_an_archive_is_a_file_like_any_other() {
    let inner = gz(&tar(&[(b"../x", FILE, "x")]));
    let outer = {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = Header::new_gnu();
        header.set_size(inner.len() as u64);
        builder
            .append_data(&mut header, "dentro.tar.gz", &inner[..])
            .unwrap();
        builder.into_inner().unwrap()
    };
    let snapshot = read("e.tar", &outer).unwrap();
    assert_eq!(&snapshot.file("dentro.tar.gz").unwrap()[..], &inner[..]);
}

#[test]
fn what_is_broken_is_told_and_never_panics() {
    let good = zip(&[
        ("Dockerfile", "FROM python:3.11-slim\nRUN true\n"),
        ("a", "b"),
    ]);
    for end in 0..good.len() {
        assert!(read("e.zip", &good[..end]).is_err(), "{end}");
    }
    unreadable("e.zip", b"esto no es un zip", "no es un `.zip`");
    unreadable("e.tar.gz", b"ni esto un tar", "dañado");
    unreadable("e.tar", b"", "vacío");
    let tar = tar(&[(b"a", FILE, "hola")]);
    unreadable("e.tar", &tar[..514], "dañado");
    // One byte of the content turned: the checksum no longer fits.
    let stored = {
        let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options =
            SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
        writer.start_file("a", options).unwrap();
        writer.write_all(b"contenido").unwrap();
        writer.finish().unwrap().into_inner()
    };
    let at = stored.windows(9).position(|w| w == b"contenido").unwrap();
    let mut turned = stored.clone();
    turned[at] = b'C';
    assert!(matches!(
        read("e.zip", &turned),
        Err(SnapshotError::Unreadable(_))
    ));
    // The flag that says "encrypted", in both headers.
    let mut locked = stored;
    locked[6] |= 1;
    let central = locked.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    locked[central + 8] |= 1;
    unreadable("e.zip", &locked, "contraseña");
}

#[test]
fn names_that_are_not_text_are_refused_and_strange_ones_carried_through() {
    refused("e.tar", &tar(&[(b"a\xff", FILE, "")]), "no es UTF-8");
    let snapshot = read(
        "e.tar",
        &tar(&[(b"con\nsalto", FILE, "x"), (b"b", FILE, "")]),
    )
    .unwrap();
    assert!(snapshot.contains("con\nsalto"));
}
