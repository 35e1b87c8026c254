//! Splitting a shell's text into simple commands.

use super::super::dockerfile::instruction::ShellText;
use super::super::location::Span;
use super::{Joined, Redirect, ShellWord, Simple, wrappers};

/// How deep `$(…)` and `sh -c` are followed.
pub(super) const DEEPEST: usize = 12;

/// Commands beyond which a text is given up: whoever looks at them looks back from each.
const MOST: usize = 1000;

/// Where the bytes of what is read stand in the file.
#[derive(Clone, Copy)]
pub(super) enum Place<'t> {
    /// In a shell's text, that much behind its start.
    Text(&'t ShellText, usize),
    /// In the file as they are, from there.
    File(usize),
    /// Somewhere in that stretch.
    Within(Span),
}

impl<'t> Place<'t> {
    pub(super) fn of(self, start: usize, end: usize) -> Span {
        match self {
            Self::Text(text, shift) => text.place(start + shift, end + shift),
            Self::File(shift) => Span::new(start + shift, end + shift),
            Self::Within(span) => span,
        }
    }

    pub(super) fn shifted(self, by: usize) -> Self {
        match self {
            Self::Text(text, shift) => Self::Text(text, shift + by),
            Self::File(shift) => Self::File(shift + by),
            Self::Within(span) => Self::Within(span),
        }
    }
}

/// What a text says.
pub(super) struct Read {
    pub commands: Vec<Simple>,
    pub comments: Vec<Span>,
}

/// The simple commands of `text`, and its comments; nothing when it is not understood.
pub(super) fn read(text: &str, place: Place<'_>, depth: usize) -> Option<Read> {
    if depth > DEEPEST {
        return None;
    }
    let mut reader = Reader {
        text,
        place,
        at: 0,
        depth,
        substituted: false,
        commands: Vec::new(),
        comments: Vec::new(),
        heredocs: Vec::new(),
    };
    reader.list(false)?;
    (reader.commands.len() <= MOST).then_some(())?;
    Some(Read {
        commands: reader.commands,
        comments: reader.comments,
    })
}

/// Takes a command up, and those that it hands to another shell.
pub(super) fn push(mut simple: Simple, commands: &mut Vec<Simple>, depth: usize) {
    simple.program = wrappers::program(&simple.words);
    let inner = inner_text(&simple).map(|word| {
        let exact = word.span.end - word.span.start == word.text.len() + 2;
        let place = if exact {
            Place::File(word.span.start + 1)
        } else {
            Place::Within(word.span)
        };
        (word.text.clone(), place, simple.depth)
    });
    commands.push(simple);
    if let Some((text, place, below)) = inner {
        let inner = read(&text, place, depth + 1);
        for mut command in inner.map(|inner| inner.commands).unwrap_or_default() {
            command.depth += below + 1;
            commands.push(command);
        }
    }
}

/// What `sh -c …` is given.
fn inner_text(simple: &Simple) -> Option<&ShellWord> {
    if !["sh", "bash", "dash", "ash"].contains(&simple.program()?) {
        return None;
    }
    let args = simple.args();
    let flag = args.iter().position(|word| {
        word.text.starts_with('-') && !word.text.starts_with("--") && word.text.ends_with('c')
    })?;
    args.get(flag + 1)
}

/// Reads one text; what of it is read word by word stands in `words`.
pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    pub(super) place: Place<'t>,
    pub(super) at: usize,
    pub(super) depth: usize,
    pub(super) substituted: bool,
    pub(super) commands: Vec<Simple>,
    pub(super) comments: Vec<Span>,
    /// Heredocs opened on this line: delimiter, and whether leading tabs are dropped.
    pub(super) heredocs: Vec<(String, bool)>,
}

/// Where in a list the reader is.
#[derive(Default)]
struct State {
    simple: Simple,
    start: Option<usize>,
    end: usize,
    joined: Joined,
    blocks: usize,
    parentheses: usize,
    cases: usize,
    /// Words up to the next separator are no command (`for x in …`).
    skipped: bool,
    /// Words up to `)` are a pattern of a `case`.
    pattern: bool,
    /// Between `case` and `in`.
    subject: bool,
    /// Inside of `[[ … ]]`.
    condition: bool,
}

