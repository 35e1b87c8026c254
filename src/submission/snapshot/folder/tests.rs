use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use super::super::{Entry, Limits, Snapshot, SnapshotError};

fn refused(folder: &std::path::Path, phrase: &str) {
    match Snapshot::read(folder, Limits::default()) {
        Err(SnapshotError::Refused(why)) => assert!(why.contains(phrase), "{why}"),
        other => panic!("{phrase}: {other:?}"),
    }
}

#[test]
fn a_fifo_and_a_socket_are_refused_without_waiting_for_anybody() {
    for socket in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tubo");
        let begun = Instant::now();
        if socket {
            let listening = std::os::unix::net::UnixListener::bind(&path).unwrap();
            refused(folder.path(), "no es un archivo normal");
            drop(listening);
        } else {
            mknodat(CWD, &path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
            refused(folder.path(), "no es un archivo normal");
        }
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}

#[test]
fn a_sparse_file_of_20_gb_is_refused_by_its_size_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = fs::File::create(folder.path().join("disperso.bin")).unwrap();
    file.set_len(20 << 30).unwrap();
    let begun = Instant::now();
    refused(folder.path(), "pesa 20480 MB");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn links_are_read_as_links_even_where_they_lead_to_folders() {
    let folder = tempfile::tempdir().unwrap();
    symlink("/etc", folder.path().join("etc")).unwrap();
    symlink("no-existe", folder.path().join("roto")).unwrap();
    symlink("yo", folder.path().join("yo")).unwrap();
    let snapshot = Snapshot::read(folder.path(), Limits::default()).unwrap();
    assert_eq!(snapshot.entries().count(), 3);
    assert_eq!(snapshot.entry("etc"), Some(&Entry::Link("/etc".into())));
    assert_eq!(snapshot.file("etc/passwd"), None);
}

#[test]
fn two_names_of_one_file_are_two_files() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "A").unwrap();
    fs::hard_link(folder.path().join("a"), folder.path().join("b")).unwrap();
    let snapshot = Snapshot::read(folder.path(), Limits::default()).unwrap();
    assert_eq!(snapshot.file("a"), snapshot.file("b"));
}

#[test]
fn too_many_too_deep_and_names_without_text_are_refused() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    for n in 0..5_001 {
        fs::write(folder.path().join(n.to_string()), "").unwrap();
    }
    refused(folder.path(), "más de 5000 archivos");
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(folder.path().join("d/".repeat(40))).unwrap();
    refused(folder.path(), "una dentro de otra");
    let folder = tempfile::tempdir().unwrap();
    let name = std::ffi::OsStr::from_bytes(b"a\xffb");
    fs::write(folder.path().join(name), "").unwrap();
    refused(folder.path(), "no es UTF-8");
}

#[test]
fn a_name_with_a_line_end_and_escapes_is_carried_through() {
    let folder = tempfile::tempdir().unwrap();
    let name = "a\nb\u{1b}[31m\u{202e}-rf";
    fs::write(folder.path().join(name), "x").unwrap();
    let snapshot = Snapshot::read(folder.path(), Limits::default()).unwrap();
    assert!(snapshot.contains(name));
}
