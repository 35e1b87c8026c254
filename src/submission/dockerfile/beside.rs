//! A second opinion: the `parse-dockerfile` crate cuts every Dockerfile of this repository into the same instructions.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use parse_dockerfile::Instruction as Theirs;

use super::Dockerfile;

fn dockerfiles(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            dockerfiles(&path, found);
        } else if path.file_name().is_some_and(|name| name == "Dockerfile") {
            found.push(path);
        }
    }
}

fn start(instruction: &Theirs<'_>) -> usize {
    match instruction {
        Theirs::Add(i) => i.add.span.start,
        Theirs::Arg(i) => i.arg.span.start,
        Theirs::Cmd(i) => i.cmd.span.start,
        Theirs::Copy(i) => i.copy.span.start,
        Theirs::Entrypoint(i) => i.entrypoint.span.start,
        Theirs::Env(i) => i.env.span.start,
        Theirs::Expose(i) => i.expose.span.start,
        Theirs::From(i) => i.from.span.start,
        Theirs::Healthcheck(i) => i.healthcheck.span.start,
        Theirs::Label(i) => i.label.span.start,
        Theirs::Maintainer(i) => i.maintainer.span.start,
        Theirs::Onbuild(i) => i.onbuild.span.start,
        Theirs::Run(i) => i.run.span.start,
        Theirs::Shell(i) => i.shell.span.start,
        Theirs::Stopsignal(i) => i.stopsignal.span.start,
        Theirs::User(i) => i.user.span.start,
        Theirs::Volume(i) => i.volume.span.start,
        Theirs::Workdir(i) => i.workdir.span.start,
        other => panic!("an instruction that is new to this test: {other:?}"),
    }
}

#[test]
fn another_parser_finds_every_instruction_of_this_repository_in_the_same_places() {
    let mut paths = Vec::new();
    for folder in ["exercises", "solutions", "tests/cases"] {
        dockerfiles(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut paths,
        );
    }
    let mut compared = 0;
    for path in &paths {
        let text = fs::read_to_string(path).expect("text");
        let ours = Dockerfile::read("Dockerfile", text.as_bytes(), &BTreeMap::new());
        let Ok(ours) = ours else { continue };
        if !ours.faults.is_empty() {
            continue;
        }
        let theirs: Result<Vec<usize>, _> = parse_dockerfile::parse_iter(&ours.text)
            .expect("parses")
            .map(|instruction| instruction.map(|one| start(&one)))
            .collect();
        // It refuses `ENTRYPOINT []`, with which builders take away what the base starts.
        let Ok(theirs) = theirs else {
            assert!(ours.text.contains("ENTRYPOINT []"), "{}", path.display());
            continue;
        };
        let ours: Vec<usize> = ours
            .instructions
            .iter()
            .map(|i| i.keyword_span.start)
            .collect();
        assert_eq!(ours, theirs, "{}", path.display());
        compared += 1;
    }
    assert!(compared > 90, "only {compared} files were compared");
}
