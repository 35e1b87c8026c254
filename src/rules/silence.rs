//! `# muelle: ignora REGLA`: the author of a file asks not to be told of a rule on the next line.
//!
//! Only whoever runs the command decides whether that is heeded, and never for an exercise's items: those are decided
//! by experiments.

use std::collections::BTreeMap;

use crate::submission::Snapshot;
use crate::verdict::StaticFinding;

const MARK: &str = "muelle: ignora ";

/// Removes what the files ask not to be told of, and gives how many findings that were.
pub fn heed(findings: &mut Vec<StaticFinding>, files: &Snapshot) -> usize {
    let mut asked: BTreeMap<String, BTreeMap<usize, String>> = BTreeMap::new();
    let before = findings.len();
    findings.retain(|finding| {
        let Some(at) = &finding.location else {
            return true;
        };
        let lines = asked
            .entry(at.file.clone())
            .or_insert_with(|| comments(files, &at.file));
        let rules = lines.get(&at.line);
        !rules.is_some_and(|rules| names(rules).any(|name| name == finding.rule))
    });
    before - findings.len()
}

fn names(rules: &str) -> impl Iterator<Item = &str> {
    rules
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|name| !name.is_empty())
}

/// What each line of a file is excused from, by the comment lines right above it.
fn comments(files: &Snapshot, path: &str) -> BTreeMap<usize, String> {
    let text = files.file(path).map(|bytes| String::from_utf8_lossy(bytes));
    let mut excused = BTreeMap::new();
    let mut above = String::new();
    for (index, line) in text.as_deref().unwrap_or("").lines().enumerate() {
        match line.trim_start().strip_prefix('#') {
            Some(comment) => {
                if let Some((_, rules)) = comment.split_once(MARK) {
                    above.push_str(rules);
                    above.push(' ');
                }
            }
            None if above.is_empty() => {}
            None => {
                excused.insert(index + 1, std::mem::take(&mut above));
            }
        }
    }
    excused
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules;
    use crate::submission::Reading;

    fn left(dockerfile: &str) -> (usize, usize) {
        let mut files = Snapshot::default();
        files.insert("Dockerfile", dockerfile.to_owned(), false);
        let reading = Reading::of(files);
        let mut findings = rules::judge(&reading);
        findings.retain(|finding| finding.rule == "dockerfile-no-valido");
        let silenced = heed(&mut findings, &reading.snapshot);
        (findings.len(), silenced)
    }

    #[test]
    fn a_comment_excuses_the_line_below_from_the_rules_it_names_and_no_other() {
        let base = "FROM python:3.11-slim\n";
        let ask = "# muelle: ignora otra-regla, dockerfile-no-valido (porque sí)\n";
        assert_eq!(left(&format!("{base}COPI a b\n")), (1, 0));
        assert_eq!(left(&format!("{base}{ask}# más\nCOPI a b\n")), (0, 1));
        assert_eq!(left(&format!("{base}{ask}USER 1\nCOPI a b\n")), (1, 0));
        assert_eq!(
            left(&format!("{base}# muelle: ignora otra\nCOPI a b\n")),
            (1, 0)
        );
    }
}
