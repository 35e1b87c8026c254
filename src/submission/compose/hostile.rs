//! Files that are made to hurt, and files that nobody made: each ends soon, without a panic, at a place that exists.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::tests::load_files;
use super::{ComposeError, Loaded};
use crate::submission::snapshot::{Limits, Snapshot};

/// Far above what any of them needs in a slow build, far below what a bomb would take.
const SOON: Duration = Duration::from_secs(5);

fn read(text: &str) -> Result<Option<Loaded>, ComposeError> {
    let start = Instant::now();
    let result = load_files(&[("compose.yaml", text)]);
    assert!(start.elapsed() < SOON, "{:?}", start.elapsed());
    result
}

/// Its complaint, placed inside of the file.
fn complaint(text: &str) -> String {
    let error = read(text).expect_err("it is refused");
    check_place(text, &error);
    error.to_string()
}

fn check_place(text: &str, error: &ComposeError) {
    let at = error.location().expect("a place");
    assert_eq!(at.file, "compose.yaml");
    let lines: Vec<&str> = text.split('\n').collect();
    assert!((1..=lines.len()).contains(&at.line), "{error}");
    let length = lines[at.line - 1].chars().count();
    assert!(
        (1..=length + 1).contains(&at.column),
        "{error}: {}",
        at.column
    );
}

#[test]
fn aliases_that_multiply_are_stopped() {
    let mut text = "x-0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n".to_owned();
    for level in 1..30 {
        let alias = format!("*a{}, ", level - 1).repeat(9);
        text += &format!("x-{level}: &a{level} [{}]\n", alias.trim_end_matches(", "));
    }
    assert!(complaint(&text).contains("se multiplican sin medida"));
    let mut maps = "x-0: &a0 {k: v}\n".to_owned();
    for level in 1..60 {
        maps += &format!("x-{level}: &a{level}\n  a: *a{0}\n  b: *a{0}\n", level - 1);
    }
    assert!(complaint(&maps).contains("se multiplican sin medida"));
}

#[test]
fn deep_nesting_is_stopped() {
    for open in ["[", "{a: ", "- ", "[{a: "] {
        let text = open.repeat(100_000);
        assert!(read(&text).is_err(), "{open}");
    }
    let mut steps = String::new();
    for level in 0..1_000 {
        steps += &format!("{}a:\n", " ".repeat(level));
    }
    assert!(complaint(&steps).contains("niveles"));
}

#[test]
fn a_hundred_thousand_keys_are_stopped_and_ten_thousand_are_quick() {
    let keys = |count: usize| -> String { (0..count).map(|key| format!(" x{key}:\n")).collect() };
    assert!(complaint(&format!("x-much:\n{}", keys(100_000))).contains("más de 20000 valores"));
    let text = format!("services: {{a: {{image: x}}}}\nx-much:\n{}", keys(9_000));
    assert!(read(&text).is_ok());
    let merged = format!(
        "x-much: &m\n{}x-all:\n  <<: *m\nservices: {{a: {{image: x}}}}\n",
        keys(4_000)
    );
    assert!(read(&merged).is_ok());
}

#[test]
fn a_huge_file_is_not_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = std::fs::File::create(folder.path().join("compose.yaml")).expect("a file");
    file.set_len(100 << 20).expect("a hole");
    let start = Instant::now();
    let refused = Snapshot::read(folder.path(), Limits::default()).expect_err("it is too large");
    assert!(refused.to_string().contains("compose.yaml"), "{refused}");
    let main = "services: {a: {image: x, env_file: [grande]}}".to_owned();
    let error = load_files(&[
        ("compose.yaml", &main),
        ("grande", &"A=1\n".repeat(500_000)),
    ])
    .expect_err("too large");
    assert_eq!(
        error.to_string(),
        "grande:1: `grande` es demasiado grande para leerlo: como mucho, 1 MiB"
    );
    assert!(start.elapsed() < SOON);
}

#[test]
fn variables_in_variables_are_stopped() {
    assert!(
        complaint(&format!(
            "services: {{a: {{image: '{}'}}}}",
            "${U:-".repeat(100_000)
        ))
        .contains("no es una variable")
    );
    let nested = format!(
        "services: {{a: {{image: '{}x{}'}}}}",
        "${U:-".repeat(20),
        "}".repeat(20)
    );
    assert!(read(&nested).is_ok());
}

#[test]
fn a_chain_of_extends_and_dependencies_ends() {
    let mut text = "services:\n  s0: {image: x}\n".to_owned();
    for level in 1..500 {
        text += &format!(
            "  s{level}: {{extends: s{}, depends_on: [s{}]}}\n",
            level - 1,
            level - 1
        );
    }
    assert!(read(&text).is_err());
    let chain: String = (1..1_000)
        .map(|n| format!("  s{n}: {{image: x, depends_on: [s{}]}}\n", n - 1))
        .collect();
    assert!(read(&format!("services:\n  s0: {{image: x}}\n{chain}")).is_ok());
}

/// A file with a bit of everything, to be damaged.
const WHOLE: &str = include_str!("hostile.yaml");

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_ends_at_a_place_that_exists(text in any::<String>()) {
        if let Err(error) = read(&text) {
            check_place(&text, &error);
        }
    }

    #[test]
    fn text_of_yaml_signs_ends_at_a_place_that_exists(text in r"[a-c:\-\[\]{}&*!|>'#%@`,?\$ \n\t0-9ñ<]{0,120}") {
        if let Err(error) = read(&text) {
            check_place(&text, &error);
        }
    }

    #[test]
    fn a_damaged_project_ends_at_a_place_that_exists(
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..30, r"[a-z:\-\[\]{}&*!|>'$#, \n\tñ]{0,6}"), 1..4)
    ) {
        let mut text: Vec<char> = WHOLE.chars().collect();
        for (at, length, put) in cuts {
            let start = at.index(text.len());
            let end = (start + length).min(text.len());
            text.splice(start..end, put.chars());
        }
        let text: String = text.into_iter().collect();
        // Other files are named that are not there.
        if let Err(error) = read(&text)
            && !matches!(error, ComposeError::Missing { .. })
        {
            check_place(&text, &error);
        }
    }
}
