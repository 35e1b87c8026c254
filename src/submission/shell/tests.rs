use std::collections::BTreeMap;

use super::*;

fn scripts(text: &str) -> (Dockerfile, Vec<Script>) {
    let file = Dockerfile::read("Dockerfile", text.as_bytes(), &BTreeMap::new()).expect("reads");
    let scripts = of_dockerfile(&file);
    (file, scripts)
}

/// The commands of a shell's text, one a line, with how they are joined.
fn split(text: &str) -> String {
    let line = ShellText {
        text: text.to_owned(),
        origins: vec![(0, 0)],
    };
    let script = of_text(&line, Shell::default());
    if !script.understood {
        return "?".to_owned();
    }
    let lines = script.commands.iter().map(|command| {
        let words: Vec<_> = command
            .assignments
            .iter()
            .chain(&command.words)
            .map(|word| {
                if word.expands {
                    format!("<{}>", word.text)
                } else {
                    word.text.clone()
                }
            })
            .collect();
        format!("{:?}{} {}", command.joined, command.depth, words.join(" "))
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn commands_are_split_where_the_shell_splits_them() {
    assert_eq!(
        split("a 'b c' && d \"e;f\" || g | h; i & j # k && l\nm"),
        "First0 a b c\nAnd0 d e;f\nOr0 g\nPipe0 h\nThen0 i\nThen0 j\nThen0 m"
    );
    assert_eq!(
        split("A=1 B=\"$C\" make -j$(nproc) >x 2>&1"),
        "First1 nproc\nFirst0 A=1 <B=$C> make <-j$(nproc)>"
    );
    assert_eq!(split("a\\ b c\\\n d"), "First0 a b c d");
    assert_eq!(
        split("echo a#b ${X:-y} $((1 + 2)) `date` \\$Z"),
        "First0 echo a#b <${X:-y}> <$((1 + 2))> <`date`> $Z"
    );
}

#[test]
fn blocks_are_seen_through() {
    assert_eq!(
        split(
            "set -e; if [ -f x ]; then a; else b; fi; for i in 1 2; do c $i; done; (d && e); { f; }"
        ),
        "First0 set -e\nFirst1 [ -f x ]\nFirst1 a\nFirst1 b\nFirst1 <c> $i\n"
            .replace("<c> $i", "c <$i>")
            + "First1 d\nAnd1 e\nFirst1 f"
    );
    assert_eq!(
        split("case \"$X\" in a|b) c ;; *) d; esac; e"),
        "First1 c\nFirst1 d\nThen0 e"
    );
    assert_eq!(
        split("[[ $a == b && c < d ]] && e"),
        "First0 [[ <$a> == b && c < d ]]\nAnd0 e"
    );
    assert_eq!(
        split("cat <<EOF > x\nno && esto\nEOF\nb"),
        "First0 cat\nThen0 b"
    );
    assert_eq!(split("f() { a; }; f"), "First1 a\nThen0 f");
}

#[test]
fn what_is_not_understood_gives_no_commands() {
    for text in [
        "a 'b",
        "a \"b",
        "a $(b",
        "a )",
        "if a; then b",
        "a=(b c)",
        "case x in a) b",
        "a <<EOF\nb",
        "fi",
    ] {
        assert_eq!(split(text), "?", "{text}");
    }
}

#[test]
fn wrappers_and_inner_shells_do_not_hide_the_program() {
    let (file, scripts) = scripts(
        "FROM x\nRUN sudo -u app env A=1 pip install x\nCMD [\"sh\", \"-c\", \"exec python -m app\"]\nCMD exec uvicorn a:b\n",
    );
    assert!(scripts[1].commands[0].is("pip", "install"));
    let inner = &scripts[2].commands[1];
    assert_eq!((inner.program(), inner.is_exec()), (Some("python"), true));
    assert_eq!(
        &file.text[inner.span.start..inner.span.end],
        "exec python -m app"
    );
    assert!(scripts[3].commands[0].is_exec());
}

#[test]
fn places_hold_across_continuations_and_heredocs() {
    let (file, scripts) = scripts(
        "FROM x\nRUN apt-get update \\\n  # nota\n  && apt-get install -y ñandú curl\nRUN <<EOF\ncd /x\nmake all\nEOF\nSHELL [\"/bin/bash\", \"-eo\", \"pipefail\", \"-c\"]\nRUN a | b\nSHELL [\"pwsh\"]\nRUN a\n",
    );
    let at = |script: usize, command: usize| {
        let span = scripts[script].commands[command].span;
        &file.text[span.start..span.end]
    };
    assert_eq!(at(1, 1), "apt-get install -y ñandú curl");
    assert_eq!(at(2, 1), "make all");
    assert!(scripts[4].pipefail && scripts[4].stops_at_failure);
    assert!(!scripts[6].understood && scripts[6].commands.is_empty());
}

proptest::proptest! {
    #[test]
    fn any_text_is_read_without_panic_and_every_place_is_inside_of_it(
        text in "([a-z$(){}<>|&;#'\"`\\\\=\\[\\] \n-]|ñ|if |then |fi|do|done|case |in |esac|EOF|<<|sh -c ){0,60}"
    ) {
        let line = ShellText { text: text.clone(), origins: vec![(0, 0)] };
        for command in of_text(&line, Shell::default()).commands {
            proptest::prop_assert!(text.get(command.span.start..command.span.end).is_some());
            for word in command.words {
                proptest::prop_assert!(text.get(word.span.start..word.span.end).is_some());
            }
        }
    }
}
