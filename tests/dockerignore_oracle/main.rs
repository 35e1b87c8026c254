//! `.dockerignore` against Docker itself: which files of one tree arrive, for hand-written and generated files.
//!
//! The engine does not apply the file to a context; its clients do. So the `docker` command builds against a socket
//! of the test's own that only takes the context, a sample is built on the engine, whole, to show that this means the
//! same, and, with `tests/oracles.sh`, BuildKit builds every case.
//! Without the `docker` command or an engine the tests fail; nothing is skipped.
#![cfg(unix)]

mod cases;
mod upload;

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;
use std::thread;

use cases::{TREE, WRITTEN, contended, generated};
use muelle::lab::engine::Engine;
use muelle::submission::Snapshot;
use muelle::submission::dockerignore::{self, Dockerignore};
use muelle::submission::snapshot::Limits;
use tempfile::TempDir;
use upload::Upload;

/// Generated cases of each kind.
const GENERATED: u64 = 150;
/// Clients at once.
const AT_ONCE: usize = 4;
/// What the client sends even where its `.dockerignore` leaves it out; the engine then drops it before `COPY`.
const ALWAYS_SENT: [&str; 2] = ["Dockerfile", ".dockerignore"];

type Files = BTreeSet<String>;

/// What became of a context; nothing when its `.dockerignore` is refused.
type Arrived = Option<Files>;

fn all_cases() -> Vec<String> {
    let written = WRITTEN.iter().map(|text| (*text).to_owned());
    written
        .chain((0..GENERATED).map(generated))
        .chain((0..GENERATED).map(contended))
        .collect()
}

/// A folder with the tree, in which only the `.dockerignore` changes.
struct Context {
    folder: TempDir,
}

impl Context {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for path in TREE {
            let path = folder.path().join("context").join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, "x").expect("a file");
        }
        let context = Self { folder };
        fs::write(
            context.root().join("Dockerfile"),
            "FROM scratch\nCOPY . /\n",
        )
        .expect("a file");
        context
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("context")
    }

    fn ignore(&self, text: &str) {
        fs::write(self.root().join(".dockerignore"), text).expect("a file");
    }

    /// What `muelle` would send.
    fn ours(&self) -> Arrived {
        let files = Snapshot::read(&self.root(), Limits::default()).expect("a snapshot");
        let ignore = Dockerignore::for_build(&files, ".", "Dockerfile").ok()?;
        let context = dockerignore::context(&files, ".", &ignore);
        let paths = context.entries().map(|(path, _)| path);
        let kept = paths.filter(|path| context.file(path).is_some());
        Some(kept.map(str::to_owned).collect())
    }

    /// The `docker` command, with no settings of the user's.
    fn docker(&self, host: &str) -> Command {
        let mut command = Command::new("docker");
        command
            .env("DOCKER_CONFIG", self.folder.path())
            .env("DOCKER_HOST", host)
            .env("DOCKER_BUILDKIT", "0")
            .env_remove("DOCKER_CONTEXT")
            .env_remove("DOCKER_TLS_VERIFY");
        command
    }

    /// The image that the classic builder makes of it on the engine at `host`, removed again.
    fn built(&self, host: &str) -> Files {
        let made = run(self
            .docker(host)
            .args([
                "build",
                "-q",
                "--no-cache",
                "--label",
                "muelle-oracle=dockerignore",
            ])
            .arg(self.root()));
        let error = String::from_utf8_lossy(&made.stderr);
        assert!(made.status.success(), "the engine does not build: {error}");
        let image = String::from_utf8(made.stdout).expect("an id");
        let saved = run(self.docker(host).args(["save", image.trim()]));
        let removed = run(self.docker(host).args(["rmi", image.trim()]));
        assert!(saved.status.success() && removed.status.success());
        let mut archive = tar::Archive::new(saved.stdout.as_slice());
        let mut files = Files::new();
        for entry in archive.entries().expect("an archive") {
            let mut entry = entry.expect("an entry");
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).expect("an entry");
            // Layers are archives themselves, wherever this engine's format puts them; the rest is JSON.
            if bytes.len() > 262 && &bytes[257..262] == b"ustar" {
                files.extend(upload::regular_files(&bytes));
            }
        }
        files
    }

    /// What BuildKit takes.
    fn built_by(&self, buildx: &Path) -> Arrived {
        let mut command = Command::new(buildx);
        let output = run(command
            .env("DOCKER_CONFIG", self.folder.path())
            .args(["build", "-q", "--no-cache", "-o", "type=tar,dest=-"])
            .arg(self.root()));
        if output.status.success() {
            return Some(upload::regular_files(&output.stdout));
        }
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(is_refusal(&message), "BuildKit failed: {message}");
        None
    }

    /// What the client sends.
    fn sent(&self, upload: &Upload) -> Arrived {
        let output = run(self
            .docker(&upload.host())
            .args(["build", "-q"])
            .arg(self.root()));
        let sent = upload.take();
        if output.status.success() {
            return Some(sent.expect("a context was sent"));
        }
        let message = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(is_refusal(&message), "the client failed: {message}");
        None
    }
}

