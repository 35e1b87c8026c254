//! What is read from whole files.

use super::*;

fn read(text: &str) -> Dockerfile {
    Dockerfile::read("Dockerfile", text.as_bytes(), &BTreeMap::new()).expect("reads")
}

#[test]
fn stages_are_no_base_images_and_arguments_are_expanded() {
    let file = read(
        "ARG VERSION=3.11\nARG BASE=python:${VERSION}-slim\nFROM ${BASE} AS Base\nFROM base\nFROM scratch\nFROM python:$VERSION\n",
    );
    let bases = file.bases();
    let images: Vec<_> = bases.iter().map(|base| base.image.as_deref()).collect();
    assert_eq!(images, [Some("python:3.11-slim"), Some("python:3.11")]);
    assert_eq!(bases[1].location.line, 6);
}

#[test]
fn a_step_is_found_by_the_name_that_either_builder_gives_it() {
    let file = read("FROM x\n# nota\nRUN apt-get update \\\n # y esto\n  && true\nUSER 1\n");
    let line = |name| file.step(name).map(|at| at.line);
    assert_eq!(line("[2/3] RUN apt-get update   && true"), Some(3));
    assert_eq!(line("Step 3/3 : USER 1"), Some(6));
    assert_eq!(line("Step 3/3 : USER 2"), None);
    assert_eq!(file.last("USER").map(|at| at.line), Some(6));
}

#[test]
fn a_binary_file_is_told_from_a_dockerfile_that_the_builder_refuses() {
    let read = |bytes: &[u8]| Dockerfile::read("Dockerfile", bytes, &BTreeMap::new());
    assert!(read(b"\x7fELF\x00\x01").is_err());
    assert!(read(b"FROM x\nRUN \xff\n").is_err_and(|e| e.location.line == 2));
    assert!(read(b"# nada\n").is_err());
    assert!(read(b"FORM x\n").is_ok());
}

#[test]
fn what_only_newer_builders_know_is_no_fault_of_the_file() {
    let file = read("FROM x\nRUN <<EOF\necho hola\nEOF\nCOPIA a b\n");
    let (what, at) = file
        .beyond(
            "dockerfile parse error line 3: unknown instruction: ECHO",
            false,
        )
        .expect("beyond");
    assert!(what.contains("heredocs"));
    assert_eq!(at.map(|at| at.line), Some(2));

    let newer = "dockerfile parse error line 5: unknown instruction: COPIA";
    assert!(file.beyond(newer, true).is_none());

    let file = read("FROM x\nCOPY --link a b\nCOPY --lonk a b\n");
    assert!(
        file.beyond("dockerfile parse error line 2: Unknown flag: link", false)
            .is_some()
    );
    assert!(
        file.beyond("dockerfile parse error line 3: Unknown flag: lonk", false)
            .is_none()
    );
    assert!(
        file.beyond(
            "dockerfile parse error line 3: unknown instruction: COPIA",
            false
        )
        .is_none()
    );
    assert!(
        file.beyond(
            "executor failed running [/bin/sh -c false]: exit code: 1",
            false
        )
        .is_none()
    );
}

#[test]
fn a_syntax_line_loses_its_power_and_nothing_else_changes() {
    let file = read("# syntax=docker/dockerfile:1\nFROM x\n");
    assert_eq!(
        file.without_syntax(),
        "#: syntax=docker/dockerfile:1\nFROM x\n"
    );
    let file = read("# syntax importa\nFROM x\n");
    assert_eq!(file.without_syntax(), "# syntax importa\nFROM x\n");
}
