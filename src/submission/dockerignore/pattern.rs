//! One pattern of a `.dockerignore`, compiled as moby's `patternmatcher` does it.
//!
//! Moby writes a regular expression character by character, and its oddities (a `*` inside `[…]`, a `^` outside)
//! come from how that expression then reads. So the same expression is written here, and [`Expression`] reads it.

use super::expression::{Expression, take};

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Expression(Expression),
}

impl Pattern {
    /// Compiles a cleaned pattern; nothing when it is none for Go: for its `filepath.Match`, or, which Docker only
    /// sees when a file gets as far, for its regular expressions.
    pub(super) fn new(pattern: &str) -> Option<Self> {
        if !is_well_formed(pattern) {
            return None;
        }
        #[derive(PartialEq)]
        enum Kind {
            Exact,
            Prefix,
            Suffix,
            Expression,
        }
        let mut kind = Kind::Exact;
        let mut expression = "^".to_owned();
        let mut rest = pattern.chars().peekable();
        let mut first = true;
        while let Some(c) = rest.next() {
            match c {
                '*' if rest.next_if_eq(&'*').is_some() => {
                    // `**/` is `**`.
                    let _ = rest.next_if_eq(&'/');
                    if rest.peek().is_some() {
                        expression.push_str("(.*/)?");
                        kind = Kind::Expression;
                    } else if kind == Kind::Exact {
                        kind = Kind::Prefix;
                    } else {
                        expression.push_str(".*");
                        kind = Kind::Expression;
                    }
                    if first {
                        kind = Kind::Suffix;
                    }
                }
                '*' => {
                    expression.push_str("[^/]*");
                    kind = Kind::Expression;
                }
                '?' => {
                    expression.push_str("[^/]");
                    kind = Kind::Expression;
                }
                // `|`, `{` and `}` would be meant to be here as well, but moby's table of them overflows.
                '.' | '+' | '(' | ')' | '$' => expression.extend(['\\', c]),
                '\\' => {
                    expression.push('\\');
                    expression.extend(rest.next());
                    kind = Kind::Expression;
                }
                '[' | ']' => {
                    expression.push(c);
                    kind = Kind::Expression;
                }
                _ => expression.push(c),
            }
            first = false;
        }
        expression.push('$');
        Some(match kind {
            Kind::Exact => Self::Exact(pattern.to_owned()),
            Kind::Prefix => Self::Prefix(pattern[..pattern.len() - 2].to_owned()),
            Kind::Suffix => Self::Suffix(pattern[2..].to_owned()),
            Kind::Expression => Self::Expression(Expression::new(&expression)?),
        })
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(prefix) => path.starts_with(prefix),
            Self::Suffix(suffix) => {
                path.ends_with(suffix) || suffix.strip_prefix('/').is_some_and(|name| path == name)
            }
            Self::Expression(expression) => expression.is_match(path),
        }
    }

    /// How much work it is to try it on a character.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Exact(text) | Self::Prefix(text) | Self::Suffix(text) => text.len(),
            Self::Expression(expression) => expression.cost(),
        }
    }
}

/// Whether Go's `filepath.Match` accepts the pattern.
fn is_well_formed(pattern: &str) -> bool {
    let mut rest = pattern;
    while let Some(c) = take(&mut rest) {
        let fine = match c {
            '\\' => take(&mut rest).is_some(),
            '[' => is_class(&mut rest),
            _ => true,
        };
        if !fine {
            return false;
        }
    }
    true
}

fn is_class(rest: &mut &str) -> bool {
    fn one(rest: &mut &str) -> bool {
        let fine = match take(rest) {
            None | Some('-' | ']') => false,
            Some('\\') => take(rest).is_some(),
            Some(_) => true,
        };
        fine && !rest.is_empty()
    }
    if let Some(after) = rest.strip_prefix('^') {
        *rest = after;
    }
    let mut any = false;
    loop {
        if any && let Some(after) = rest.strip_prefix(']') {
            *rest = after;
            return true;
        }
        if !one(rest) {
            return false;
        }
        if let Some(after) = rest.strip_prefix('-') {
            *rest = after;
            if !one(rest) {
                return false;
            }
        }
        any = true;
    }
}
