//! The shell patterns of `${V#p}`, `${V%p}` and `${V/p/x}`.

use super::expand::Budget;

enum Piece {
    /// `*`
    Any,
    /// `?`
    One,
    Char(char),
}

/// Nothing for a pattern that the builder does not take.
fn pieces(pattern: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        pieces.push(match c {
            '*' => Piece::Any,
            '?' => Piece::One,
            '\\' => match chars.peek() {
                Some('}' | '/') => continue,
                Some(&c @ ('*' | '?' | '\\')) => {
                    chars.next();
                    Piece::Char(c)
                }
                _ => return None,
            },
            c => Piece::Char(c),
        });
    }
    Some(pieces)
}

/// How many of the first characters of `text` the pattern can take: the least, and the most.
fn lengths(pieces: &[Piece], text: &[char]) -> Option<(usize, usize)> {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    for piece in pieces {
        match piece {
            Piece::Any => {
                let first = reached.iter().position(|&r| r)?;
                reached[first..].fill(true);
            }
            piece => {
                let takes = |c: char| match piece {
                    Piece::Char(wanted) => c == *wanted,
                    _ => true,
                };
                for at in (1..=text.len()).rev() {
                    reached[at] = reached[at - 1] && takes(text[at - 1]);
                }
                reached[0] = false;
            }
        }
    }
    let least = reached.iter().position(|&r| r)?;
    let most = reached.iter().rposition(|&r| r)?;
    Some((least, most))
}

/// `value` without the front that the pattern takes, or without the back; a doubled sign takes the most it can.
pub(super) fn trimmed(
    value: &str,
    pattern: &str,
    at_the_back: bool,
    budget: &mut Budget,
) -> Option<String> {
    let sign = if at_the_back { '%' } else { '#' };
    let (pattern, most) = match pattern.strip_prefix(sign) {
        Some(pattern) => (pattern, true),
        None => (pattern, false),
    };
    if !budget.spend(value.len() * (pattern.len() + 1)) {
        return None;
    }
    let mut pieces = pieces(pattern)?;
    let mut text: Vec<char> = value.chars().collect();
    if at_the_back {
        pieces.reverse();
        text.reverse();
    }
    let Some((least, longest)) = lengths(&pieces, &text) else {
        return Some(value.to_owned());
    };
    text.drain(..if most { longest } else { least });
    if at_the_back {
        text.reverse();
    }
    Some(text.into_iter().collect())
}

/// `value` with the first of the longest stretches that the pattern takes replaced, or all of them.
pub(super) fn replaced(
    value: &str,
    pattern: &str,
    with: &str,
    all: bool,
    budget: &mut Budget,
) -> Option<String> {
    // The builder would take `$1` in it for a group.
    if all && with.contains('$') {
        return None;
    }
    let pieces = pieces(pattern)?;
    let text: Vec<char> = value.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    let mut done = false;
    while at <= text.len() {
        let rest = &text[at..];
        if !budget.spend((rest.len() + 1) * (pieces.len() + 1) + with.len()) {
            return None;
        }
        let length = if done { None } else { lengths(&pieces, rest) };
        if let Some((_, length)) = length {
            out.push_str(with);
            at += length;
            done = !all;
            if length > 0 {
                continue;
            }
        }
        out.extend(text.get(at));
        at += 1;
    }
    Some(out)
}
