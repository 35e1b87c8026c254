//! Reading the words of a shell's text: quotes, variables, substitutions.

use super::ShellWord;
use super::reader::{DEEPEST, Reader};

impl Reader<'_> {
    /// Reads one word up to a blank or an operator; in `[[ … ]]` only up to a blank.
    pub(super) fn word(&mut self, condition: bool) -> Option<ShellWord> {
        let start = self.at;
        let mut word = ShellWord::default();
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => break,
                b';' | b'&' | b'|' | b'<' | b'>' | b'(' | b')' if !condition => {
                    if byte == b'(' && self.at > start && self.text.as_bytes()[self.at - 1] == b'='
                    {
                        return None;
                    }
                    if matches!(byte, b'<' | b'>') && self.byte(1) == Some(b'(') && self.at == start
                    {
                        self.at += 1;
                        self.substitution(&mut word, start)?;
                        continue;
                    }
                    break;
                }
                b'\\' => {
                    self.at += 1;
                    let c = self.rest().chars().next()?;
                    self.at += c.len_utf8();
                    if c != '\n' {
                        word.quoted = true;
                        word.text.push(c);
                    }
                }
                b'\'' => {
                    let length = memchr::memchr(b'\'', &self.rest().as_bytes()[1..])?;
                    word.text.push_str(&self.rest()[1..=length]);
                    word.quoted = true;
                    self.at += length + 2;
                }
                b'"' => self.double_quotes(&mut word)?,
                b'$' | b'`' => self.expansion(&mut word)?,
                _ => {
                    let c = self.rest().chars().next()?;
                    word.text.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
        word.span = self.place.of(start, self.at);
        Some(word)
    }

    fn double_quotes(&mut self, word: &mut ShellWord) -> Option<()> {
        word.quoted = true;
        self.at += 1;
        loop {
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(());
                }
                b'\\' => {
                    self.at += 1;
                    let c = self.rest().chars().next()?;
                    if !matches!(c, '$' | '`' | '"' | '\\' | '\n') {
                        word.text.push('\\');
                    }
                    if c != '\n' {
                        word.text.push(c);
                    }
                    self.at += c.len_utf8();
                }
                b'$' | b'`' => self.expansion(word)?,
                _ => {
                    let c = self.rest().chars().next()?;
                    word.text.push(c);
                    self.at += c.len_utf8();
                }
            }
        }
    }

    /// `$A`, `${…}`, `$(…)`, `$((…))` or what stands between backticks; the text is kept as written.
    fn expansion(&mut self, word: &mut ShellWord) -> Option<()> {
        let start = self.at;
        if self.peek() == Some(b'`') {
            let length = self.rest()[1..].find('`')?;
            self.at += length + 2;
            word.expands = true;
        } else {
            self.at += 1;
            match self.peek() {
                Some(b'(') if self.byte(1) == Some(b'(') => {
                    self.at += self.rest().find("))")? + 2;
                    word.expands = true;
                }
                Some(b'(') => return self.substitution(word, start),
                Some(b'{') => {
                    self.braces()?;
                    word.expands = true;
                }
                Some(b'\'') => {
                    let length = self.rest()[1..].find('\'')?;
                    (!self.rest()[1..=length].contains('\\')).then_some(())?;
                    self.at += length + 2;
                    word.expands = true;
                }
                Some(c) if c.is_ascii_alphabetic() || c == b'_' => {
                    while self
                        .peek()
                        .is_some_and(|c| c.is_ascii_alphanumeric() || c == b'_')
                    {
                        self.at += 1;
                    }
                    word.expands = true;
                }
                Some(c) if c.is_ascii_digit() || b"@*#?-$!".contains(&c) => {
                    self.at += 1;
                    word.expands = true;
                }
                _ => {}
            }
        }
        word.text.push_str(&self.text[start..self.at]);
        Some(())
    }

    /// What stands between the parentheses is commands again.
    fn substitution(&mut self, word: &mut ShellWord, start: usize) -> Option<()> {
        if self.depth >= DEEPEST {
            return None;
        }
        self.at += 1;
        let mut inner = Reader {
            text: &self.text[self.at..],
            place: self.place.shifted(self.at),
            at: 0,
            depth: self.depth + 1,
            substituted: true,
            commands: Vec::new(),
            comments: Vec::new(),
            heredocs: Vec::new(),
        };
        inner.list(true)?;
        let length = inner.at;
        let commands = std::mem::take(&mut inner.commands);
        self.commands.extend(commands);
        self.at += length;
        word.expands = true;
        word.text.push_str(&self.text[start..self.at]);
        Some(())
    }

    /// Passes over `{…}`, others and quotes in it included.
    fn braces(&mut self) -> Option<()> {
        let mut open = 0usize;
        let mut bytes = self.rest().bytes().enumerate();
        while let Some((at, byte)) = bytes.next() {
            match byte {
                b'\\' => {
                    bytes.next();
                }
                b'\'' | b'`' => return None,
                b'{' => open += 1,
                b'}' => {
                    open -= 1;
                    if open == 0 {
                        self.at += at + 1;
                        return Some(());
                    }
                }
                _ => {}
            }
        }
        None
    }
}
