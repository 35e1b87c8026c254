//! Where a rule puts what it finds.

use super::Rule;
use crate::submission::Location;
use crate::submission::dockerfile::Dockerfile;
use crate::submission::location::Span;
use crate::verdict::{Position, StaticFinding};

/// Takes the findings of one rule.
pub struct Out<'a> {
    rule: &'static Rule,
    findings: &'a mut Vec<StaticFinding>,
}

impl<'a> Out<'a> {
    pub(super) fn new(rule: &'static Rule, findings: &'a mut Vec<StaticFinding>) -> Self {
        Self { rule, findings }
    }

    /// A finding at the stretch `span` of `dockerfile`.
    pub fn span(
        &mut self,
        dockerfile: &Dockerfile,
        span: Span,
        message: impl Into<String>,
    ) -> &mut StaticFinding {
        let (line, column) = dockerfile.end(span);
        let finding = self.at(dockerfile.location(span), message);
        finding.end = Some(Position { line, column });
        finding
    }

    /// A finding at `location`.
    pub fn at(&mut self, location: Location, message: impl Into<String>) -> &mut StaticFinding {
        let index = self.findings.len();
        self.findings.push(StaticFinding {
            rule: self.rule.id,
            level: self.rule.level,
            message: message.into(),
            help: self.rule.fix.to_owned(),
            location: Some(location),
            end: None,
            related: Vec::new(),
            patch: None,
        });
        &mut self.findings[index]
    }
}
