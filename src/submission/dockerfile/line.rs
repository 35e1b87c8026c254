//! Cutting a Dockerfile into logical lines: continuations joined, comments and parser directives set apart.

use std::ops::Range;

use super::fault::{Fault, FaultKind};
use super::instruction::ShellText;
use super::word::Word;
use crate::submission::location::Span;

/// What the builder splits words at; it is narrower than white space.
pub(super) const BLANKS: [char; 5] = ['\t', '\u{b}', '\u{c}', '\r', ' '];

/// Bytes that a line of the file must stay below; the builder refuses longer ones.
const LONGEST_LINE: usize = 64 << 10;

/// `# name=value` at the top of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// `syntax`, `escape` or `check`, in lower case.
    pub name: String,
    /// Behind the `=`.
    pub value: String,
    /// All of the line from its `#`.
    pub span: Span,
}

/// The lines of a Dockerfile, read front to back, and what is no instruction in them.
pub(super) struct Lines<'t> {
    text: &'t str,
    at: usize,
    directives_over: bool,
    /// Heredocs so far that nothing closes.
    pub open_heredocs: usize,
    pub escape: char,
    pub directives: Vec<Directive>,
    pub comments: Vec<Span>,
    pub blank_continuations: Vec<Span>,
    pub faults: Vec<Fault>,
}

impl<'t> Lines<'t> {
    pub fn new(text: &'t str) -> Self {
        Self {
            text,
            at: 0,
            directives_over: false,
            open_heredocs: 0,
            escape: '\\',
            directives: Vec::new(),
            comments: Vec::new(),
            blank_continuations: Vec::new(),
            faults: Vec::new(),
        }
    }

    /// The next line of the file, its line end left out.
    pub fn physical(&mut self) -> Option<Range<usize>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest.as_bytes());
        let start = self.at;
        let line = &rest[..length.unwrap_or(rest.len())];
        self.at += length.map_or(rest.len(), |length| length + 1);
        if line.len() >= LONGEST_LINE {
            let first = line.chars().next().map_or(0, char::len_utf8);
            let span = Span::new(start, start + first);
            self.faults.push(Fault {
                kind: FaultKind::LongLine,
                span,
                instruction: span,
                message: format!(
                    "la línea tiene {} caracteres y el constructor no lee líneas de 64 KiB o más: pártela con `{}` al final de cada trozo, o guarda los datos en un archivo y cópialo",
                    line.chars().count(),
                    self.escape
                ),
            });
        }
        Some(start..start + line.trim_end_matches('\r').len())
    }

    /// What of the file has not been read.
    pub fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// Where the reading goes on.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next logical line, and where it starts: a continuation alone may stand in front of its text, or of nothing.
    pub fn logical(&mut self) -> Option<(usize, ShellText)> {
        loop {
            let range = self.physical()?;
            let line = self.text[range.clone()].trim_start();
            let start = range.end - line.len();
            if line.starts_with('#') {
                self.comment(Span::new(start, range.end));
                continue;
            }
            self.directives_over = true;
            let (kept, mut ended) = continuation(line, self.escape);
            if ended && kept.is_empty() {
                continue;
            }
            let mut joined = ShellText::default();
            joined.push(kept, start);
            while !ended {
                let Some(range) = self.physical() else { break };
                let line = &self.text[range.clone()];
                let bare = line.trim_start();
                if bare.starts_with('#') {
                    self.comments
                        .push(Span::new(range.end - bare.len(), range.end));
                } else if bare.is_empty() {
                    self.blank_continuations
                        .push(Span::new(range.start, range.end));
                } else {
                    let (kept, last) = continuation(line, self.escape);
                    joined.push(kept, range.start);
                    ended = last;
                }
            }
            if joined.origins.is_empty() {
                joined.origins.push((0, start));
            }
            return Some((start, joined));
        }
    }

    /// A line that starts with `#`: a directive as long as nothing else has been read, else a comment.
    fn comment(&mut self, span: Span) {
        let text = &self.text[span.start..span.end];
        let directive = (!self.directives_over)
            .then(|| directive(text))
            .flatten()
            .map(|(name, value)| Directive { name, value, span });
        let Some(directive) = directive else {
            self.directives_over = true;
            self.comments.push(span);
            return;
        };
        let mut refuse = |message: String| {
            self.faults.push(Fault {
                kind: FaultKind::Directive,
                span,
                instruction: span,
                message,
            });
        };
        if self.directives.iter().any(|d| d.name == directive.name) {
            refuse(format!(
                "la directiva `# {}=` ya está más arriba y solo puede ir una vez: borra una de las dos",
                directive.name
            ));
        } else if directive.name == "escape" {
            match directive.value.as_str() {
                "\\" => self.escape = '\\',
                "`" => self.escape = '`',
                other => refuse(format!(
                    "`# escape=` solo admite `\\` o `` ` ``, no `{other}`"
                )),
            }
        }
        self.directives.push(directive);
    }
}

/// `# name = value` when the builder knows the name.
fn directive(line: &str) -> Option<(String, String)> {
    let (name, value) = line.strip_prefix('#')?.split_once('=')?;
    let name = name.trim().to_ascii_lowercase();
    let value = value.trim();
    (matches!(name.as_str(), "syntax" | "escape" | "check") && !value.is_empty())
        .then(|| (name, value.to_owned()))
}

/// The line without the escape character that continues it, and whether it ends here.
///
/// A doubled one at the end continues nothing.
fn continuation(line: &str, escape: char) -> (&str, bool) {
    let kept = line
        .trim_end_matches([' ', '\t'])
        .strip_suffix(escape)
        .filter(|kept| !kept.ends_with(escape));
    kept.map_or((line, true), |kept| (kept, false))
}

