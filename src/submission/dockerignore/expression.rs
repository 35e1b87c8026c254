//! The regular expressions that patterns become, matched in bounded time.
//!
//! Go's syntax, as far as moby's `patternmatcher` can write it: no groups but `(.*/)?`.

mod class;

pub(super) use class::take;
use class::{class, escape};

/// Copies at most that `{n}` makes of what stands before it; Go's own limit.
const MOST_COPIES: usize = 1_000;
/// Steps of one expression at most.
const MOST_STEPS: usize = 20_000;

/// An expression: it matches where one of its alternatives does.
#[derive(Clone, Debug)]
pub(super) struct Expression {
    alternatives: Vec<Vec<Step>>,
}

#[derive(Clone, Debug)]
struct Step {
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
    Edge(Edge),
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    /// `(.*/)?`
    Folders,
}

/// What stands between characters.
#[derive(Clone, Copy, Debug)]
enum Edge {
    /// `^`, also in the middle.
    Start,
    End,
    Word,
    NoWord,
}

impl Edge {
    fn is_at(self, path: &[char], at: usize) -> bool {
        let word = |at: Option<usize>| {
            at.and_then(|at| path.get(at))
                .is_some_and(|c| *c == '_' || c.is_ascii_alphanumeric())
        };
        let inside = word(at.checked_sub(1)) == word(Some(at));
        match self {
            Self::Start => at == 0,
            Self::End => at == path.len(),
            Self::Word => !inside,
            Self::NoWord => inside,
        }
    }
}

impl Step {
    fn once(what: What) -> Self {
        Self {
            what,
            repeat: Repeat::Once,
        }
    }

    /// Anything at all: what an expression without `^` or `$` leaves open.
    fn rest() -> Self {
        Self {
            what: What::Class {
                negated: true,
                ranges: Vec::new(),
            },
            repeat: Repeat::Any,
        }
    }
}

impl Expression {
    /// Takes an expression apart; nothing when Go does not compile it.
    pub(super) fn new(expression: &str) -> Option<Self> {
        let mut alternatives = vec![vec![Step::rest()]];
        let mut rest = expression;
        // What a `*` or a `{2}` would repeat; nothing behind another one.
        let mut repeatable = false;
        while let Some(c) = rest.chars().next() {
            let steps = alternatives.last_mut()?;
            if steps.len() > MOST_STEPS {
                return None;
            }
            if let Some(after) = rest.strip_prefix("(.*/)?") {
                rest = after;
                steps.push(Step::once(What::Folders));
                repeatable = false;
                continue;
            }
            if let Some((least, most, after)) = count(rest) {
                rest = after;
                let within = least <= MOST_COPIES
                    && most.is_none_or(|most| least <= most && most <= MOST_COPIES);
                if !repeatable || !within {
                    return None;
                }
                repeatable = false;
                let step = steps.pop()?;
                let copies = |repeat, times| {
                    let what = step.what.clone();
                    std::iter::repeat_n(Step { what, repeat }, times)
                };
                steps.extend(copies(Repeat::Once, least));
                match most {
                    Some(most) => steps.extend(copies(Repeat::Maybe, most - least)),
                    None => steps.extend(copies(Repeat::Any, 1)),
                }
                continue;
            }
            if let Some(quoted) = rest.strip_prefix("\\Q") {
                let (literal, after) = quoted.split_once("\\E").unwrap_or((quoted, ""));
                rest = after;
                steps.extend(literal.chars().map(|c| Step::once(What::Char(c))));
                repeatable |= !literal.is_empty();
                continue;
            }
            rest = &rest[c.len_utf8()..];
            let what = match c {
                '.' => What::Dot,
                '^' => What::Edge(Edge::Start),
                '$' => What::Edge(Edge::End),
                '[' => class(&mut rest)?,
                '\\' => escape(&mut rest)?,
                '*' | '?' => {
                    if !repeatable {
                        return None;
                    }
                    repeatable = false;
                    steps.last_mut()?.repeat = if c == '*' { Repeat::Any } else { Repeat::Maybe };
                    continue;
                }
                '|' => {
                    alternatives.push(vec![Step::rest()]);
                    repeatable = false;
                    continue;
                }
                c => What::Char(c),
            };
            steps.push(Step::once(what));
            repeatable = true;
        }
        for steps in &mut alternatives {
            steps.push(Step::rest());
        }
        Some(Self { alternatives })
    }

    pub(super) fn is_match(&self, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        self.alternatives
            .iter()
            .any(|steps| all_match(steps, &path))
    }

    /// Steps that are tried on every character.
    pub(super) fn cost(&self) -> usize {
        self.alternatives.iter().map(Vec::len).sum()
    }
}

/// `{2}`, `{2,}` or `{2,3}`, and what follows; anything else in braces is as written.
fn count(rest: &str) -> Option<(usize, Option<usize>, &str)> {
    let number = |text: &str| {
        let plain =
            text.bytes().all(|b| b.is_ascii_digit()) && !(text.len() > 1 && text.starts_with('0'));
        // A number too large to be read is too large to be taken.
        (plain && !text.is_empty()).then(|| text.parse().unwrap_or(usize::MAX))
    };
    let (inside, after) = rest.strip_prefix('{')?.split_once('}')?;
    Some(match inside.split_once(',') {
        None => (number(inside)?, Some(number(inside)?), after),
        Some((least, "")) => (number(least)?, None, after),
        Some((least, most)) => (number(least)?, Some(number(most)?), after),
    })
}

/// Whether the steps take up the whole path: every position reachable after each step is kept, so the time is
/// bounded by steps × characters whatever the pattern.
fn all_match(steps: &[Step], path: &[char]) -> bool {
    let mut reached = vec![false; path.len() + 1];
    reached[0] = true;
    for step in steps {
        let mut next = vec![false; path.len() + 1];
        let mut folder_open = false;
        for at in 0..=path.len() {
            match step.what {
                // Nothing, or anything that ends in a `/`.
                What::Folders => {
                    next[at] = reached[at] || (folder_open && at > 0 && path[at - 1] == '/');
                    folder_open |= reached[at];
                }
                What::Edge(edge) => {
                    next[at] = reached[at] && (step.repeat != Repeat::Once || edge.is_at(path, at));
                }
                _ => {
                    let before =
                        at > 0 && (reached[at - 1] || (step.repeat == Repeat::Any && next[at - 1]));
                    next[at] = (step.repeat != Repeat::Once && reached[at])
                        || (before && step.what.takes(path[at - 1]));
                }
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
            Self::Edge(_) | Self::Folders => false,
        }
    }
}
