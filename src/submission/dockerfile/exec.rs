//! JSON arrays of texts: the exec form.

use std::ops::Range;

use serde::de::IgnoredAny;

use super::line::Part;
use super::word::Word;

/// Why a text is no array of texts.
#[derive(Debug, PartialEq)]
pub(super) enum NotTexts {
    /// No JSON array at all: the builder takes it for the shell form.
    NotAnArray,
    /// An array that has something else in it, there: the builder refuses it.
    Other(Range<usize>),
}

/// The words of `["a", "b"]`.
pub(super) fn words(part: Part<'_>) -> Result<Vec<Word>, NotTexts> {
    let text = part.text();
    if !text.starts_with('[') || serde_json::from_str::<Vec<IgnoredAny>>(text).is_err() {
        return Err(NotTexts::NotAnArray);
    }
    let mut words = Vec::new();
    let mut at = 1;
    while let Some(offset) = text[at..].find(|c: char| !matches!(c, ' ' | '\t' | '\r' | '\n' | ','))
    {
        at += offset;
        if text[at..].starts_with(']') {
            break;
        }
        if !text[at..].starts_with('"') {
            let end = text[at..]
                .find([',', ']'])
                .map_or(text.len(), |end| at + end);
            return Err(NotTexts::Other(at..end));
        }
        let (value, length) = string(&text[at..]);
        words.push(part.slice(at..at + length).meaning(value));
        at += length;
    }
    Ok(words)
}

/// What a JSON string at the start of `text` says, and its length; lone surrogates are replaced, as Go does.
fn string(text: &str) -> (String, usize) {
    let mut units: Vec<u16> = Vec::new();
    let mut chars = text.char_indices().skip(1);
    let mut buffer = [0; 2];
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return (String::from_utf16_lossy(&units), at + 1),
            '\\' => match chars.next() {
                Some((_, 'u')) => {
                    let digits: String = chars.by_ref().take(4).map(|(_, c)| c).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xfffd));
                }
                Some((_, c)) => units.push(match c {
                    'b' => 8,
                    'f' => 12,
                    'n' => 10,
                    'r' => 13,
                    't' => 9,
                    c => c as u16,
                }),
                None => break,
            },
            c => units.extend_from_slice(c.encode_utf16(&mut buffer)),
        }
    }
    (String::from_utf16_lossy(&units), text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::dockerfile::instruction::ShellText;

    fn read(text: &str) -> Result<Vec<String>, NotTexts> {
        let mut line = ShellText::default();
        line.push(text, 0);
        let words = words(line.part())?;
        Ok(words.into_iter().filter_map(|word| word.value).collect())
    }

    #[test]
    fn only_an_array_of_texts_is_the_exec_form() {
        assert_eq!(
            read(r#"["a","b c" , "\u00f1\"\ud83d\udc33"]"#),
            Ok(vec!["a".into(), "b c".into(), "ñ\"🐳".into()])
        );
        assert_eq!(read("[]"), Ok(Vec::new()));
        assert_eq!(read("['a']"), Err(NotTexts::NotAnArray));
        assert_eq!(read(r#"["a"] # b"#), Err(NotTexts::NotAnArray));
        assert_eq!(read(r#"["a",]"#), Err(NotTexts::NotAnArray));
        assert_eq!(read("[ -f x ]"), Err(NotTexts::NotAnArray));
        assert_eq!(read(r#"["a", 8080]"#), Err(NotTexts::Other(6..10)));
        assert_eq!(read(r#"[null]"#), Err(NotTexts::Other(1..5)));
    }
}