fn run(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("these tests need the `docker` command: {error}"))
}

/// Whether a client's message is about a pattern.
fn is_refusal(message: &str) -> bool {
    ["syntax error in pattern", "illegal exclusion pattern"]
        .iter()
        .any(|known| message.contains(known))
}

/// Why a difference is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// The classic client does not look into an ignored folder that no exception names with all its letters;
    /// BuildKit, which everyone has since Docker 23, does when an exception has a wildcard.
    ClassicDoesNotLook,
    /// Docker finds out that `[z-a]` is no expression when a file gets as far as that line.
    NeverReached,
}

/// What explains that `theirs`, from the classic client or BuildKit, is not `ours`; nothing when they are the same.
///
/// # Panics
/// When nothing explains it.
fn explain(text: &str, ours: &Arrived, theirs: &Arrived, classic: bool) -> Option<Reason> {
    if ours == theirs {
        return None;
    }
    match (ours, theirs) {
        (None, Some(_)) if breaks_only_where_reached(text) => Some(Reason::NeverReached),
        (Some(ours), Some(theirs))
            if classic
                && theirs.is_subset(ours)
                && ours
                    .difference(theirs)
                    .all(|path| is_not_looked_for(text, path)) =>
        {
            Some(Reason::ClassicDoesNotLook)
        }
        (Some(ours), Some(theirs)) => panic!(
            "{text:?}: only ours {:?}, only theirs {:?}",
            ours.difference(theirs).collect::<Vec<_>>(),
            theirs.difference(ours).collect::<Vec<_>>(),
        ),
        _ => panic!(
            "{text:?}: we {}, Docker does the opposite",
            if ours.is_some() {
                "accept it"
            } else {
                "refuse it"
            }
        ),
    }
}

/// Whether the classic client turns back at an ignored folder above `path`.
fn is_not_looked_for(text: &str, path: &str) -> bool {
    let ignore = Dockerignore::parse(text).expect("a file that is read");
    let exceptions: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix('!'))
        .map(|pattern| pattern.trim().trim_start_matches("./").trim_matches('/'))
        .collect();
    path.match_indices('/').any(|(end, _)| {
        let folder = &path[..end];
        let inside = format!("{folder}/");
        ignore.decide(folder).ignored
            && !exceptions
                .iter()
                .any(|pattern| format!("{pattern}/").starts_with(&inside))
    })
}

/// Whether the file would be read without its lines that Go's matcher takes and its expressions do not.
fn breaks_only_where_reached(text: &str) -> bool {
    let kept: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains("[z-a]"))
        .collect();
    Dockerignore::parse(&kept.join("\n")).is_ok()
}

fn without_always_sent(files: Arrived) -> Arrived {
    files.map(|mut files| {
        for path in ALWAYS_SENT {
            files.remove(path);
        }
        files
    })
}

/// Tries every case, some at once, and counts what is equal and what is explained.
fn compare(
    name: &str,
    cases: &[String],
    classic: bool,
    arrived: impl Fn(&Context, &str) -> (Arrived, Arrived) + Sync,
) {
    let next = Mutex::new(cases.iter());
    let reasons = Mutex::new(Vec::new());
    let faults = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                let context = Context::new();
                loop {
                    let Some(text) = next.lock().expect("a lock").next() else {
                        break;
                    };
                    context.ignore(text);
                    let (ours, theirs) = arrived(&context, text);
                    match std::panic::catch_unwind(|| explain(text, &ours, &theirs, classic)) {
                        Ok(reason) => reasons.lock().expect("a lock").extend(reason),
                        Err(_) => faults.lock().expect("a lock").push(text.clone()),
                    }
                }
            });
        }
    });
    let faults = faults.into_inner().expect("a lock");
    let reasons = reasons.into_inner().expect("a lock");
    let count = |reason| reasons.iter().filter(|it| **it == reason).count();
    println!(
        "{name}: {} cases, {} equal, {} explained (classic does not look: {}, never reached: {}), {} unexplained",
        cases.len(),
        cases.len() - reasons.len() - faults.len(),
        reasons.len(),
        count(Reason::ClassicDoesNotLook),
        count(Reason::NeverReached),
        faults.len(),
    );
    assert!(faults.is_empty(), "unexplained: {faults:#?}");
}

