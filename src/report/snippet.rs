//! What reading found, drawn beside the lines it speaks of.

use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Element, Level as Drawn, Patch, Renderer, Snippet};

use super::terminal::printable;
use super::under;
use crate::submission::{Location, Snapshot};
use crate::verdict::{Level, Position, StaticFinding};

/// Lines shown above and below the one at fault.
const AROUND: usize = 1;
/// Longest line that is drawn whole; of a longer one only what is at fault is told.
const LONGEST_LINE: usize = 2_000;

/// The findings of one folder, with colours; `root` goes in front of every path.
pub fn render(findings: &[StaticFinding], files: &Snapshot, root: &str) -> String {
    let renderer = Renderer::styled()
        .decor_style(DecorStyle::Ascii)
        .term_width(super::terminal::width());
    let mut text = String::new();
    for finding in findings {
        text.push_str(&one(finding, files, root, &renderer));
        text.push_str("\n\n");
    }
    text
}

fn one(finding: &StaticFinding, files: &Snapshot, root: &str, renderer: &Renderer) -> String {
    let message = printable(&finding.message);
    let title = drawn(finding.level).primary_title(message).id(finding.rule);
    let help = Drawn::HELP.with_name("ayuda");
    let own = finding
        .location
        .as_ref()
        .and_then(|at| Window::around(files, at, finding.end));
    // An empty file, or a line too long to draw, is still named.
    let origin = finding.location.as_ref().filter(|_| own.is_none());
    let windows: Vec<(Window, &str, AnnotationKind)> = own
        .map(|window| (window, "", AnnotationKind::Primary))
        .into_iter()
        .chain(finding.related.iter().filter_map(|related| {
            let window = Window::around(files, &related.location, None)?;
            Some((window, related.message.as_str(), AnnotationKind::Context))
        }))
        .collect();
    let origin = origin.map(|at| {
        Element::from(
            annotate_snippets::Origin::path(under(root, &at.file))
                .line(at.line)
                .char_column(at.column),
        )
    });
    let drawn = windows.iter().map(|(window, label, kind)| {
        let annotation = kind.span(window.span.clone());
        let annotation = match *label {
            "" => annotation,
            label => annotation.label(printable(label)),
        };
        Element::from(
            Snippet::source(window.text)
                .path(under(root, window.file))
                .line_start(window.first_line)
                .annotation(annotation),
        )
    });
    let group = title.elements(origin.into_iter().chain(drawn));
    let patched = finding.patch.as_ref().and_then(|patch| {
        let window = Window::around(files, &patch.location, Some(patch.end))?;
        Some((window, printable(&patch.replacement)))
    });
    let advice = printable(&finding.help);
    match patched {
        None => renderer.render(&[group.element(help.message(advice))]),
        Some((window, replacement)) => {
            let snippet = Snippet::source(window.text)
                .path(under(root, window.file))
                .line_start(window.first_line)
                .patch(Patch::new(window.span, replacement));
            renderer.render(&[group, help.secondary_title(advice).element(snippet)])
        }
    }
}

fn drawn(level: Level) -> Drawn<'static> {
    match level {
        Level::Error => Drawn::ERROR.with_name("error"),
        Level::Warning => Drawn::WARNING.with_name("aviso"),
        Level::Note => Drawn::NOTE.with_name("nota"),
    }
}

/// The lines around a place.
struct Window<'a> {
    file: &'a str,
    text: &'a str,
    first_line: usize,
    /// What is pointed at, in bytes of `text`.
    span: Range<usize>,
}

impl<'a> Window<'a> {
    fn around(files: &'a Snapshot, at: &'a Location, end: Option<Position>) -> Option<Self> {
        let bytes = files.file(&at.file)?;
        let text = std::str::from_utf8(bytes).ok()?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let first_line = at.line.saturating_sub(AROUND).max(1);
        let end_line = end.map_or(at.line, |end| end.line);
        let mut start = 0;
        let mut window = 0..text.len();
        let mut span = None;
        let mut stop = None;
        for (index, line) in text.split_inclusive('\n').enumerate() {
            let number = index + 1;
            if number == first_line {
                window.start = start;
            }
            if number >= first_line && number <= end_line + AROUND && line.len() > LONGEST_LINE {
                return None;
            }
            if number == at.line {
                let column = byte_of(line, at.column);
                span = Some(start + column..start + column + token(&line[column..]));
            }
            if let Some(end) = end.filter(|end| end.line == number) {
                stop = Some(start + byte_of(line, end.column));
            }
            start += line.len();
            if number == end_line + AROUND {
                window.end = start;
                break;
            }
        }
        let mut span = span?;
        if let Some(stop) = stop {
            span.end = stop.max(span.start);
        }
        Some(Self {
            file: &at.file,
            text: text[window.clone()].trim_end_matches(['\n', '\r']),
            first_line,
            span: span.start - window.start..span.end - window.start,
        })
    }
}

/// The byte of the character at `column` (from 1) of `line`.
fn byte_of(line: &str, column: usize) -> usize {
    let content = line.trim_end_matches(['\n', '\r']);
    content
        .char_indices()
        .nth(column.saturating_sub(1))
        .map_or(content.len(), |(byte, _)| byte)
}

/// How many bytes at the start of `rest` belong to what starts there: a quoted text, a key, or all up to a comment.
fn token(rest: &str) -> usize {
    let line = rest.trim_end();
    if let Some(quote) = line.chars().next().filter(|c| matches!(c, '"' | '\''))
        && let Some(end) = line[1..].find(quote)
    {
        return end + 2;
    }
    let end = [": ", " #"].iter().filter_map(|stop| line.find(stop)).min();
    let end = end.unwrap_or(line.len());
    line[..end].trim_end().trim_end_matches(':').len()
}
