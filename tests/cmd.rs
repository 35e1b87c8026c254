//! The program as users run it: bad input, signals, exit codes, and nothing left behind.
//! Needs a real engine with the base image, prepared by `muelle images prepare` where it is missing.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests stop the test, as the tests do"
)]

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// One at a time: some look at what is left on the engine.
static ENGINE: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    ENGINE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn muelle() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_muelle"));
    command.stdin(Stdio::null());
    command
}

/// Runs `muelle check --exercise proyecto-final` on `folder`, base images prepared.
fn check(folder: &Path, extra: &[&str]) -> Output {
    prepare();
    let mut command = muelle();
    command
        .args(["check", "--exercise", "proyecto-final"])
        .args(extra)
        .arg(folder);
    command.output().unwrap()
}

fn prepare() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let status = muelle().args(["images", "prepare"]).status().unwrap();
        assert!(
            status.success(),
            "an engine and base images are needed: {status}"
        );
    });
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    folder
}

fn solution() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("solutions/10-proyecto/32-proyecto-final")
}

/// The JSON document of a check, which must be all that is on standard output.
fn document(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|e| panic!("{e}: {}\n{}", text(&output.stdout), text(&output.stderr)))
}

fn item<'a>(document: &'a Value, id: &str) -> &'a Value {
    let items = document["items"].as_array().unwrap();
    items.iter().find(|item| item["id"] == id).unwrap()
}

/// What carries a lab's label on the engine, by `docker`-like lists.
fn left() -> Vec<String> {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let engine = muelle::lab::engine::Engine::find().await.unwrap();
        muelle::lab::reaper::runs(engine.docker())
            .await
            .unwrap()
            .into_iter()
            .collect()
    })
}

