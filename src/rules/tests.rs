mod correct;

use std::collections::BTreeSet;

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
