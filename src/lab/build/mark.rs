//! Marks of ours in the Dockerfile that the classic builder gets.
//!
//! Its API labels only the finished image: containers of its steps and images in between would carry nothing by which
//! a killed check's leftovers are found. A `LABEL` behind every `FROM` marks them all. Its value is the lab's own, so
//! the cache works within a lab, and no lab sees another's.

use std::collections::HashMap;

use crate::lab::RUN_LABEL;

/// `dockerfile` with `labels` set behind the lines `froms`, where its stages begin.
pub(super) fn mark(
    dockerfile: &[u8],
    froms: &[usize],
    labels: &HashMap<String, String>,
) -> Vec<u8> {
    let mut mark = b"LABEL".to_vec();
    for (name, value) in labels {
        mark.extend_from_slice(format!(" {name}={value}").as_bytes());
    }
    mark.push(b'\n');
    let mut marked = Vec::with_capacity(dockerfile.len() + mark.len() * froms.len());
    for (index, line) in dockerfile
        .split_inclusive(|&byte| byte == b'\n')
        .enumerate()
    {
        marked.extend_from_slice(line);
        if froms.contains(&(index + 1)) {
            if !line.ends_with(b"\n") {
                marked.push(b'\n');
            }
            marked.extend_from_slice(&mark);
        }
    }
    marked
}

/// Whether a step is one of ours: a mark, or the label that the builder itself adds at the end.
pub(super) fn is_ours(step: &str) -> bool {
    let text = step.split_once(": ").map_or("", |(_, text)| text);
    let marks = [
        format!("LABEL {RUN_LABEL}="),
        format!("LABEL \"{RUN_LABEL}\"="),
    ];
    marks.iter().any(|mark| text.starts_with(mark))
}

/// The builder's `message` with its line numbers as they are without the marks behind `froms`.
pub(super) fn unmarked(message: &str, froms: &[usize]) -> String {
    let mut told = String::with_capacity(message.len());
    let mut rest = message;
    while let Some(at) = rest.find("line ") {
        let (before, after) = rest.split_at(at + "line ".len());
        told.push_str(before);
        let digits = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        match after[..digits].parse::<usize>() {
            Ok(line) => told.push_str(&original(line, froms).to_string()),
            Err(_) => told.push_str(&after[..digits]),
        }
        rest = &after[digits..];
    }
    told.push_str(rest);
    told
}

fn original(line: usize, froms: &[usize]) -> usize {
    let marks = froms
        .iter()
        .enumerate()
        .filter(|(before, from)| **from + before < line);
    line - marks.count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels() -> HashMap<String, String> {
        HashMap::from([(RUN_LABEL.to_owned(), "abc".to_owned())])
    }

    #[test]
    fn every_stage_begins_with_a_mark() {
        let text = b"ARG V=1\nFROM a AS uno\nRUN x\nFROM b \\\n AS dos";
        let marked = mark(text, &[2, 5], &labels());
        assert_eq!(
            String::from_utf8(marked).unwrap(),
            "ARG V=1\nFROM a AS uno\nLABEL dev.muelle.run=abc\nRUN x\nFROM b \\\n AS dos\nLABEL dev.muelle.run=abc\n"
        );
    }

    #[test]
    fn lines_are_told_as_they_stand_in_the_students_file() {
        // 1 FROM · 2 (mark) · 3 RUN · 4 FROM · 5 (mark) · 6 COPIA: 1, 2, 3 and 4 in the student's.
        let froms = [1, 3];
        let lines: Vec<_> = [1, 3, 4, 6].map(|line| original(line, &froms)).into();
        assert_eq!(lines, [1, 2, 3, 4]);
        assert_eq!(
            unmarked(
                "dockerfile parse error line 6: unknown instruction: COPIA",
                &froms
            ),
            "dockerfile parse error line 4: unknown instruction: COPIA"
        );
        assert_eq!(
            unmarked("the line is long, line ", &froms),
            "the line is long, line "
        );
    }

    #[test]
    fn our_steps_are_known_by_their_text() {
        assert!(is_ours("Step 2/5 : LABEL dev.muelle.run=abc"));
        assert!(!is_ours("Step 2/5 : LABEL version=1"));
        assert!(!is_ours("Step 2/5 : RUN echo LABEL dev.muelle.run=abc"));
    }
}
