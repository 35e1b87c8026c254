//! The folders of `tests/cases` are well-formed, and every item has a mutant that fails it.

#![expect(
    clippy::unwrap_used,
    reason = "a test may stop at what it does not expect"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(dir)
        .unwrap_or_else(|e| panic!("{}: {e}", dir.display()))
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}

/// The cases of exercises; `hostile` is none.
fn exercises() -> Vec<PathBuf> {
    let mut cases = folders(&root().join("tests/cases"));
    cases.retain(|case| !case.ends_with("hostile"));
    cases
}

/// The folder and the item ids of the exercise `id`.
fn exercise(id: &str) -> (PathBuf, Vec<String>) {
    for topic in folders(&root().join("exercises")) {
        for folder in folders(&topic) {
            let Ok(text) = fs::read_to_string(folder.join("exercise.toml")) else {
                continue;
            };
            let manifest: toml::Table = toml::from_str(&text).unwrap();
            if manifest["id"].as_str() == Some(id) {
                let items = manifest["items"].as_array().unwrap();
                let ids = items
                    .iter()
                    .map(|item| item["id"].as_str().unwrap().to_owned());
                return (folder, ids.collect());
            }
        }
    }
    panic!("`tests/cases/{id}` belongs to no exercise");
}

fn lines(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    text.lines().map(str::to_owned).collect()
}

#[test]
fn every_mutant_names_an_item_and_every_item_has_a_mutant() {
    for case in exercises() {
        let id = case.file_name().unwrap().to_str().unwrap();
        let (_, items) = exercise(id);
        let mut failed = BTreeSet::new();
        for mutant in folders(&case.join("mutants")) {
            let expected = lines(&mutant.join("EXPECT"));
            assert!(
                !expected.is_empty(),
                "{}: EXPECT names no item",
                mutant.display()
            );
            assert!(
                items.contains(&expected[0]),
                "{}: no item `{}`",
                mutant.display(),
                expected[0]
            );
            failed.extend(expected.into_iter().take(1));
        }
        let untested: Vec<&String> = items
            .iter()
            .filter(|item| !failed.contains(*item))
            .collect();
        assert!(untested.is_empty(), "{id}: no mutant fails {untested:?}");
    }
}

#[test]
fn alternatives_expect_nothing_and_only_what_is_there_is_removed() {
    for case in exercises() {
        let id = case.file_name().unwrap().to_str().unwrap();
        let (starter, _) = exercise(id);
        let alternatives = folders(&case.join("alternatives"));
        for alternative in &alternatives {
            assert!(
                !alternative.join("EXPECT").exists(),
                "{}",
                alternative.display()
            );
        }
        for folder in alternatives.iter().chain(&folders(&case.join("mutants"))) {
            if !folder.join("REMOVE").exists() {
                continue;
            }
            for path in lines(&folder.join("REMOVE")) {
                assert!(
                    starter.join(&path).exists()
                        || root().join("exercises/_app").join(&path).exists(),
                    "{}: the starter has no `{path}`",
                    folder.display()
                );
                assert!(
                    !folder.join(&path).exists(),
                    "{}: `{path}` comes back",
                    folder.display()
                );
            }
        }
    }
}
