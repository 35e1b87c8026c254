//! Heredocs: their openers in a line, and their bodies below it.

use super::expand;
use super::instruction::{Heredoc, ShellText};
use super::line::{Lines, Part};
use crate::submission::location::Span;

/// Heredocs without end in one file, behind which the rest of it is given up: each costs a look through all of it.
const MOST_OPEN: usize = 4;

/// `<<NAME` on a line.
#[derive(Debug, PartialEq)]
pub(super) struct Opener {
    pub name: String,
    pub expands: bool,
    pub strips_tabs: bool,
}

/// `<<EOF`, `<<-EOF`, `3<<"EOF"`: an opener, if the word is one.
pub(super) fn opener(word: &str) -> Option<Opener> {
    let rest = word.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = rest.strip_prefix("<<")?;
    let (strips_tabs, rest) = match rest.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let rest = rest.trim_start();
    if rest.is_empty() || rest.contains('<') {
        return None;
    }
    let mut name = String::new();
    let mut quote = None;
    let mut quoted = false;
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, None) if c.is_whitespace() => return None,
            ('\'' | '"', None) => (quote, quoted) = (Some(c), true),
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => name.extend(chars.next()),
            (c, _) => name.push(c),
        }
    }
    (quote.is_none() && !name.is_empty()).then_some(Opener {
        name,
        expands: !quoted,
        strips_tabs,
    })
}

/// The openers on a line, with their places.
pub(super) fn openers(line: Part<'_>) -> Vec<(Opener, Span)> {
    // Where quotes or `${…}` do not end, the builder sees no heredoc at all.
    if !line.text().contains("<<") || !expand::is_well_formed(line.text(), '\\') {
        return Vec::new();
    }
    let mut openers = Vec::new();
    let mut words = super::pairs::words(line, '\\').into_iter().peekable();
    while let Some(mut word) = words.next() {
        // Blanks may stand behind `<<`, but not behind `<<-`.
        let bare = word.text().trim_start_matches(|c: char| c.is_ascii_digit());
        if bare == "<<"
            && let Some(name) = words.next_if(|next| !next.text().contains('<'))
        {
            word.end = name.end;
        }
        openers.extend(opener(word.text()).map(|opener| (opener, word.span())));
    }
    openers
}

/// A heredoc that was read, and where its last line ends.
pub(super) struct Read {
    pub heredoc: Heredoc,
    /// Behind the closing line.
    pub end: usize,
    pub closed: Closed,
}

/// How a heredoc ends.
pub(super) enum Closed {
    Yes,
    /// With the file.
    No,
    /// With the file for the builder; but this line of it looks as if it was meant to be the end.
    Almost(Span),
}

/// Reads the body of a heredoc. One that nothing closes is read up to what looks like its end, if anything does.
pub(super) fn read(lines: &mut Lines<'_>, text: &str, opener: Opener) -> Read {
    let start = lines.position();
    let lines_open = lines.open_heredocs;
    let closes = |line: &str| {
        let line = if opener.strips_tabs {
            line.trim_start_matches('\t')
        } else {
            line
        };
        line == opener.name
    };
    let almost = |line: &str| lines_open < MOST_OPEN && line.trim() == opener.name;
    let rest = lines.rest();
    let closed = lines_open < MOST_OPEN
        && rest
            .split('\n')
            .any(|line| closes(line.trim_end_matches('\r')));
    lines.open_heredocs += usize::from(!closed);
    let mut body_end = start;
    let mut end = start;
    let mut state = Closed::No;
    while let Some(range) = lines.physical() {
        let line = &text[range.clone()];
        end = range.end;
        if closed && closes(line) {
            state = Closed::Yes;
            break;
        }
        if !closed && almost(line) {
            state = Closed::Almost(Span::new(range.start, range.end));
            break;
        }
        body_end = lines.position();
    }
    Read {
        heredoc: Heredoc {
            name: opener.name,
            expands: opener.expands,
            strips_tabs: opener.strips_tabs,
            body: Span::new(start, body_end),
        },
        end,
        closed: state,
    }
}

/// The text of a heredoc, as a shell gets it.
pub(super) fn shell_text(heredoc: &Heredoc, text: &str) -> ShellText {
    let mut out = ShellText::default();
    let mut at = heredoc.body.start;
    for line in text[heredoc.body.start..heredoc.body.end].split_inclusive('\n') {
        let kept = if heredoc.strips_tabs {
            line.trim_start_matches('\t')
        } else {
            line
        };
        out.push(kept, at + line.len() - kept.len());
        at += line.len();
    }
    if out.origins.is_empty() {
        out.origins.push((0, heredoc.body.start));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_opener_has_a_name() {
        let name = |word| opener(word).map(|o| (o.name, o.expands, o.strips_tabs));
        assert_eq!(name("<<EOF"), Some(("EOF".into(), true, false)));
        assert_eq!(name("<<-'EOF'"), Some(("EOF".into(), false, true)));
        assert_eq!(name("3<<\"E F\""), Some(("E F".into(), false, false)));
        assert_eq!(name("<<E\"O\"F"), Some(("EOF".into(), false, false)));
        assert_eq!(name("<< -EOF"), Some(("-EOF".into(), true, false)));
        assert_eq!(name("<<\\EOF"), Some(("EOF".into(), true, false)));
        for none in ["<<", "<<<x", "<<-", "<EOF", "a<<EOF", "<<'EOF"] {
            assert_eq!(name(none), None, "{none}");
        }
    }
}
