//! Our reading of Dockerfiles against the engine's own: needs a running engine of Docker, and fails without one.
//!
//! A build for a target that no Dockerfile has stops behind the parser, so that nothing is built and nothing stays.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests stop the test, as the tests do"
)]

#[path = "dockerfile_oracle/cases.rs"]
mod cases;
#[path = "dockerfile_oracle/generator.rs"]
mod generator;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bollard::Docker;
use bollard::query_parameters::{BuildImageOptionsBuilder, BuilderVersion};
use cases::Answer;
use futures_util::StreamExt;
use muelle::lab::Lab;
use muelle::lab::build::Recipe;
use muelle::lab::engine::Engine;
use muelle::submission::dockerfile::{Dockerfile, Fault, FaultKind, Kind, Word};

/// A stage that no case has.
const NO_TARGET: &str = "muelle-oraculo-ninguna";

/// The engine's word on a Dockerfile: nothing when it takes it, else its message.
async fn ask(docker: &Docker, text: &str) -> Option<String> {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o644);
    header.set_size(text.len() as u64);
    tar.append_data(&mut header, "Dockerfile", text.as_bytes())
        .unwrap();
    let body =
        http_body_util::Either::Left(http_body_util::Full::new(tar.into_inner().unwrap().into()));
    let options = BuildImageOptionsBuilder::default()
        .dockerfile("Dockerfile")
        .target(NO_TARGET)
        .version(BuilderVersion::BuilderV1)
        .build();
    let mut stream = std::pin::pin!(docker.build_image(options, None, Some(body)));
    let mut said = None;
    while let Some(message) = stream.next().await {
        if let Err(error) = message {
            said.get_or_insert(error.to_string());
        }
    }
    let said = said.expect("a build without its target fails");
    (!said.contains(NO_TARGET)).then_some(said)
}

/// The faults that we find, when there are some.
fn read(text: &str) -> (Option<Dockerfile>, Vec<Fault>) {
    match Dockerfile::read("Dockerfile", text.as_bytes(), &BTreeMap::new()) {
        Ok(file) => {
            let faults = file.faults.clone();
            (Some(file), faults)
        }
        Err(_) => (None, Vec::new()),
    }
}

/// What came of one case.
enum Outcome {
    Agree,
    Explained(&'static str),
    Unexplained(String),
}

use Outcome::{Agree, Explained, Unexplained};

fn judge(text: &str, engine: Option<&str>, old: bool) -> Outcome {
    let (file, faults) = read(text);
    let Some(file) = file else {
        return match engine {
            Some(_) => Agree,
            None => Unexplained("we read nothing in it, the engine takes it".to_owned()),
        };
    };
    let line = |fault: &Fault| file.location(fault.instruction).line;
    let ours: BTreeSet<_> = faults.iter().map(line).collect();
    match engine {
        None if faults.is_empty() => Agree,
        None if faults.iter().all(|fault| fault.kind.is_late()) => {
            Explained("only noticed at its step")
        }
        None => match newer(&file, "", old) {
            Some(class) => Explained(class),
            None => Unexplained(format!("the engine takes it, we say: {faults:#?}")),
        },
        Some(message) => {
            let theirs = message.split_once("parse error ").map(|(_, rest)| {
                let rest = rest.trim_start_matches("on ").trim_start_matches("line ");
                let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
                digits.parse::<usize>().unwrap()
            });
            let same = match theirs {
                Some(line) => ours.contains(&line),
                None => faults
                    .iter()
                    .any(|fault| !fault.kind.is_late() || fault.kind == FaultKind::Mount),
            };
            if same {
                return Agree;
            }
            match newer(&file, message, old) {
                Some(class) => Explained(class),
                None => Unexplained(format!("the engine says: {message}\nwe say: {faults:#?}")),
            }
        }
    }
}

/// What the engine's old parser does otherwise than today's.
fn newer(file: &Dockerfile, message: &str, old: bool) -> Option<&'static str> {
    if file.stages.is_empty() && message.is_empty() {
        return Some("no stage, so no target to look for");
    }
    if !old {
        let labs = ["unknown flag: --parents", "unknown flag: --security"];
        return labs
            .iter()
            .any(|flag| message.contains(flag))
            .then_some("flag of a newer frontend");
    }
    const FLAGS: [&str; 10] = [
        "checksum",
        "chmod",
        "device",
        "exclude",
        "keep-git-dir",
        "link",
        "network",
        "parents",
        "security",
        "start-interval",
    ];
    if message
        .split_once("Unknown flag: ")
        .is_some_and(|(_, flag)| FLAGS.iter().any(|known| flag.starts_with(known)))
    {
        return Some("newer flag");
    }
    let heredoc = file
        .faults
        .iter()
        .any(|fault| fault.kind == FaultKind::Heredoc)
        || file
            .instructions
            .iter()
            .any(|instruction| !instruction.heredocs.is_empty())
        || file.text.contains("<<");
    if heredoc {
        return Some("heredocs");
    }
    let was_refused = |what: &str| message.contains(what);
    if was_refused("cannot be less than 1ms") || was_refused("must be at least 1 (not 0)") {
        return Some("zero as the default");
    }
    if was_refused("unexpected key 'size'") {
        return Some("newer mount key");
    }
    if file
        .directives
        .iter()
        .any(|directive| directive.name == "check")
    {
        return Some("newer directive");
    }
    if has_text_behind_an_array(&file.text) {
        return Some("text behind an array");
    }
    None
}

