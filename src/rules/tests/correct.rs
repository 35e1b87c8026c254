//! Work that is right, though no lesson writes it so, and work that is right by luck.

use super::super::*;
use crate::submission::Snapshot;

const FOLDERS: &str = include_str!("correct.txt");

fn found(files: &[(&str, &str)]) -> Vec<StaticFinding> {
    let mut snapshot = Snapshot::default();
    for (path, content) in files {
        snapshot.insert(path, content.as_bytes().to_vec(), false);
    }
    judge(&Reading::of(snapshot))
}

/// The files of a folder of [`FOLDERS`].
fn files(folder: &str) -> Vec<(&str, &str)> {
    let files = folder.split("\n-- ").skip(1);
    files.filter_map(|file| file.split_once('\n')).collect()
}

#[test]
fn nothing_in_a_correct_folder_is_called_an_error_or_a_warning() {
    let mut accused = Vec::new();
    for folder in FOLDERS.split("\n== ").skip(1) {
        let name = folder.lines().next().unwrap_or_default();
        let files = files(folder);
        assert!(!files.is_empty(), "{name}: no files");
        let grave = found(&files)
            .into_iter()
            .filter(|one| one.level != Level::Note);
        accused.extend(grave.map(|one| {
            let at = one.location.map(|at| at.to_string()).unwrap_or_default();
            format!("{name}: {:?} {} {at}", one.level, one.rule)
        }));
    }
    assert!(accused.is_empty(), "{accused:#?}");
}

/// The level at which `rule` speaks of the folder.
fn level(rule: &str, files: &[(&str, &str)]) -> Option<Level> {
    let mut findings = found(files).into_iter();
    findings.find(|one| one.rule == rule).map(|one| one.level)
}

fn of_compose(rule: &str, rest: &str) -> Option<Level> {
    let text = format!("services:\n  api:\n    image: python:3.11-slim\n{rest}");
    level(rule, &[("compose.yaml", &text)])
}

fn of_dockerfile(rule: &str, rest: &str) -> Option<Level> {
    let text = format!("FROM python:3.11-slim\n{rest}");
    level(rule, &[("Dockerfile", &text)])
}

