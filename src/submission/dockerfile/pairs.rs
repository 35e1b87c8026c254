//! `ENV`, `LABEL` and `ARG`: names and values.

use super::instruction::Pair;
use super::line::Part;

/// A word in which quotes protect blanks; the quotes stay in it.
///
/// Escapes protect a blank or a quote outside of single quotes.
pub(super) fn words(part: Part<'_>, escape: char) -> Vec<Part<'_>> {
    let text = part.text();
    let mut words = Vec::new();
    let mut start = None;
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        if quote.is_none() && c.is_whitespace() {
            if let Some(start) = start.take() {
                words.push(part.slice(start..at));
            }
            continue;
        }
        start.get_or_insert(at);
        if c == escape && quote != Some('\'') {
            chars.next();
        } else if quote == Some(c) {
            quote = None;
        } else if quote.is_none() && matches!(c, '\'' | '"') {
            quote = Some(c);
        }
    }
    if let Some(start) = start {
        words.push(part.slice(start..text.len()));
    }
    words
}

/// What is wrong with a list of pairs.
pub(super) enum Wrong<'l> {
    /// Nothing at all.
    Nothing,
    /// A name alone.
    NoValue(Part<'l>),
    /// A word without `=` behind pairs with it.
    NoEquals(Part<'l>),
    /// `=value`.
    NoName(Part<'l>),
}

/// The pairs of `ENV` and `LABEL`: `name=value …`, or `name value` the old way.
pub(super) fn pairs(part: Part<'_>, escape: char) -> (Vec<Pair>, Vec<Wrong<'_>>) {
    let words = words(part, escape);
    let Some(first) = words.first() else {
        return (Vec::new(), vec![Wrong::Nothing]);
    };
    if !first.text().contains('=') {
        let (name, value) = part.first_word();
        if value.is_empty() {
            return (Vec::new(), vec![Wrong::NoValue(name)]);
        }
        let pair = Pair {
            name: name.word(),
            value: Some(value.word()),
            legacy: true,
        };
        return (vec![pair], Vec::new());
    }
    let mut pairs = Vec::new();
    let mut wrong = Vec::new();
    let mut commented = false;
    for word in words {
        match word.text().find('=') {
            // What was meant as a comment is one fault, however many words it has.
            None if commented => {}
            None if word.text().starts_with('#') => {
                commented = true;
                wrong.push(Wrong::NoEquals(Part {
                    end: part.end,
                    ..word
                }));
            }
            None => wrong.push(Wrong::NoEquals(word)),
            Some(0) => wrong.push(Wrong::NoName(word)),
            Some(at) => pairs.push(pair(word, at)),
        }
    }
    (pairs, wrong)
}

/// The names of `ARG`, with their defaults.
pub(super) fn arguments(part: Part<'_>, escape: char) -> (Vec<Pair>, Vec<Wrong<'_>>) {
    let mut pairs = Vec::new();
    let mut wrong = Vec::new();
    for word in words(part, escape) {
        match word.text().find('=') {
            // The name of an `ARG` is taken as it is.
            None => pairs.push(Pair {
                name: word.literal(),
                value: None,
                legacy: false,
            }),
            Some(0) => wrong.push(Wrong::NoName(word)),
            Some(at) => {
                let name = word.slice(0..at).literal();
                pairs.push(Pair {
                    name,
                    ..pair(word, at)
                });
            }
        }
    }
    if pairs.is_empty() && wrong.is_empty() {
        wrong.push(Wrong::Nothing);
    }
    (pairs, wrong)
}

fn pair(word: Part<'_>, equals: usize) -> Pair {
    Pair {
        name: word.slice(0..equals).word(),
        value: Some(word.slice(equals + 1..word.text().len()).word()),
        legacy: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::dockerfile::instruction::ShellText;

    fn split(text: &str) -> Vec<String> {
        let mut line = ShellText::default();
        line.push(text, 0);
        let words = words(line.part(), '\\');
        words.iter().map(|word| word.text().to_owned()).collect()
    }

    #[test]
    fn quotes_and_escapes_keep_a_word_together() {
        assert_eq!(
            split(r#"A="b c" D=e\ f G='h\' I"#),
            [r#"A="b c""#, r"D=e\ f", r"G='h\'", "I"]
        );
        assert_eq!(split(r#"A="b\" c" D"#), [r#"A="b\" c""#, "D"]);
        assert_eq!(split("A='sin cierre B=c"), ["A='sin cierre B=c"]);
        assert_eq!(split("  "), [""; 0]);
    }
}