/// `["a"] b`: an array to the old parser, which ignores what follows; no array at all to today's.
fn has_text_behind_an_array(text: &str) -> bool {
    text.match_indices('[').any(|(at, _)| {
        let rest = &text[at..];
        let mut values =
            serde_json::Deserializer::from_str(rest).into_iter::<Vec<serde_json::Value>>();
        let first = values.next();
        let behind = rest[values.byte_offset()..].trim_start_matches([' ', '\t']);
        matches!(first, Some(Ok(_))) && !behind.is_empty() && !behind.starts_with(['\r', '\n'])
    })
}

/// Asks the engine about all of them, several at once.
async fn differences(cases: Vec<(String, String)>) -> BTreeMap<String, usize> {
    let engine = Engine::find().await.expect("an engine is needed");
    let docker = engine.docker();
    let version = &engine.facts().version;
    let old = version.starts_with("20.");
    let asked = futures_util::stream::iter(cases)
        .map(|(name, text)| async move {
            let said = ask(docker, &text).await;
            (name, text, said)
        })
        .buffer_unordered(8);
    let mut asked = std::pin::pin!(asked);
    let mut counts = BTreeMap::new();
    let mut unexplained = Vec::new();
    while let Some((name, text, said)) = asked.next().await {
        let class = match judge(&text, said.as_deref(), old) {
            Agree if said.is_some() => "agree, refused".to_owned(),
            Agree => "agree, taken".to_owned(),
            Explained(class) => format!("explained: {class}"),
            Unexplained(what) => {
                unexplained.push(format!("── {name}\n{text}\n{what}"));
                "unexplained".to_owned()
            }
        };
        *counts.entry(class).or_default() += 1;
    }
    println!("engine {version}: {counts:?}");
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    counts
}

#[tokio::test]
async fn written_files_are_taken_and_refused_as_the_engine_does() {
    let cases: Vec<_> = cases::all();
    assert!(cases.len() > 200, "{}", cases.len());
    differences(cases).await;
}

#[tokio::test]
async fn generated_files_are_taken_and_refused_as_the_engine_does() {
    // More where the engine is quick: today's answer in two milliseconds.
    let number = std::env::var("MUELLE_ORACLE_FILES").map_or(300, |number| number.parse().unwrap());
    differences(generator::files(number)).await;
}

#[tokio::test]
async fn words_get_the_values_that_the_engine_gives_them() {
    let text = cases::values();
    let (file, faults) = read(&text);
    assert!(faults.is_empty(), "{faults:#?}");
    let file = file.unwrap();

    let engine = Engine::find().await.expect("an engine is needed");
    let lab = Lab::open(Arc::new(engine)).unwrap();
    let recipe = Recipe {
        dockerfile: text.clone().into(),
        path: "Dockerfile".into(),
        ..Recipe::default()
    };
    let built = lab.build("valores", &recipe).await.unwrap();
    let image = lab.docker().inspect_image(&built.image).await.unwrap();
    lab.close(false).await.unwrap();
    let config = image.config.unwrap();
    let labels = config.labels.unwrap();

    let mut differences = Vec::new();
    let mut compared = 0;
    let mut compare = |what: &str, ours: Option<&str>, theirs: Option<&str>| {
        compared += 1;
        if ours.is_none() || ours != theirs {
            differences.push(format!("{what}: we say {ours:?}, the engine {theirs:?}"));
        }
    };
    for instruction in file.stage_instructions(1) {
        let value = |word: &Word| word.value.clone();
        match &instruction.kind {
            Kind::Label(pairs) => {
                let ours = pairs[0].value.as_ref().and_then(value);
                let word = &pairs[0].value.as_ref().unwrap().written;
                compare(
                    word,
                    ours.as_deref(),
                    labels.get(pairs[0].name.text()).map(String::as_str),
                );
            }
            Kind::Workdir(word) => compare(
                "WORKDIR",
                value(word).as_deref(),
                config.working_dir.as_deref(),
            ),
            Kind::User(word) => compare("USER", value(word).as_deref(), config.user.as_deref()),
            Kind::Stopsignal(word) => compare(
                "STOPSIGNAL",
                value(word).as_deref(),
                config.stop_signal.as_deref(),
            ),
            Kind::Volume(words) => {
                let ours: BTreeSet<_> = words.iter().filter_map(value).collect();
                let theirs: BTreeSet<_> = config.volumes.iter().flatten().cloned().collect();
                assert_eq!(ours, theirs);
            }
            _ => {}
        }
    }
    println!("values compared: {compared}");
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn heredocs_are_taken_and_refused_as_a_newer_engine_does() {
    for (text, answer) in cases::HEREDOCS {
        let (file, faults) = read(&format!("FROM scratch\n{text}\n"));
        let file = file.unwrap();
        let lines: BTreeSet<_> = faults
            .iter()
            .filter(|fault| !fault.kind.is_late())
            .map(|fault| file.location(fault.instruction).line)
            .collect();
        match answer {
            Answer::Taken => assert!(lines.is_empty(), "{text}: {faults:#?}"),
            Answer::Refused(0) => assert!(!lines.is_empty(), "{text}"),
            Answer::Refused(line) => assert!(lines.contains(line), "{text}: {faults:#?}"),
        }
    }
}