#[test]
fn an_operator_that_the_program_passes_over_is_no_error() {
    let check = |words: &str| {
        of_compose(
            "chequeo-sin-shell",
            &format!("    healthcheck:\n      test: [\"CMD\", {words}]\n"),
        )
    };
    // All tried on engine 20.10: Python ignores the rest, `curl` and `wget` fail for it.
    for (words, expected) in [
        (r#""python", "salud.py", "||", "exit", "1""#, Level::Warning),
        (
            r#""curl", "-f", "http://api", "||", "exit", "1""#,
            Level::Error,
        ),
        (
            r#""/usr/bin/wget", "-q", "http://api", "||", "exit", "1""#,
            Level::Error,
        ),
        (r#""python", "a.py", "&&", "python", "b.py""#, Level::Error),
        (r#""redis-cli ping""#, Level::Error),
    ] {
        assert_eq!(check(words), Some(expected), "{words}");
    }
    let probe = "HEALTHCHECK CMD [\"python\", \"a.py\", \"||\", \"exit\", \"1\"]\n";
    assert_eq!(
        of_dockerfile("operadores-sin-shell", probe),
        Some(Level::Warning)
    );
}

#[test]
fn a_wait_that_compose_may_give_up_is_no_error() {
    let waits = |required: &str| {
        of_compose(
            "sano-sin-chequeo",
            &format!(
                "    depends_on:\n      c:\n        condition: service_healthy\n{required}  c:\n    image: redis:7.4\n"
            ),
        )
    };
    assert_eq!(waits("        required: false\n"), Some(Level::Warning));
    assert_eq!(waits(""), Some(Level::Error));
}

#[test]
fn a_secret_is_an_error_when_it_looks_like_one_and_is_in_the_image() {
    let rule = "secreto-en-la-imagen";
    for (line, expected) in [
        ("ENV DB_PASSWORD=s3cr3t0\n", Some(Level::Error)),
        ("ARG DB_PASSWORD=s3cr3t0\n", Some(Level::Error)),
        ("ENV DB_PASSWORD=postgres\n", Some(Level::Warning)),
        ("ENV PAD_TOKEN=[PAD] STOP_TOKEN=###\n", None),
        (
            "ENV DB_PASSWORD=s3cr3t0\nFROM python:3.11-slim\n",
            Some(Level::Warning),
        ),
    ] {
        assert_eq!(of_dockerfile(rule, line), expected, "{line}");
    }
}

#[test]
fn what_is_removed_is_a_secret_as_far_as_it_could_be_read() {
    let removed = |name: &str, content: Option<&str>| {
        let text = format!("FROM python:3.11-slim\nCOPY {name} /t/\nRUN rm /t/{name}\n");
        let file = content.map(|content| (name, content));
        let files: Vec<_> = [("Dockerfile", text.as_str())]
            .into_iter()
            .chain(file)
            .collect();
        level("secreto-borrado-tarde", &files)
    };
    let key = "-----BEGIN PRIVATE KEY-----\n";
    let certificate = "-----BEGIN CERTIFICATE-----\n";
    for (name, content, expected) in [
        (".env", None, Some(Level::Error)),
        (".env", Some("API_KEY=sk-9f8a7b6c5d\n"), Some(Level::Error)),
        (".env", Some("LOG_LEVEL=DEBUG\n"), Some(Level::Warning)),
        (".env.production", Some("VITE_API=https://a\n"), None),
        ("x.pem", None, Some(Level::Warning)),
        ("x.pem", Some(key), Some(Level::Error)),
        ("x.pem", Some(certificate), None),
        (".npmrc", None, Some(Level::Warning)),
        (".npmrc", Some("save-exact=true\n"), None),
    ] {
        assert_eq!(removed(name, content), expected, "{name} {content:?}");
    }
}

#[test]
fn a_run_that_goes_on_after_a_missing_program_is_no_error() {
    let rule = "programa-que-no-esta";
    let source = |rest: &str| of_dockerfile(rule, &format!("RUN source /etc/profile{rest}\n"));
    assert_eq!(source(" && pip list"), Some(Level::Error));
    assert_eq!(source("; pip list"), Some(Level::Warning));
}

#[test]
fn a_file_that_the_image_hands_to_its_own_program_needs_no_permission() {
    let starts = |base: &str| {
        let text = format!("FROM {base}\nWORKDIR /app\nCOPY a.js .\nCMD [\"./a.js\"]\n");
        let files = [("Dockerfile", text.as_str()), ("a.js", "1\n")];
        level("guion-sin-permiso", &files)
    };
    assert_eq!(starts("node:22"), None);
    assert_eq!(starts("debian:12-slim"), Some(Level::Error));
}

#[test]
fn apt_asks_nothing_about_what_is_there_already() {
    let install = |base: &str, package: &str| {
        let text = format!("FROM {base}\nRUN apt-get update && apt-get install {package}\n");
        level("apt-sin-y", &[("Dockerfile", &text)])
    };
    assert_eq!(install("debian:12-slim", "curl"), Some(Level::Error));
    assert_eq!(install("python:3.11", "curl"), Some(Level::Warning));
    assert_eq!(install("node:22", "git"), Some(Level::Warning));
}

#[test]
fn what_python_packages_bring_is_no_curl() {
    for folder in [
        "/opt/venv",
        "/app/.venv",
        "/root/.local",
        "/usr/local/lib/python3.11/site-packages",
    ] {
        let text = format!(
            "FROM python:3.11-slim AS b\nRUN pip list\nFROM python:3.11-slim\nCOPY --from=b {folder} {folder}\nENV PATH={folder}/bin:$PATH\nHEALTHCHECK CMD curl -f http://127.0.0.1:8000/\nCMD [\"python\", \"-V\"]\n"
        );
        let found = level("chequeo-sin-programa", &[("Dockerfile", &text)]);
        assert_eq!(found, Some(Level::Error), "{folder}");
        let by_pip = text.replace("curl -f", "uv --version");
        let found = level("chequeo-sin-programa", &[("Dockerfile", &by_pip)]);
        assert_eq!(found, None, "{folder}");
    }
}
