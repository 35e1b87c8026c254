//! What reading found, as GitHub's workflow commands: annotations beside the changed lines of a pull request.

use std::fmt::Write as _;

use crate::verdict::{Level, StaticFinding};

/// One command a finding.
pub fn render(findings: &[StaticFinding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let command = match finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "notice",
        };
        let mut properties = Vec::new();
        if let Some(at) = &finding.location {
            properties.push(format!("file={}", property(&at.file)));
            properties.push(format!("line={}", at.line));
            if let Some(end) = finding.end {
                properties.push(format!("endLine={}", end.line));
                // GitHub refuses columns of a stretch over several lines.
                if end.line == at.line {
                    properties.push(format!("col={}", at.column));
                    properties.push(format!("endColumn={}", end.column));
                }
            } else {
                properties.push(format!("col={}", at.column));
            }
        }
        properties.push(format!("title={}", property(finding.rule)));
        let message = data(&format!("{}. {}", finding.message, finding.help));
        let _ = writeln!(text, "::{command} {}::{message}", properties.join(","));
    }
    text
}

/// Escapes what would end a message.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes what would end a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::Location;

    #[test]
    fn nothing_in_a_message_or_path_can_forge_another_command() {
        let finding = StaticFinding {
            rule: "regla",
            level: Level::Error,
            message: "uno\n::error::dos".into(),
            help: "100 %".into(),
            location: Some(Location::line("a,b:c", 3)),
            end: None,
            related: Vec::new(),
            patch: None,
        };
        assert_eq!(
            render(&[finding]),
            "::error file=a%2Cb%3Ac,line=3,col=1,title=regla::uno%0A::error::dos. 100 %25\n"
        );
    }
}
