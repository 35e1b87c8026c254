//! Any text at all, and texts made to hurt: nothing panics or hangs, and every place is one of the file.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::instruction::{Form, Instruction, Kind, ShellText};
use super::{Dockerfile, Span};

/// Reads it and looks at every place.
fn check(text: &str) {
    let Ok(file) = Dockerfile::read("Dockerfile", text.as_bytes(), &BTreeMap::new()) else {
        return;
    };
    let mut spans: Vec<Span> = Vec::new();
    let mut last = 0;
    for instruction in &file.instructions {
        assert!(instruction.span.start >= last, "{instruction:?}");
        last = instruction.span.end;
        places(instruction, &file, &mut spans);
    }
    spans.extend(
        file.faults
            .iter()
            .flat_map(|fault| [fault.span, fault.instruction]),
    );
    spans.extend(file.directives.iter().map(|directive| directive.span));
    spans.extend(&file.comments);
    spans.extend(&file.blank_continuations);
    spans.extend(file.stages.iter().map(|stage| stage.span));
    for span in spans {
        assert!(span.start <= span.end, "{span:?} {file:#?}");
        assert!(
            file.text.get(span.start..span.end).is_some(),
            "{span:?} {file:#?}"
        );
        let start = file.location(span);
        assert!((start.line, start.column) <= file.end(span));
    }
    assert!(file.faults.is_sorted_by_key(|fault| fault.span));
}

fn places(instruction: &Instruction, file: &Dockerfile, spans: &mut Vec<Span>) {
    spans.extend([instruction.span, instruction.keyword_span]);
    spans.extend(instruction.flags.iter().map(|flag| flag.span));
    spans.extend(instruction.heredocs.iter().map(|heredoc| heredoc.body));
    for word in instruction.words() {
        spans.push(word.span);
        for variable in &word.variables {
            spans.push(variable.span);
            if variable.span != word.span {
                let said = &file.text[variable.span.start..variable.span.end];
                assert!(said.starts_with('$'), "{variable:?} {said}");
            }
        }
    }
    match &instruction.kind {
        Kind::Onbuild(inner) => places(inner, file, spans),
        Kind::From(from) => spans.extend(from.as_span),
        Kind::Run(run) => spans.extend(run.mounts.iter().map(|mount| mount.span)),
        _ => {}
    }
    if let Some(command) = instruction.command() {
        spans.push(command.span);
        if let Form::Shell(text) = &command.form {
            same(text, file);
        }
    }
}

/// Every character of a shell's text is the one at its place.
fn same(text: &ShellText, file: &Dockerfile) {
    for (at, c) in text.text.char_indices() {
        let place = text.place(at, at + c.len_utf8());
        assert_eq!(
            file.text.get(place.start..place.end),
            Some(c.to_string().as_str())
        );
    }
}

const PIECES: &[&str] = &[
    "FROM a AS b\n",
    "FROM ${X:-scratch}\n",
    "RUN ",
    "RUN --mount=type=cache,target=$A ",
    "COPY --from=b ",
    "ENV A=",
    "ENV A ",
    "ARG ",
    "LABEL ",
    "ONBUILD ",
    "HEALTHCHECK CMD ",
    "CMD [\"a\", \"b\"]",
    "\\\n",
    " \\\n# c\n",
    "<<EOF",
    "\nEOF\n",
    "$A",
    "${A:-",
    "${A/",
    "}",
    "\"",
    "'",
    "\\",
    "\n",
    "\r\n",
    " ",
    "\t",
    "# escape=`\n",
    "`\n",
    "#",
    "=",
    "ñ",
    "🐳",
    "[",
    "]",
    ",",
    "--",
    "a",
    "0",
    "EXPOSE 80",
    "\u{a0}",
    "\u{feff}",
];

fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![8 => proptest::sample::select(PIECES).prop_map(str::to_owned), 1 => "\\PC{0,3}"];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_without_panic_and_every_place_is_in_the_file(text in "[\\PC\n\r\t]{0,200}") {
        check(&text);
    }

    #[test]
    fn what_looks_like_a_dockerfile_is_read_too(text in pieces()) {
        check(&text);
    }
}

/// Reads it, and says what it made of it.
fn quickly(text: &str) -> Dockerfile {
    let start = Instant::now();
    let file = Dockerfile::read("Dockerfile", text.as_bytes(), &BTreeMap::new()).expect("reads");
    // Quadratic work on these would take minutes.
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
    file
}

#[test]
fn an_environment_that_doubles_with_every_line_stays_unknown() {
    let mut text = "FROM scratch\nENV A=0123456789\n".to_owned();
    for _ in 0..60 {
        text += "ENV A=$A$A\n";
    }
    let file = quickly(&text);
    let Some(Kind::Env(pairs)) = file.instructions.last().map(|last| &last.kind) else {
        panic!("no ENV");
    };
    assert_eq!(
        pairs[0].value.as_ref().and_then(|word| word.value.as_ref()),
        None
    );

    let many = "ENV B=$A\n".repeat(50_000);
    let long = "x".repeat(60_000);
    quickly(&format!("FROM scratch\nENV A={long}\n{many}"));
    let many = "ENV B=${A//x*y/z}${A##*x}\n".repeat(10_000);
    quickly(&format!("FROM scratch\nENV A={long}\n{many}"));
}

#[test]
fn files_of_half_a_megabyte_are_read_in_one_go() {
    for text in [
        format!("FROM scratch\nRUN {}", "a \\\n".repeat(110_000)),
        format!("FROM scratch\nRUN {}", "\\\n# c\n".repeat(60_000)),
        format!("FROM scratch\nENV A={}", "${A:-".repeat(40_000)),
        format!("FROM scratch\nENV {}", "A=\"b\" \\\n".repeat(50_000)),
        format!("FROM scratch\nCMD {}", "[".repeat(500_000)),
        "FROM a AS b\n".repeat(40_000),
        "FROM a\n".to_owned() + &"FROM b AS b\n".repeat(40_000),
        format!("FROM scratch\n{}", "ONBUILD ".repeat(50_000)),
        format!("FROM scratch\n{}", "RUN <<A\n A\n".repeat(40_000)),
        format!("FROM scratch\nRUN {}\n", "<<A ".repeat(40_000)),
        format!("FROM scratch\n{}", "\"".repeat(500_000)),
        format!("FROM scratch\nRUN {}", "--x ".repeat(40_000)),
        format!("FROM scratch\nRUN --mount={}", "type=cache,".repeat(40_000)),
        format!("FROM scratch\nEXPOSE {}", "# ".repeat(150_000)),
        format!("FROM scratch\nLABEL {}", "'a b' ".repeat(60_000)),
        "x\n".repeat(150_000),
        "A".repeat(500_000),
        format!(
            "FROM scratch\n{}",
            "ENV ".to_owned() + &"$A".repeat(150_000) + "=1\n"
        ),
    ] {
        quickly(&text);
    }
    let mut chain = "FROM scratch AS s0\nENV A=1\n".to_owned();
    for stage in 1..10_000 {
        chain += &format!("FROM s{} AS s{stage}\nENV B=$A$C\n", stage - 1);
    }
    quickly(&chain);
}
