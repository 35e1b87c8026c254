//! The socket of an engine that does nothing but take a build's context, to see what Docker's client sends.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

/// Files of the context sent last.
type Sent = Arc<Mutex<Option<BTreeSet<String>>>>;

/// The socket, open for as long as the test runs.
pub struct Upload {
    socket: PathBuf,
    sent: Sent,
}

impl Upload {
    pub fn open(folder: &Path) -> Self {
        let socket = folder.join("docker.sock");
        let listener = UnixListener::bind(&socket).expect("a socket of our own");
        let sent = Sent::default();
        let kept = sent.clone();
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, sent) = (stream.expect("a connection"), sent.clone());
                thread::spawn(move || serve(stream, &sent));
            }
        });
        Self { socket, sent: kept }
    }

    /// The address for `DOCKER_HOST`.
    pub fn host(&self) -> String {
        format!("unix://{}", self.socket.display())
    }

    /// Regular files of the context sent since the last call; nothing when none was sent whole.
    pub fn take(&self) -> Option<BTreeSet<String>> {
        self.sent.lock().expect("a lock").take()
    }
}

/// Answers the requests of one connection until its other end closes it.
fn serve(stream: UnixStream, sent: &Sent) {
    let mut out = stream.try_clone().expect("a second handle");
    let mut input = BufReader::new(stream);
    while let Some(request) = read_line(&mut input) {
        let mut chunked = false;
        while let Some(header) = read_line(&mut input).filter(|line| !line.is_empty()) {
            chunked |= header.eq_ignore_ascii_case("transfer-encoding: chunked");
        }
        let body = if request.contains("/build?") {
            assert!(chunked, "the client sends a context in chunks");
            let Some(tar) = read_chunks(&mut input) else {
                return;
            };
            *sent.lock().expect("a lock") = Some(regular_files(&tar));
            "{\"stream\":\"taken\"}\n"
        } else {
            "OK"
        };
        // To `HEAD /_ping` the length is told, and nothing follows.
        let shown = if request.starts_with("HEAD") {
            ""
        } else {
            body
        };
        let answer = format!(
            "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nOstype: linux\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{shown}",
            body.len(),
        );
        if out.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read_line(input: &mut impl BufRead) -> Option<String> {
    let mut line = String::new();
    let read = input.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

/// A chunked body; nothing when it breaks off, as it does when the client finds a fault on its way.
fn read_chunks(input: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = u64::from_str_radix(&read_line(input)?, 16).ok()?;
        let before = body.len() as u64;
        input.take(size).read_to_end(&mut body).ok()?;
        if body.len() as u64 != before + size || !read_line(input)?.is_empty() {
            return None;
        }
        if size == 0 {
            return Some(body);
        }
    }
}

/// Paths of the regular files in an archive.
pub fn regular_files(tar: &[u8]) -> BTreeSet<String> {
    let mut archive = tar::Archive::new(tar);
    let entries = archive.entries().expect("an archive");
    entries
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.header().entry_type().is_file())
        .map(|entry| {
            let path = entry.path().expect("a path");
            path.to_str().expect("UTF-8").to_owned()
        })
        .collect()
}