#[test]
fn a_folder_that_is_not_there_is_wrong_usage() {
    let _turn = turn();
    for path in ["/no/existe", "/etc/hostname"] {
        let output = check(Path::new(path), &[]);
        assert_eq!(output.status.code(), Some(2), "{path}");
        assert!(
            text(&output.stderr).contains(path),
            "{}",
            text(&output.stderr)
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn wrong_usage_is_told_in_spanish_with_the_way_out() {
    let _turn = turn();
    for (args, words) in [
        (&["chek"][..], "¿quisiste decir `check`?"),
        (
            &["check", "--exercise", "proyecto-fina", "/tmp"],
            "¿quisiste decir `proyecto-final`?",
        ),
        (&["check", "--format", "xml"], "`xml` no vale para"),
        (
            &["check", "--exercise", "proyecto-final"],
            "falta la carpeta de la entrega",
        ),
    ] {
        let output = muelle().args(args).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let told = text(&output.stderr);
        assert!(told.contains(words), "{args:?}: {told}");
    }
}

#[test]
fn without_an_engine_nothing_is_called_failed() {
    let _turn = turn();
    let output = muelle()
        .env("DOCKER_HOST", "unix:///no/existe.sock")
        .args(["check", "--exercise", "proyecto-final", "--format", "json"])
        .arg(solution())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(
        text(&output.stderr).contains("/no/existe.sock"),
        "{}",
        text(&output.stderr)
    );
    let document = document(&output);
    assert_eq!(document["outcome"], "unverified");
    assert!(
        document["items"]
            .as_array()
            .unwrap()
            .iter()
            .all(|item| item["outcome"] == "unverified")
    );
}

#[test]
fn an_empty_folder_is_one_fault_and_not_twenty_one() {
    let _turn = turn();
    let folder = folder(&[]);
    let output = check(folder.path(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let document = document(&output);
    assert!(
        item(&document, "1-construye")["saw"]
            .as_str()
            .unwrap()
            .contains("está vacía")
    );
    assert_eq!(item(&document, "4-levanta")["blocked_by"], "1-construye");
    assert_eq!(document["points"], 0.0);
    assert_eq!(document["max_points"], 30.0);
}

#[test]
fn a_missing_or_misnamed_dockerfile_is_named() {
    let _turn = turn();
    let folder = folder(&[("dockerfile", b"FROM python:3.11-slim\n")]);
    let output = check(folder.path(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let saw = item(&document(&output), "1-construye")["saw"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        saw.contains("no encuentro el archivo `Dockerfile`") && saw.contains("`dockerfile`"),
        "{saw}"
    );
}

#[test]
fn a_binary_dockerfile_fails_and_a_huge_one_is_refused() {
    let _turn = turn();
    let binary = folder(&[("Dockerfile", b"\x7fELF\x00\x01\x02")]);
    let output = check(binary.path(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let document = document(&output);
    assert_eq!(item(&document, "1-construye")["outcome"], "failed");
    assert_eq!(item(&document, "1-construye")["location"]["line"], 1);

    let huge = folder(&[("Dockerfile", &vec![b'#'; 20 << 20])]);
    let output = check(huge.path(), &[]);
    assert_eq!(output.status.code(), Some(4));
    assert!(
        text(&output.stdout).contains("pesa 20 MB"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn a_build_that_fails_is_told_with_its_line_and_its_last_words() {
    let _turn = turn();
    let folder = folder(&[(
        "Dockerfile",
        b"FROM python:3.11-slim\nWORKDIR /app\nRUN echo hasta aqui && exit 7\n",
    )]);
    let output = check(folder.path(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(1));
    let document = document(&output);
    let built = item(&document, "1-construye");
    assert_eq!(built["location"]["line"], 3, "{built}");
    assert!(
        built["saw"].as_str().unwrap().contains("hasta aqui"),
        "{built}"
    );
    // What needs no image is judged all the same.
    assert_eq!(item(&document, "4-sin-avisos")["outcome"], "failed");
}

#[test]
fn an_instruction_that_does_not_exist_is_told_with_its_line() {
    let _turn = turn();
    let folder = folder(&[("Dockerfile", b"FROM python:3.11-slim\n\nCOPIA . .\n")]);
    let output = check(folder.path(), &["--format", "json"]);
    let document = document(&output);
    let built = item(&document, "1-construye");
    assert_eq!(
        (&built["outcome"], &built["location"]["line"]),
        (&"failed".into(), &3.into()),
        "{built}"
    );
}

#[test]
fn what_the_engines_builder_is_too_old_for_is_never_called_failed() {
    let _turn = turn();
    // Docker Engine 20.10's builder knows no heredocs; newer ones build this.
    let folder = folder(&[(
        "Dockerfile",
        b"FROM python:3.11-slim\nRUN <<EOF\ntouch /hecho\nEOF\nRUN test -e /hecho\n",
    )]);
    let document = document(&check(folder.path(), &["--format", "json"]));
    let built = &item(&document, "1-construye")["outcome"];
    let old = document["engine"]["version"]
        .as_str()
        .unwrap()
        .starts_with("20.");
    assert_eq!(
        built,
        if old { "unverified" } else { "passed" },
        "{document}"
    );
}

#[test]
fn what_reaches_out_of_the_lab_is_refused_before_anything_runs() {
    let _turn = turn();
    let folder = folder(&[
        ("Dockerfile", b"FROM python:3.11-slim\nRUN touch /tocado\n"),
        (
            "compose.yaml",
            b"services:\n  api:\n    build: .\n    privileged: true\n",
        ),
    ]);
    let output = check(folder.path(), &["--format", "json"]);
    assert_eq!(output.status.code(), Some(4));
    let document = document(&output);
    assert_eq!(document["outcome"], "refused");
    assert_eq!(document["timings"], Value::Null);
    let first = &document["items"][0];
    assert_eq!(
        first["location"],
        serde_json::json!({"file": "compose.yaml", "line": 4, "column": 17})
    );

    let folder = self::folder(&[("Dockerfile", b"FROM debian:12\n")]);
    assert_eq!(check(folder.path(), &[]).status.code(), Some(4));
}

#[test]
fn the_exercises_own_description_is_no_part_of_a_submission() {
    let _turn = turn();
    // A `COPY . .` would carry it into the image, and with it the marks that it names.
    let folder = folder(&[
        (
            "Dockerfile",
            b"FROM python:3.11-slim\nCOPY . /x\nRUN test ! -e /x/exercise.toml\n",
        ),
        ("exercise.toml", b"MUELLE-HERRAMIENTA"),
    ]);
    let output = check(folder.path(), &["--format", "json"]);
    assert_eq!(item(&document(&output), "1-construye")["outcome"], "passed");
}

#[test]
fn a_report_into_a_pipe_has_no_colours() {
    let _turn = turn();
    let folder = folder(&[]);
    let output = check(folder.path(), &[]);
    assert!(!text(&output.stdout).contains('\u{1b}'));
    assert!(!text(&output.stderr).contains('\u{1b}'));
}

/// What the build below is busy with.
const SLEEP: &str = "sleep 123.5";

/// Starts a check with `builder` and waits until it builds.
fn building(builder: &str) -> Child {
    prepare();
    let dockerfile = format!("FROM python:3.11-slim\nRUN {SLEEP}; true\n");
    let folder = Box::leak(Box::new(folder(&[("Dockerfile", dockerfile.as_bytes())])));
    let mut child = muelle()
        .args(["check", "--exercise", "proyecto-final"])
        .arg(folder.path())
        .env("MUELLE_BUILDER", builder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines
        .map_while(Result::ok)
        .find(|line| line.contains("construyo la imagen"))
        .unwrap();
    let begun = Instant::now();
    while cfg!(target_os = "linux") && !runs_on_this_machine(SLEEP) {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the RUN step does not begin"
        );
        std::thread::sleep(Duration::from_millis(50));
    }
    // From here on nobody reads the progress: that must not matter.
    child
}

#[test]
#[cfg(unix)]
fn a_signal_ends_a_check_and_nothing_is_left() {
    let _turn = turn();
    use rustix::process::{Pid, Signal, kill_process};
    for (signal, code, builder) in [
        (Signal::TERM, 143, "buildkit"),
        (Signal::INT, 130, "buildkit"),
        (Signal::TERM, 143, "classic"),
    ] {
        let mut child = building(builder);
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(left().is_empty(), "{:?}", left());
        let begun = Instant::now();
        while runs_on_this_machine(SLEEP) {
            assert!(
                begun.elapsed() < Duration::from_secs(10),
                "the RUN step goes on"
            );
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

/// Whether a process with these words runs, containers' included.
fn runs_on_this_machine(words: &str) -> bool {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let mut lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines.any(|line| String::from_utf8_lossy(&line).replace('\0', " ").trim() == words)
}

#[test]
fn clean_removes_what_a_killed_check_left() {
    let _turn = turn();
    prepare();
    let mut child = muelle()
        .args(["check", "--exercise", "proyecto-final"])
        .arg(solution())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines();
    lines
        .map_while(Result::ok)
        .find(|line| line.contains("levanto el proyecto"))
        .unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    let output = muelle().arg("clean").output().unwrap();
    assert!(output.status.success());
    assert!(left().is_empty(), "{:?}", left());
}
