//! One pattern of a `.dockerignore`, compiled as moby's `patternmatcher` does it.
//!
//! Moby writes a regular expression character by character, and its oddities (a `*` inside `[…]`, a `^` outside)
//! come from how that expression then reads. So the same expression is written here, and a small reader that knows
//! just what can stand in it takes it apart.

/// A compiled pattern.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    Exact(String),
    Prefix(String),
    Suffix(String),
    Steps(Vec<Step>),
    /// Valid for Go's `filepath.Match`, but no expression: it never matches.
    Nothing,
}

#[derive(Clone, Debug)]
pub(super) struct Step {
    what: What,
    repeat: Repeat,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Repeat {
    Once,
    /// `?`
    Maybe,
    /// `*`
    Any,
}

#[derive(Clone, Debug)]
enum What {
    Char(char),
    /// `.`
    Dot,
    /// `^` in the middle: never holds but at the start.
    Start,
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    /// `(.*/)?`
    Folders,
}

impl Pattern {
    /// Compiles a cleaned pattern; nothing when Go's `filepath.Match` calls it bad.
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
        let mut expression = String::new();
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
                '.' | '+' | '(' | ')' | '|' | '{' | '}' | '$' => expression.extend(['\\', c]),
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
        Some(match kind {
            Kind::Exact => Self::Exact(pattern.to_owned()),
            Kind::Prefix => Self::Prefix(pattern[..pattern.len() - 2].to_owned()),
            Kind::Suffix => Self::Suffix(pattern[2..].to_owned()),
            Kind::Expression => steps(&expression).map_or(Self::Nothing, Self::Steps),
        })
    }

    pub(super) fn matches(&self, path: &str) -> bool {
        match self {
            Self::Exact(text) => path == text,
            Self::Prefix(prefix) => path.starts_with(prefix),
            Self::Suffix(suffix) => {
                path.ends_with(suffix) || suffix.strip_prefix('/').is_some_and(|name| path == name)
            }
            Self::Steps(steps) => all_match(steps, path),
            Self::Nothing => false,
        }
    }
}

/// Whether the steps take up the whole path: every position reachable after each step is kept, so the time is
/// bounded by steps × characters whatever the pattern.
fn all_match(steps: &[Step], path: &str) -> bool {
    let path: Vec<char> = path.chars().collect();
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for step in steps {
        let mut next = vec![false; path.len() + 1];
        let mut folder_open = false;
        for at in 0..=path.len() {
            if let What::Folders = step.what {
                // Nothing, or anything that ends in a `/`.
                next[at] = reached[at] || (folder_open && at > 0 && path[at - 1] == '/');
                folder_open |= reached[at];
                continue;
            }
            if matches!(step.what, What::Start) {
                next[at] = at == 0 && reached[0];
                continue;
            }
            if step.repeat != Repeat::Once && reached[at] {
                next[at] = true;
            }
            let before =
                at > 0 && (reached[at - 1] || (step.repeat == Repeat::Any && next[at - 1]));
            if before && step.what.takes(path[at - 1]) {
                next[at] = true;
            }
        }
        if !next.contains(&true) {
            return false;
        }
        reached = next;
    }
    reached[path.len()]
}

impl What {
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Char(it) => *it == c,
            Self::Dot => c != '\n',
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
            Self::Start | Self::Folders => false,
        }
    }
}

/// Takes apart an expression that [`Pattern::new`] wrote.
fn steps(expression: &str) -> Option<Vec<Step>> {
    let mut steps: Vec<Step> = Vec::new();
    let mut rest = expression;
    while let Some(c) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("(.*/)?") {
            rest = after;
            steps.push(Step {
                what: What::Folders,
                repeat: Repeat::Once,
            });
            continue;
        }
        rest = &rest[c.len_utf8()..];
        let what = match c {
            '.' => What::Dot,
            '^' => What::Start,
            '[' => class(&mut rest)?,
            '\\' => escape(&mut rest)?,
            '*' | '?' => {
                let last = steps.last_mut()?;
                last.repeat = if c == '*' { Repeat::Any } else { Repeat::Maybe };
                continue;
            }
            c => What::Char(c),
        };
        steps.push(Step {
            what,
            repeat: Repeat::Once,
        });
    }
    Some(steps)
}

fn escape(rest: &mut &str) -> Option<What> {
    let c = take(rest)?;
    let class = |negated, ranges: &[(char, char)]| What::Class {
        negated,
        ranges: ranges.to_vec(),
    };
    let word = [('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
    let blank = [('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')];
    Some(match c {
        'd' | 'D' => class(c == 'D', &[('0', '9')]),
        'w' | 'W' => class(c == 'W', &word),
        's' | 'S' => class(c == 'S', &blank),
        'n' => What::Char('\n'),
        't' => What::Char('\t'),
        'r' => What::Char('\r'),
        c if c.is_ascii_alphanumeric() => return None,
        c => What::Char(c),
    })
}

/// What is between `[` and `]`.
fn class(rest: &mut &str) -> Option<What> {
    let negated = rest
        .strip_prefix('^')
        .inspect(|after| *rest = after)
        .is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty()
            && let Some(after) = rest.strip_prefix(']')
        {
            *rest = after;
            return Some(What::Class { negated, ranges });
        }
        let low = class_char(rest)?;
        let mut high = low;
        if rest.starts_with('-') && !rest[1..].starts_with(']') {
            take(rest);
            high = class_char(rest)?;
        }
        if high < low {
            return None;
        }
        ranges.push((low, high));
    }
}

fn class_char(rest: &mut &str) -> Option<char> {
    match take(rest)? {
        '\\' => take(rest),
        c => Some(c),
    }
}

fn take(rest: &mut &str) -> Option<char> {
    let c = rest.chars().next()?;
    *rest = &rest[c.len_utf8()..];
    Some(c)
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
