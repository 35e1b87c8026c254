//! `muelle check --static` and `muelle explain` as users run them: no engine is asked.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests stop the test, as the tests do"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The program, where no engine can be found.
fn muelle(args: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_muelle"))
        .args(args)
        .current_dir(folder)
        .env("DOCKER_HOST", "unix:///no/hay/motor.sock")
        .env("COLUMNS", "100")
        .stdin(Stdio::null())
        .output()
        .unwrap()
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

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Everything printed but the line that tells the time.
fn findings(output: &Output) -> String {
    let text = text(&output.stdout);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.contains(" ms · "))
        .collect();
    lines.join("\n")
}

const GOOD: &str = "FROM python:3.11-slim-bookworm\nWORKDIR /app\nCOPY app app\nUSER 10001\nCMD [\"python\", \"-m\", \"app\"]\n";

#[test]
fn a_finding_shows_the_line_what_is_wrong_with_it_and_the_way_out() {
    let folder = folder(&[(
        "Dockerfile",
        b"FROM python:3.11-slim\nRUN pip list\nCOPI . /app\n",
    )]);
    let output = muelle(&["check", "--static", "Dockerfile"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    let shown = findings(&output);
    insta::assert_snapshot!(shown.split("\n\n").next().unwrap(), @r"
    error[dockerfile-no-valido]: la instrucción `COPI` no existe; ¿quisiste decir `COPY`?
     --> Dockerfile:3:1
      |
    3 | COPI . /app
      | ^^^^
      |
      = ayuda: corrige esa línea; los comentarios van en una línea propia
    ");
}

#[test]
fn columns_count_characters_with_a_mark_windows_line_ends_tabs_and_accents() {
    let dockerfile =
        "\u{feff}FROM python:3.11-slim\r\nLABEL dueño=\"Muñoz\"\tAÑO=\"x\r\nUSER 1\r\n";
    let folder = folder(&[("Dockerfile", dockerfile.as_bytes())]);
    let output = muelle(
        &["check", "--static", "--format", "json", "."],
        folder.path(),
    );
    let document = json(&output);
    let fault = &document["findings"][0];
    assert_eq!(fault["rule"], "dockerfile-no-valido", "{document:#}");
    assert_eq!(fault["location"]["line"], 2);
    // «LABEL dueño="Muñoz"<tab>AÑO=» is 24 characters long: the quote that stays open is the 25th.
    assert_eq!(fault["location"]["column"], 25);
    let drawn = findings(&muelle(&["check", "--static", "."], folder.path()));
    assert!(
        drawn.contains("LABEL dueño=\"Muñoz\"    AÑO=\"x"),
        "{drawn}"
    );
}

#[test]
fn every_format_tells_the_same_findings() {
    let compose = "version: '3.8'\nservices:\n  api:\n    image: redis:7.2\n    user: 1000\n";
    let folder = folder(&[("web/compose.yaml", compose.as_bytes())]);
    let run = |format: &str| {
        let output = muelle(
            &["check", "--static", "--format", format, "web"],
            folder.path(),
        );
        assert_eq!(output.status.code(), Some(1), "{format}");
        assert!(
            !output.stdout.contains(&0x1b),
            "{format}: no colours into a pipe"
        );
        text(&output.stdout)
    };
    let document: Value = serde_json::from_str(&run("json")).unwrap();
    let rules: Vec<&str> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["rule"].as_str().unwrap())
        .collect();
    assert!(rules.contains(&"compose-no-valido"));
    assert_eq!(document["outcome"], "failed");
    assert_eq!(
        document["findings"][0]["location"]["file"],
        "web/compose.yaml"
    );
    let sarif: Value = serde_json::from_str(&run("sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let of_sarif: Vec<&str> = results
        .iter()
        .map(|r| r["ruleId"].as_str().unwrap())
        .collect();
    assert_eq!(of_sarif, rules);
    let described = sarif["runs"][0]["tool"]["driver"]["rules"]
        .as_array()
        .unwrap();
    assert!(
        rules
            .iter()
            .all(|rule| described.iter().any(|one| one["id"] == *rule))
    );
    let github = run("github");
    assert_eq!(github.lines().count(), rules.len());
    assert!(github.contains("file=web/compose.yaml,line=5"), "{github}");
    let human = run("human");
    assert!(
        rules
            .iter()
            .all(|rule| human.contains(&format!("[{rule}]")))
    );
}

#[test]
fn a_folder_without_faults_ends_with_zero_and_says_how_much_it_read() {
    let folder = folder(&[
        ("Dockerfile", GOOD.as_bytes()),
        (".dockerignore", b"**/.env*\n"),
    ]);
    let output = muelle(&["check", "--static"], folder.path());
    assert_eq!(output.status.code(), Some(0));
    let shown = text(&output.stdout);
    assert!(shown.starts_with("2 archivos en "), "{shown}");
    assert!(shown.contains("0 errores · 0 avisos · 0 notas"), "{shown}");
}

#[test]
fn what_cannot_be_read_is_told_and_hides_nothing_else() {
    let folder = folder(&[
        ("a/Dockerfile", &vec![b'#'; 3 << 20]),
        ("b/Dockerfile", b"\x7fELF\0\0"),
        ("c/Dockerfile", b"FROM x\nRUN \xff\n"),
        ("d/compose.yaml", b"services: [\n"),
        ("e/Dockerfile", b"FROM scratch\nCOPI a b\n"),
        ("f/.dockerignore", b"[abc\n"),
        ("f/Dockerfile", b"FROM scratch\n"),
    ]);
    let output = muelle(
        &["check", "--static", "--format", "json", "."],
        folder.path(),
    );
    assert_eq!(output.status.code(), Some(1));
    let document = json(&output);
    let errors: Vec<&str> = document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["level"] == "error")
        .map(|finding| finding["location"]["file"].as_str().unwrap())
        .collect();
    assert_eq!(
        errors,
        [
            "a/Dockerfile",
            "b/Dockerfile",
            "c/Dockerfile",
            "d/compose.yaml",
            "e/Dockerfile",
            "f/.dockerignore"
        ]
    );
}

#[test]
fn a_path_that_is_not_there_is_wrong_usage() {
    let folder = folder(&[]);
    let output = muelle(&["check", "--static", "no-esta"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        text(&output.stderr),
        "error: no puedo leer `no-esta`: no existe\n"
    );
    let output = muelle(
        &[
            "check",
            "--format",
            "sarif",
            "--exercise",
            "proyecto-final",
            ".",
        ],
        folder.path(),
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("añade `--static`"));
}

#[test]
fn nothing_in_the_folder_decides_how_it_is_judged() {
    let files: [(&str, &[u8]); 4] = [
        ("Dockerfile", b"# check=skip=all\n# hadolint global ignore=DL3006\nFROM python:3.11-slim\n# muelle: ignora dockerfile-no-valido\nCOPI a b\n"),
        (".hadolint.yaml", b"ignored: [DL3006]\n"),
        ("muelle.toml", b"ignora = [\"dockerfile-no-valido\"]\n"),
        ("dclint.config.js", b"require('fs').writeFileSync('ejecutado', '')\n"),
    ];
    let folder = folder(&files);
    let output = muelle(&["check", "--static"], folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(!folder.path().join("ejecutado").exists());
    let output = muelle(&["check", "--static", "--heed-comments"], folder.path());
    assert_eq!(output.status.code(), Some(0));
    assert!(
        text(&output.stdout).contains("1 hallazgo que los comentarios del archivo piden callar")
    );
}

#[test]
fn what_a_file_says_cannot_steer_the_terminal() {
    let folder = folder(&[(
        "Dockerfile",
        b"FROM scratch\nCOPI \x1b]0;titulo\x07 \x1b[31m\n",
    )]);
    for format in ["human", "github"] {
        let output = muelle(&["check", "--static", "--format", format], folder.path());
        assert!(
            !output.stdout.contains(&0x1b) && !output.stdout.contains(&7),
            "{format}"
        );
    }
}

#[test]
fn a_rule_and_an_item_are_explained_and_a_slip_is_noticed() {
    let folder = folder(&[]);
    let rule = text(&muelle(&["explain", "version-obsoleta"], folder.path()).stdout);
    for part in [
        "Por qué importa:",
        "Qué hacer:",
        "Libro:",
        "Así salta:",
        "Así no:",
        "dclint no-version-field",
    ] {
        assert!(rule.contains(part), "{part} in {rule}");
    }
    let item = text(&muelle(&["explica", "6-sano"], folder.path()).stdout);
    assert!(item.contains("Qué pruebo:"), "{item}");
    let experiment = text(&muelle(&["explain", "cache-de-dependencias"], folder.path()).stdout);
    for part in [
        "Qué hace:",
        "Cómo no engaña:",
        "Parámetro `codigo`",
        "Lo usa:",
    ] {
        assert!(experiment.contains(part), "{part} in {experiment}");
    }
    let output = muelle(&["explain", "cache-de-dependencia"], folder.path());
    assert!(text(&output.stderr).contains("¿quisiste decir `cache-de-dependencias`"));
    let output = muelle(&["explain", "version-obsoletas"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("¿quisiste decir `version-obsoleta`"));
}

#[test]
fn a_file_that_is_asked_for_by_name_is_read_whatever_it_is_called() {
    let compose = "services:\n  api:\n    image: python\n    env_file: api.env\n";
    let folder = folder(&[
        ("stack.yml", compose.as_bytes()),
        ("api.env", b"A=1\n"),
        (
            "sin-env.yaml",
            compose.replace("api.env", "no.env").as_bytes(),
        ),
        ("Mi-Dockerfile.dev", b"FROM python:3.11-slim\nCOPI a b\n"),
        ("web.containerfile", b"FROM python:3.11-slim\nCOPI a b\n"),
        (".env.production", b"A B=1\n"),
        ("otro.env", b"A B=1\n"),
        ("bien.env", b"A=${DE_FUERA:?falta}\n"),
        ("web.dockerignore", b"[abc\n"),
    ]);
    for (name, expected) in [
        ("stack.yml", "imagen-sin-fijar"),
        ("sin-env.yaml", "archivo-que-falta"),
        ("Mi-Dockerfile.dev", "dockerfile-no-valido"),
        ("web.containerfile", "dockerfile-no-valido"),
        (".env.production", "env-no-valido"),
        ("otro.env", "env-no-valido"),
        ("bien.env", ""),
        ("web.dockerignore", "dockerignore-no-valido"),
    ] {
        let output = muelle(
            &["check", "--static", "--format", "json", name],
            folder.path(),
        );
        let found = json(&output);
        let rules: Vec<&str> = found["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|finding| finding["rule"].as_str())
            .collect();
        match expected {
            "" => assert!(rules.is_empty(), "{name}: {found:#}"),
            rule => assert!(rules.contains(&rule), "{name}: {found:#}"),
        }
    }
}

#[test]
fn a_file_of_another_kind_is_refused_and_told_what_can_be_read() {
    let folder = folder(&[("app.py", b"print(1)\n")]);
    let output = muelle(&["check", "--static", "app.py"], folder.path());
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    assert!(
        told.contains("un Dockerfile, un archivo de Compose"),
        "{told}"
    );
    assert!(!told.contains("no hay ningún"), "{told}");
}
