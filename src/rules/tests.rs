mod correct;

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::report;
use crate::submission::Snapshot;

fn reading(files: Example) -> Reading {
    let mut snapshot = Snapshot::default();
    for (path, content) in files {
        snapshot.insert(path, content.as_bytes(), false);
    }
    Reading::of(snapshot)
}

#[test]
fn every_rule_finds_its_wrong_example_and_is_silent_on_its_right_one() {
    let mut faults = Vec::new();
    for rule in all() {
        let found = |files| {
            judge(&reading(files))
                .into_iter()
                .any(|f| f.rule == rule.id)
        };
        if !found(rule.wrong) {
            faults.push(format!("{}: silent on its wrong example", rule.id));
        }
        if found(rule.right) {
            faults.push(format!("{}: speaks of its right example", rule.id));
        }
    }
    assert!(faults.is_empty(), "{faults:#?}");
}

#[test]
fn no_right_example_has_an_error_of_any_rule() {
    for rule in all() {
        let errors: Vec<_> = judge(&reading(rule.right))
            .into_iter()
            .filter(|finding| finding.level == Level::Error)
            .collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", rule.id);
    }
}

#[test]
fn no_two_rules_point_at_one_place() {
    let own: Example = &[
        (
            "compose.yaml",
            "services:\n  api:\n    image: python:3.11-slim\n    ports: [\"8000:8000\"]\n    networks: [dentro]\n    healthcheck:\n      test: curl http://localhost/\n  web:\n    build: .\n    healthcheck:\n      test: curl http://localhost/\nnetworks:\n  dentro:\n    internal: true\n",
        ),
        (
            "Dockerfile",
            "FROM python:3.11-slim\nCOPY .env /\nUSER appuser\nHEALTHCHECK CMD curl http://localhost/\nCMD python a.py\n",
        ),
    ];
    let examples = all().flat_map(|rule| [rule.wrong, rule.right]);
    for files in examples.chain([own]) {
        let mut places = std::collections::BTreeMap::new();
        for finding in judge(&reading(files)) {
            let Some(at) = finding.location else { continue };
            let other = places.insert(at.clone(), finding.rule);
            assert!(
                other.is_none_or(|other| other == finding.rule),
                "{other:?} and {} at {at:?}: {files:#?}",
                finding.rule
            );
        }
    }
}

#[test]
fn every_rule_says_what_it_finds_why_it_matters_and_what_to_do() {
    let mut ids = BTreeSet::new();
    for rule in all() {
        let id = rule.id;
        assert!(ids.insert(id), "{id}: twice");
        let kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(id.chars().all(kebab), "{id}");
        assert!(rule.why.ends_with('.'), "{id}: why");
        assert!(
            !rule.fix.ends_with('.') && !rule.title.ends_with('.'),
            "{id}: fix, title"
        );
        assert!(rule.lesson.contains(".html"), "{id}: lesson");
        let words = [rule.title, rule.why, rule.fix].join(" ");
        // What is quoted from a file may have any sign.
        let words: String = words.split('`').step_by(2).collect();
        assert!(
            !words.contains('¡') && !words.contains('!'),
            "{id}: no exclamations"
        );
    }
}

/// What a student reads of every wrong example, whole: reviewed like code.
#[test]
fn the_words_of_every_rule_are_those_that_were_reviewed() {
    for topic in CATALOGUE {
        let mut text = String::new();
        for rule in topic.rules {
            let reading = reading(rule.wrong);
            let own: Vec<_> = judge(&reading)
                .into_iter()
                .filter(|finding| finding.rule == rule.id)
                .collect();
            text.push_str(&report::snippet::render(&own, &reading.snapshot, ""));
        }
        let plain = anstream::adapter::strip_str(&text).to_string();
        let slug: String = topic
            .title
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        insta::assert_snapshot!(slug.to_lowercase(), plain);
    }
}

/// Lines of the examples of several rules, thrown together: what nobody would write, and somebody will.
fn jumble() -> impl Strategy<Value = Vec<(String, String)>> {
    let lines: Vec<(&str, &str)> = all()
        .flat_map(|rule| rule.wrong.iter().chain(rule.right))
        .flat_map(|(path, content)| content.lines().map(|line| (*path, line)))
        .collect();
    let paths = [
        "Dockerfile",
        "compose.yaml",
        ".dockerignore",
        ".env",
        "arranque.sh",
        "requirements.txt",
    ];
    let file = prop::sample::select(paths.to_vec()).prop_flat_map(move |path| {
        let own: Vec<&str> = lines
            .iter()
            .filter(|(of, _)| of.ends_with(path))
            .map(|(_, line)| *line)
            .chain([
                "FROM python:3.11-slim",
                "services:",
                "  a:",
                "    build: .",
                "",
            ])
            .collect();
        let text = prop::collection::vec(prop::sample::select(own), 0..40);
        text.prop_map(move |lines| (path.to_owned(), lines.join("\n")))
    });
    prop::collection::vec(file, 1..5)
}

proptest! {
    #[test]
    fn no_folder_makes_a_rule_panic_or_point_outside_of_its_files(files in jumble()) {
        let mut snapshot = Snapshot::default();
        for (path, content) in files {
            snapshot.insert(&path, content, false);
        }
        let reading = Reading::of(snapshot);
        for finding in judge(&reading) {
            let at = finding.location.expect("every rule names a place");
            let file = reading.snapshot.file(&at.file);
            let text = String::from_utf8_lossy(file.expect("a file that is there"));
            let line = text.lines().nth(at.line - 1).unwrap_or_default();
            prop_assert!(at.line <= text.lines().count().max(1), "{}: {at}", finding.rule);
            prop_assert!(at.column <= line.chars().count() + 1, "{}: {at}", finding.rule);
        }
    }
}

#[test]
fn a_dockerfile_too_long_to_look_into_hides_no_other_and_stops_nothing() {
    let long = format!(
        "FROM python:3.11-slim\n{}CMD [\"python\"]\n",
        "ENV A=1\n".repeat(1001)
    );
    let mut snapshot = Snapshot::default();
    snapshot.insert("a/Dockerfile", long.into_bytes(), false);
    snapshot.insert("b/Dockerfile", "FROM python:3.11-slim\n".as_bytes(), false);
    let service = |name: &str| {
        format!(
            "  {name}:\n    build: {name}\n    healthcheck:\n      test: curl -f http://localhost/\n"
        )
    };
    let compose = format!("services:\n{}{}", service("a"), service("b"));
    snapshot.insert("compose.yaml", compose.into_bytes(), false);
    let findings = judge(&Reading::of(snapshot));
    let of_checks = |finding: &&StaticFinding| finding.rule == "chequeo-sin-programa";
    assert_eq!(
        findings.iter().filter(of_checks).count(),
        1,
        "{findings:#?}"
    );
}