impl Reader<'_> {
    pub(super) fn peek(&self) -> Option<u8> {
        self.byte(0)
    }

    pub(super) fn byte(&self, ahead: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + ahead).copied()
    }

    pub(super) fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// Reads commands up to the end, or up to the `)` that closes a `$(`.
    pub(super) fn list(&mut self, closing: bool) -> Option<()> {
        let mut state = State::default();
        loop {
            let Some(byte) = self.peek() else {
                self.finish(&mut state, Joined::Then);
                let open = state.blocks + state.parentheses + state.cases > 0 || state.condition;
                return (!closing && !open).then_some(());
            };
            match byte {
                b' ' | b'\t' | b'\r' => self.at += 1,
                b'\\' if self.byte(1) == Some(b'\n') => self.at += 2,
                b'\n' => {
                    self.finish(&mut state, Joined::Then);
                    self.at += 1;
                    self.skip_heredocs()?;
                }
                b'#' => {
                    let rest = self.rest().as_bytes();
                    let end = self.at + memchr::memchr(b'\n', rest).unwrap_or(rest.len());
                    self.comments.push(self.place.of(self.at, end));
                    self.at = end;
                }
                _ if state.condition => self.word_of(&mut state)?,
                b';' | b'&' | b'|' | b'(' | b')' if !self.rest().starts_with("&>") => {
                    if self.operator(&mut state, closing)? {
                        return Some(());
                    }
                }
                b'<' | b'>' | b'&'
                    if !matches!(self.rest().as_bytes(), [b'<' | b'>', b'(', ..]) =>
                {
                    self.redirect(&mut state)?;
                }
                _ => self.word_of(&mut state)?,
            }
        }
    }

    /// Takes an operator; whether it is the `)` that ends the list.
    fn operator(&mut self, state: &mut State, closing: bool) -> Option<bool> {
        let rest = self.rest();
        let (length, joined) = if rest.starts_with(";;") {
            state.pattern = state.cases > 0;
            (2, Joined::Then)
        } else if rest.starts_with("&&") {
            (2, Joined::And)
        } else if rest.starts_with("||") {
            (2, Joined::Or)
        } else if rest.starts_with("|&") {
            (2, Joined::Pipe)
        } else if rest.starts_with('|') {
            if state.pattern {
                self.at += 1;
                return Some(false);
            }
            (1, Joined::Pipe)
        } else if rest.starts_with([';', '&']) {
            (1, Joined::Then)
        } else {
            return self.parenthesis(state, closing);
        };
        let pattern = state.pattern;
        self.finish(state, joined);
        state.pattern = pattern;
        self.at += length;
        Some(false)
    }

    fn parenthesis(&mut self, state: &mut State, closing: bool) -> Option<bool> {
        if self.peek() == Some(b'(') {
            if state.pattern {
                self.at += 1;
            } else if self.rest().starts_with("((") && state.simple.words.is_empty() {
                self.at += self.rest().find("))")? + 2;
            } else if state.simple.words.is_empty() && state.simple.assignments.is_empty() {
                state.parentheses += 1;
                self.at += 1;
                state.joined = Joined::First;
            } else if state.simple.words.len() == 1 {
                // The name of a function.
                let behind = self.rest()[1..].trim_start_matches([' ', '\t']);
                behind.starts_with(')').then_some(())?;
                self.at = self.text.len() - behind.len() + 1;
                state.simple = Simple::default();
                state.start = None;
            } else {
                return None;
            }
            return Some(false);
        }
        self.at += 1;
        if state.pattern {
            state.pattern = false;
            state.simple = Simple::default();
            state.start = None;
            state.joined = Joined::First;
        } else if state.parentheses > 0 {
            self.finish(state, Joined::Then);
            state.parentheses -= 1;
        } else if closing && state.blocks + state.cases == 0 {
            self.finish(state, Joined::Then);
            return Some(true);
        } else {
            return None;
        }
        Some(false)
    }

    /// Ends the command that is being read.
    fn finish(&mut self, state: &mut State, next: Joined) {
        let mut simple = std::mem::take(&mut state.simple);
        if let Some(start) = state.start.take()
            && !state.skipped
            && !(simple.words.is_empty() && simple.assignments.is_empty())
        {
            simple.joined = state.joined;
            simple.depth = state.blocks + state.parentheses + state.cases + self.depth;
            simple.substituted = self.substituted;
            simple.span = self.place.of(start, state.end);
            push(simple, &mut self.commands, self.depth);
            state.joined = next;
        } else if next != Joined::Then {
            state.joined = next;
        }
        state.skipped = false;
    }

    /// Takes a word up: a keyword, an assignment, or one of the command.
    fn word_of(&mut self, state: &mut State) -> Option<()> {
        let start = self.at;
        let word = self.word(state.condition)?;
        let raw = &self.text[start..self.at];
        if matches!(self.peek(), Some(b'<' | b'>'))
            && !raw.is_empty()
            && raw.bytes().all(|b| b.is_ascii_digit())
        {
            return self.redirect(state);
        }
        if state.condition {
            state.condition = raw != "]]";
        } else if state.subject {
            if raw == "in" {
                state.subject = false;
                state.pattern = true;
                state.cases += 1;
            }
            return Some(());
        } else if state.pattern {
            if raw == "esac" {
                state.pattern = false;
                state.cases = state.cases.checked_sub(1)?;
            }
            return Some(());
        } else if state.simple.words.is_empty()
            && state.simple.assignments.is_empty()
            && !state.skipped
            && self.keyword(raw, state)?
        {
            return Some(());
        }
        state.start.get_or_insert(start);
        state.end = self.at;
        let assigned = state.simple.words.is_empty() && wrappers::is_assignment(raw);
        if assigned {
            state.simple.assignments.push(word);
        } else {
            state.simple.words.push(word);
        }
        Some(())
    }

    /// Takes a keyword; whether it was one.
    fn keyword(&mut self, raw: &str, state: &mut State) -> Option<bool> {
        match raw {
            "if" | "while" | "until" | "{" => {
                state.blocks += 1;
                state.joined = Joined::First;
            }
            "then" | "do" | "else" | "elif" => state.joined = Joined::First,
            "fi" | "done" | "}" => {
                state.blocks = state.blocks.checked_sub(1)?;
                state.joined = Joined::Then;
            }
            "esac" => {
                state.cases = state.cases.checked_sub(1)?;
                state.joined = Joined::Then;
            }
            "!" => {}
            "for" | "select" => {
                state.blocks += 1;
                state.skipped = true;
            }
            "case" => state.subject = true,
            "[[" => {
                state.condition = true;
                return Some(false);
            }
            "function" | "coproc" => return None,
            _ => return Some(false),
        }
        Some(true)
    }

    fn redirect(&mut self, state: &mut State) -> Option<()> {
        const OPERATORS: [&str; 12] = [
            "<<<", "<<-", "<<", "<>", "<&", ">>", ">&", ">|", "&>>", "&>", "<", ">",
        ];
        let operator = OPERATORS
            .into_iter()
            .find(|operator| self.rest().starts_with(operator))?;
        self.at += operator.len();
        while matches!(self.peek(), Some(b' ' | b'\t')) {
            self.at += 1;
        }
        let target = self.word(false)?;
        if operator == "<<" || operator == "<<-" {
            self.heredocs.push((target.text.clone(), operator == "<<-"));
        }
        state.end = self.at;
        state.simple.redirects.push(Redirect { operator, target });
        Some(())
    }

    /// Passes over the bodies of the heredocs that were opened on the line.
    fn skip_heredocs(&mut self) -> Option<()> {
        for (name, tabs) in std::mem::take(&mut self.heredocs) {
            let mut passed = self.at;
            let mut lines = self.rest().split_inclusive('\n');
            loop {
                let line = lines.next()?;
                passed += line.len();
                let line = line.trim_end_matches(['\n', '\r']);
                if name
                    == if tabs {
                        line.trim_start_matches('\t')
                    } else {
                        line
                    }
                {
                    break;
                }
            }
            self.at = passed;
        }
        Some(())
    }
}
