//! Where the two sides differ.

use serde_json::Value;

use crate::Outcome;
use crate::engine::State;
use crate::project::{End, Step};

/// Differences in what a step did.
pub fn outcomes(ours: &Outcome, theirs: &Outcome, step: &Step) -> Vec<String> {
    let mut told = Vec::new();
    match (&ours.failure, &theirs.failure, step.end) {
        (Some(ours), _, End::Refused) if ours.starts_with("REFUSED") => return told,
        (ours, _, End::Refused) => told.push(format!("no refusal: {ours:?}")),
        (None, None, End::Well | End::Apart) => {}
        (Some(ours), Some(theirs), End::Badly | End::Apart) => told.extend(failures(ours, theirs)),
        (ours, theirs, _) => told.push(format!(
            "ends with\n    {ours:?} and Compose with\n    {theirs:?}"
        )),
    }
    if ours.output != theirs.output {
        told.push(format!(
            "printed\n    {:?} and Compose\n    {:?}",
            ours.output, theirs.output
        ));
    }
    // `exec` and `logs` look at what is there: only what makes something warns.
    if matches!(step.command(), "up" | "run") {
        told.extend(warnings(ours, theirs));
    }
    told
}

/// Both fail: with the engine's same words, or with Compose's own that we quote.
fn failures(ours: &str, theirs: &str) -> Option<String> {
    let quotes = ours.split('`').skip(1).step_by(2);
    let quoted = ours
        .split_once("Compose dice: `")
        .map(|(_, rest)| rest.trim_end_matches("`)"));
    let mut quotes = quotes.filter(|it| it.contains(' ')).chain(quoted);
    let engine = theirs.lines().last().unwrap_or_default();
    let engine = engine.trim_start_matches("Error response from daemon: ");
    let is_exit = ours.starts_with("exit ");
    let same = quotes.any(|quoted| theirs.contains(quoted)) || ours.contains(engine) || is_exit;
    (!same || ours.starts_with("ENGINE"))
        .then(|| format!("fails with\n    {ours}\n  and Compose with\n    {theirs}"))
}

/// What Compose warns of and a lab never has: a stack is the only one of its project.
const NOT_OURS: &str = "Found orphan containers";

/// Each warning of Compose is quoted by one of ours, and each of ours quotes one.
fn warnings(ours: &Outcome, theirs: &Outcome) -> Vec<String> {
    let file_name = |it: &str| it.replace("DIR/", "");
    let theirs = theirs
        .warnings
        .iter()
        .filter(|it| !it.starts_with(NOT_OURS));
    let theirs: Vec<String> = theirs.map(|it| file_name(it)).collect();
    let missing = theirs
        .iter()
        .filter(|it| !ours.warnings.iter().any(|ours| ours.contains(it.as_str())));
    let extra = ours
        .warnings
        .iter()
        .filter(|it| !theirs.iter().any(|theirs| it.contains(theirs.as_str())));
    let missing = missing.map(|it| format!("only Compose warns: {it}"));
    missing
        .chain(extra.map(|it| format!("only we warn: {it}")))
        .collect()
}

/// Differences in what is on the engine.
pub fn states(ours: &State, theirs: &State) -> Vec<String> {
    let mut told = Vec::new();
    for (kind, ours, theirs) in [
        ("container", &ours.containers, &theirs.containers),
        ("network", &ours.networks, &theirs.networks),
        ("volume", &ours.volumes, &theirs.volumes),
    ] {
        let names = |list: &[Value]| {
            let names = list.iter().filter_map(|it| it["Name"].as_str());
            names.map(str::to_owned).collect::<Vec<_>>()
        };
        let (our_names, their_names) = (names(ours), names(theirs));
        if our_names != their_names {
            told.push(format!("{kind}s {our_names:?} and Compose {their_names:?}"));
            continue;
        }
        for (ours, theirs) in ours.iter().zip(theirs) {
            let path = format!("{kind} {}", ours["Name"]);
            differ(&path, ours, theirs, &mut told);
        }
    }
    told
}

fn differ(path: &str, ours: &Value, theirs: &Value, told: &mut Vec<String>) {
    match (ours, theirs) {
        (Value::Object(a), Value::Object(b)) => {
            let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                differ(&format!("{path}.{key}"), &ours[key], &theirs[key], told);
            }
        }
        _ if ours == theirs => {}
        _ => told.push(format!("{path}: {ours} and Compose {theirs}")),
    }
}
