//! What reading found, as SARIF 2.1.0 (OASIS), which code scanning services import.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::rules;
use crate::submission::Location;
use crate::verdict::{Level, Position, StaticFinding};

/// The whole document.
pub fn document(findings: &[StaticFinding]) -> Value {
    let used: BTreeSet<&str> = findings.iter().map(|finding| finding.rule).collect();
    let described: Vec<Value> = used
        .iter()
        .filter_map(|id| rules::find(id))
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": {"text": rule.title},
                "fullDescription": {"text": rule.why},
                "help": {"text": rule.fix},
                "defaultConfiguration": {"level": level(rule.level)},
            })
        })
        .collect();
    let results: Vec<Value> = findings.iter().map(result).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "muelle",
                "version": env!("CARGO_PKG_VERSION"),
                "language": "es",
                "rules": described,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(finding: &StaticFinding) -> Value {
    let mut result = json!({
        "ruleId": finding.rule,
        "level": level(finding.level),
        "message": {"text": format!("{}. {}", finding.message, finding.help)},
    });
    if let Some(at) = &finding.location {
        result["locations"] = json!([{"physicalLocation": place(at, finding.end)}]);
    }
    if !finding.related.is_empty() {
        let related = finding.related.iter().map(|related| {
            json!({
                "physicalLocation": place(&related.location, None),
                "message": {"text": related.message},
            })
        });
        result["relatedLocations"] = related.collect();
    }
    if let Some(patch) = &finding.patch {
        let region = region(&patch.location, Some(patch.end));
        result["fixes"] = json!([{
            "description": {"text": finding.help},
            "artifactChanges": [{
                "artifactLocation": {"uri": uri(&patch.location.file)},
                "replacements": [{
                    "deletedRegion": region,
                    "insertedContent": {"text": patch.replacement},
                }],
            }],
        }]);
    }
    result
}

fn place(at: &Location, end: Option<Position>) -> Value {
    json!({
        "artifactLocation": {"uri": uri(&at.file)},
        "region": region(at, end),
    })
}

fn region(at: &Location, end: Option<Position>) -> Value {
    let mut region = json!({"startLine": at.line, "startColumn": at.column});
    if let Some(end) = end {
        region["endLine"] = json!(end.line);
        region["endColumn"] = json!(end.column);
    }
    region
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

/// A path as a URI reference: what is not plain is percent-encoded (RFC 3986).
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_points_at_its_place_and_offers_its_patch() {
        let at = Location {
            file: "año/Dockerfile".into(),
            line: 2,
            column: 3,
        };
        let end = Position { line: 2, column: 5 };
        let mut finding = StaticFinding {
            rule: "dockerfile-no-valido",
            level: Level::Error,
            message: "mal".into(),
            help: "bien".into(),
            location: Some(at.clone()),
            end: Some(end),
            related: Vec::new(),
            patch: None,
        };
        finding.patch(at, end, "AS");
        let result = &document(&[finding])["runs"][0]["results"][0];
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%C3%B1o/Dockerfile");
        assert_eq!(place["region"]["endColumn"], 5);
        let change = &result["fixes"][0]["artifactChanges"][0];
        assert_eq!(change["replacements"][0]["insertedContent"]["text"], "AS");
    }
}
