//! What stands behind a `\` or between `[` and `]` in an expression.

use super::{Edge, What};

/// What is behind a `\`.
pub(super) fn escape(rest: &mut &str) -> Option<What> {
    if let Some(ranges) = short_class(rest) {
        return Some(What::Class {
            negated: false,
            ranges,
        });
    }
    let edge = match rest.chars().next()? {
        'A' => Edge::Start,
        'z' => Edge::End,
        'b' => Edge::Word,
        'B' => Edge::NoWord,
        _ => return escaped_char(rest).map(What::Char),
    };
    take(rest);
    Some(What::Edge(edge))
}

/// `\d` and its like, behind the `\`.
fn short_class(rest: &mut &str) -> Option<Vec<(char, char)>> {
    let c = rest.chars().next()?;
    let ranges = named(match c.to_ascii_lowercase() {
        'd' => "digit",
        's' => "perl space",
        'w' => "word",
        // Kinds of letters, which names they have depends on Go's version: taken, and found in no file's name.
        'p' if rest[1..].starts_with(|c: char| "CLMNPSZ".contains(c.to_ascii_uppercase())) => {
            *rest = &rest[2..];
            return Some(Vec::new());
        }
        _ => return None,
    })?;
    take(rest);
    Some(if c.is_ascii_uppercase() {
        complement(&ranges)
    } else {
        ranges
    })
}

/// One character, behind the `\`.
fn escaped_char(rest: &mut &str) -> Option<char> {
    let octal = |c: char| c.is_digit(8);
    match take(rest)? {
        'a' => Some('\u{7}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        'x' => {
            let (digits, after) = match rest.strip_prefix('{') {
                Some(inside) => inside.split_once('}')?,
                None => rest.split_at_checked(2)?,
            };
            let value = u32::from_str_radix(digits, 16)
                .ok()
                .filter(|_| !digits.starts_with('+'));
            *rest = after;
            value.and_then(char::from_u32)
        }
        c if c == '0' || (octal(c) && rest.starts_with(octal)) => {
            let mut value = c.to_digit(8)?;
            for _ in 0..2 {
                let Some(digit) = rest.chars().next().and_then(|c| c.to_digit(8)) else {
                    break;
                };
                value = value * 8 + digit;
                take(rest);
            }
            char::from_u32(value)
        }
        c if c.is_ascii() && !c.is_ascii_alphanumeric() => Some(c),
        _ => None,
    }
}

/// What is between `[` and `]`.
pub(super) fn class(rest: &mut &str) -> Option<What> {
    let negated = rest
        .strip_prefix('^')
        .inspect(|after| *rest = after)
        .is_some();
    let mut ranges = Vec::new();
    let mut first = true;
    loop {
        if !first && let Some(after) = rest.strip_prefix(']') {
            *rest = after;
            return Some(What::Class { negated, ranges });
        }
        first = false;
        if let Some((name, after)) = rest
            .strip_prefix("[:")
            .and_then(|inside| inside.split_once(":]"))
        {
            *rest = after;
            ranges.extend(match name.strip_prefix('^') {
                Some(name) => complement(&named(name)?),
                None => named(name)?,
            });
            continue;
        }
        if let Some(mut after) = rest.strip_prefix('\\')
            && let Some(short) = short_class(&mut after)
        {
            *rest = after;
            ranges.extend(short);
            continue;
        }
        let low = class_char(rest)?;
        let mut high = low;
        if rest.len() > 1 && rest.starts_with('-') && !rest[1..].starts_with(']') {
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
        '\\' => escaped_char(rest),
        c => Some(c),
    }
}

/// The classes that have a name, in order.
fn named(name: &str) -> Option<Vec<(char, char)>> {
    let ranges: &[(char, char)] = match name {
        "alnum" => &[('0', '9'), ('A', 'Z'), ('a', 'z')],
        "alpha" => &[('A', 'Z'), ('a', 'z')],
        "ascii" => &[('\0', '\u{7f}')],
        "blank" => &[('\t', '\t'), (' ', ' ')],
        "cntrl" => &[('\0', '\u{1f}'), ('\u{7f}', '\u{7f}')],
        "digit" => &[('0', '9')],
        "graph" => &[('!', '~')],
        "lower" => &[('a', 'z')],
        "perl space" => &[('\t', '\n'), ('\u{c}', '\r'), (' ', ' ')],
        "print" => &[(' ', '~')],
        "punct" => &[('!', '/'), (':', '@'), ('[', '`'), ('{', '~')],
        "space" => &[('\t', '\r'), (' ', ' ')],
        "upper" => &[('A', 'Z')],
        "word" => &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')],
        "xdigit" => &[('0', '9'), ('A', 'F'), ('a', 'f')],
        _ => return None,
    };
    Some(ranges.to_vec())
}

/// All characters that are in none of `ranges`, which are in order.
fn complement(ranges: &[(char, char)]) -> Vec<(char, char)> {
    let near = |c: char, by: i64| {
        let code = u32::try_from(i64::from(u32::from(c)) + by).ok();
        code.and_then(char::from_u32)
    };
    let mut result = Vec::new();
    let mut from = Some('\0');
    for (low, high) in ranges {
        if let (Some(from), Some(to)) = (from, near(*low, -1))
            && from <= to
        {
            result.push((from, to));
        }
        from = near(*high, 1);
    }
    result.extend(from.map(|from| (from, char::MAX)));
    result
}

/// The next character.
pub(in super::super) fn take(rest: &mut &str) -> Option<char> {
    let c = rest.chars().next()?;
    *rest = &rest[c.len_utf8()..];
    Some(c)
}