impl ShellText {
    /// Adds what stands at byte `origin` of the file.
    pub(super) fn push(&mut self, text: &str, origin: usize) {
        if !text.is_empty() {
            self.origins.push((self.text.len(), origin));
            self.text.push_str(text);
        }
    }

    /// All of it.
    pub(super) fn part(&self) -> Part<'_> {
        Part {
            line: self,
            start: 0,
            end: self.text.len(),
        }
    }

    /// The byte of the text that stands at byte `place` of the file.
    pub(super) fn locate(&self, place: usize) -> usize {
        let index = self
            .origins
            .partition_point(|&(_, origin)| origin <= place)
            .saturating_sub(1);
        self.origins
            .get(index)
            .map_or(0, |&(from, origin)| from + place.saturating_sub(origin))
    }
}

/// A stretch of a logical line.
#[derive(Clone, Copy)]
pub(super) struct Part<'l> {
    pub line: &'l ShellText,
    pub start: usize,
    pub end: usize,
}

impl<'l> Part<'l> {
    pub fn text(self) -> &'l str {
        &self.line.text[self.start..self.end]
    }

    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    pub fn span(self) -> Span {
        self.line.place(self.start, self.end)
    }

    /// The stretch `range` of it.
    pub fn slice(self, range: Range<usize>) -> Self {
        Self {
            line: self.line,
            start: self.start + range.start,
            end: self.start + range.end,
        }
    }

    pub fn trim(self) -> Self {
        let text = self.text();
        let start = text.len() - text.trim_start().len();
        self.slice(start..start + text.trim().len())
    }

    /// Its first word, and what follows the blanks behind it.
    pub fn first_word(self) -> (Self, Self) {
        let text = self.text();
        let end = text.find(BLANKS).unwrap_or(text.len());
        let rest = text[end..].trim_start_matches(BLANKS);
        (
            self.slice(0..end),
            self.slice(text.len() - rest.len()..text.len()),
        )
    }

    /// Its words, as the builder splits them.
    pub fn words(self) -> Vec<Self> {
        let mut words = Vec::new();
        let mut rest = self;
        while !rest.is_empty() {
            let (word, behind) = rest.first_word();
            words.push(word);
            rest = behind;
        }
        words
    }

    /// A word whose quotes and variables are still to be looked at.
    pub fn word(self) -> Word {
        Word {
            written: self.text().to_owned(),
            value: None,
            span: self.span(),
            variables: Vec::new(),
        }
    }

    /// A word that the builder takes as it is.
    pub fn literal(self) -> Word {
        self.meaning(self.text().to_owned())
    }

    /// A word that says `value`.
    pub fn meaning(self, value: String) -> Word {
        Word {
            value: Some(value),
            ..self.word()
        }
    }

    /// Its text with the places, as a shell gets it.
    pub fn shell_text(self) -> ShellText {
        let first = self
            .line
            .origins
            .partition_point(|&(from, _)| from <= self.start)
            .saturating_sub(1);
        let origins = self.line.origins[first..]
            .iter()
            .take_while(|&&(from, _)| from < self.end || from <= self.start)
            .map(|&(from, origin)| match self.start.checked_sub(from) {
                Some(inside) => (0, origin + inside),
                None => (from - self.start, origin),
            });
        ShellText {
            text: self.text().to_owned(),
            origins: origins.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> (Vec<String>, usize) {
        let mut lines = Lines::new(text);
        let mut out = Vec::new();
        while let Some((_, line)) = lines.logical() {
            out.push(line.text);
        }
        (out, lines.comments.len())
    }

    #[test]
    fn continuations_are_joined_and_comments_between_them_dropped() {
        assert_eq!(
            lines("  RUN a \\\n# nota\n  b \\  \n\n c\n# fin\n"),
            (vec!["RUN a   b  c".to_owned()], 2)
        );
        assert_eq!(lines("A b\\\\\nC d").0, ["A b\\\\", "C d"]);
        assert_eq!(lines("A b \\").0, ["A b "]);
        assert_eq!(lines("\\\n").0, [""]);
        assert_eq!(lines("A \\\r\nb\r\n").0, ["A b"]);
    }

    #[test]
    fn directives_stand_in_front_of_everything_else() {
        let mut lines = Lines::new("# Escape = `\n#syntax=x\n# nota\n# check=skip=all\nRUN a `\nb");
        let (_, line) = lines.logical().expect("a line");
        assert_eq!(line.text, "RUN a b");
        let names: Vec<_> = lines.directives.iter().map(|d| d.name.as_str()).collect();
        assert_eq!(names, ["escape", "syntax"]);
        assert_eq!(lines.comments.len(), 2);
        assert!(lines.faults.is_empty());
    }

    #[test]
    fn a_stretch_knows_its_place_in_the_file() {
        let text = "RUN uno \\\n  # ñ\n  dos ñandú";
        let (_, line) = Lines::new(text).logical().expect("a line");
        let words = line.part().words();
        let places: Vec<_> = words
            .iter()
            .map(|word| &text[word.span().start..word.span().end])
            .collect();
        assert_eq!(places, ["RUN", "uno", "dos", "ñandú"]);
        let tail = words[1].slice(0..0);
        assert_eq!(tail.span().start, tail.span().end);
        let shell = Part {
            end: line.text.len(),
            ..words[1]
        }
        .shell_text();
        let at = shell.text.find("ñandú").expect("is there");
        assert_eq!(
            shell.place(at, at + 2).start,
            text.find("ñandú").expect("is there")
        );
        assert_eq!(
            line.locate(text.find("dos").expect("is there")),
            line.text.find("dos").expect("is there")
        );
    }
}