thread_local! {
    static UPLOAD: (TempDir, Upload) = {
        let folder = tempfile::tempdir().expect("a folder");
        let upload = Upload::open(folder.path());
        (folder, upload)
    };
}

#[test]
fn the_files_that_dockers_client_sends_are_ours() {
    let cases = all_cases();
    assert!(cases.len() >= 300);
    compare("docker build, contexts sent", &cases, true, |context, _| {
        let sent = UPLOAD.with(|(_, upload)| context.sent(upload));
        (
            without_always_sent(context.ours()),
            without_always_sent(sent),
        )
    });
}

#[tokio::test]
async fn what_the_client_sends_is_what_arrives_in_an_image() {
    const STEP: usize = 28;
    let engine = Engine::connect(&|line| println!("{line}"))
        .await
        .expect("this test needs a running engine");
    let host = &engine.endpoint().host;
    let cases: Vec<String> = all_cases().into_iter().step_by(STEP).collect();
    // A layer without files is no layer to engine 20.10, which then stops.
    let cases: Vec<String> = cases
        .into_iter()
        .chain(
            [
                "Dockerfile\n.dockerignore\ndata",
                "*\n!app\n**/.dockerignore",
            ]
            .map(str::to_owned),
        )
        .filter(|text| {
            let context = Context::new();
            context.ignore(text);
            context.ours().is_some_and(|files| !files.is_empty())
        })
        .collect();
    assert!(cases.len() >= 20);
    compare(
        "docker build, images of the classic builder",
        &cases,
        true,
        |context, _| (context.ours(), Some(context.built(host))),
    );
    if engine.is_private() {
        engine.stop().await;
    }
}

#[test]
#[ignore = "needs buildx from tests/oracles.sh"]
fn the_files_that_buildkit_takes_are_ours() {
    let buildx =
        std::env::var_os("MUELLE_BUILDX").expect("MUELLE_BUILDX is the path of docker-buildx");
    let buildx = Path::new(&buildx);
    // Patterns travel in a header of the session, and engine 20.10 breaks it off at a control character.
    let fits = |text: &String| {
        !text
            .lines()
            .any(|line| line.trim().contains(char::is_control))
    };
    let cases: Vec<String> = all_cases().into_iter().filter(fits).collect();
    assert!(cases.len() + 5 > all_cases().len());
    compare(
        "docker buildx build, BuildKit",
        &cases,
        false,
        |context, _| (context.ours(), context.built_by(buildx)),
    );
}

#[test]
fn the_line_that_is_named_decides() {
    let mut named = 0;
    for text in all_cases() {
        let Ok(ignore) = Dockerignore::parse(&text) else {
            continue;
        };
        let lines: Vec<&str> = text.split('\n').collect();
        let read = |lines: &[&str]| {
            Dockerignore::parse(&lines.join("\n")).expect("part of a file that is read")
        };
        for path in TREE {
            let decision = ignore.decide(path);
            let Some(line) = decision.line else {
                assert!(!decision.ignored, "{text:?}: {path} is ignored by no line");
                continue;
            };
            named += 1;
            let upto = |line: usize| read(&lines[..line]).decide(path).ignored;
            assert_ne!(
                upto(line - 1),
                decision.ignored,
                "{text:?}: line {line} is not where the fate of {path} turns"
            );
            for later in line..=lines.len() {
                assert_eq!(
                    upto(later),
                    decision.ignored,
                    "{text:?}: the fate of {path} turns behind line {line}"
                );
            }
            // Without it another line, further down, does the same, or the path's fate is another one.
            let mut without = lines.clone();
            without[line - 1] = "";
            let other = read(&without).decide(path);
            assert!(
                other.ignored != decision.ignored || other.line.is_some_and(|other| other > line),
                "{text:?}: {path} needs no line {line}"
            );
        }
    }
    println!(
        "deciding lines: {named} decisions of {} files",
        all_cases().len()
    );
    assert!(named > 5_000);
}
