//! A verdict for people: what was tried, what was seen, why it matters, where to go on.

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};

use crate::verdict::{ItemVerdict, Level, Outcome, Verdict};

/// Widest line; beyond this nobody reads well.
const WIDEST: usize = 100;

/// Prints `verdicts` on standard output; colours only where they are wanted.
///
/// # Errors
/// When standard output cannot be written.
pub fn print(verdicts: &[Verdict]) -> anyhow::Result<()> {
    let width = width();
    let mut out = anstream::stdout().lock();
    for verdict in verdicts {
        out.write_all(render(verdict, width).as_bytes())?;
    }
    out.flush()?;
    Ok(())
}

/// Columns to write in.
pub fn width() -> usize {
    textwrap::termwidth().min(WIDEST)
}

/// The whole text, with colours, in lines of at most `width` columns.
pub fn render(verdict: &Verdict, width: usize) -> String {
    let mut text = String::new();
    let bold = Style::new().bold();
    let _ = writeln!(text, "\n{bold}{}{bold:#}", verdict.title);
    if let Some(engine) = &verdict.engine {
        let _ = writeln!(
            text,
            "{} {} · {}",
            engine.product, engine.version, engine.builder
        );
    }
    text.push('\n');
    let longest = verdict
        .items
        .iter()
        .map(|item| item.id.chars().count())
        .max()
        .unwrap_or(0);
    for item in &verdict.items {
        line(&mut text, item, longest, width);
    }
    for item in &verdict.items {
        if item.outcome != Outcome::Passed && item.blocked_by.is_none() {
            detail(&mut text, item, width);
        }
    }
    advice(&mut text, verdict, width);
    text.push('\n');
    let passed = verdict
        .items
        .iter()
        .filter(|item| item.outcome == Outcome::Passed)
        .count();
    let (style, word) = badge(verdict.outcome);
    let _ = writeln!(
        text,
        "{style}{word}{style:#} · {passed} de {} comprobaciones · {} de {} puntos · {}",
        verdict.items.len(),
        points(verdict.points),
        points(verdict.max_points),
        seconds(verdict.duration)
    );
    for note in &verdict.notes {
        wrapped(&mut text, "Nota: ", &printable(note), 0, width);
    }
    if !verdict.timings.is_empty() {
        let _ = writeln!(text, "\nEn qué se fue el tiempo (inicio, duración):");
        for timing in &verdict.timings {
            let _ = writeln!(
                text,
                "  {:>7} {:>7}  {}",
                seconds(timing.start),
                seconds(timing.duration),
                timing.what
            );
        }
    }
    text
}

/// One line of the checklist.
fn line(text: &mut String, item: &ItemVerdict, longest: usize, width: usize) {
    let (style, word) = badge(item.outcome);
    let id = format!("{:<longest$}", item.id);
    let worth = if item.max_points > 0.0 {
        format!(" ({}/{})", points(item.points), points(item.max_points))
    } else {
        String::new()
    };
    let rest = match &item.blocked_by {
        Some(by) => format!("espera a `{by}`"),
        None => format!("{}{worth}", item.title),
    };
    let head = format!("  {word:<10} {id}  ");
    let indent = " ".repeat(head.chars().count());
    let options = options(width)
        .initial_indent(&head)
        .subsequent_indent(&indent);
    let body = textwrap::fill(&rest, options);
    // The badge is styled after wrapping, so that colours do not count as width.
    let painted = body.replacen(word, &format!("{style}{word}{style:#}"), 1);
    let _ = writeln!(text, "{painted}");
}

/// What happened with one item that did not pass.
fn detail(text: &mut String, item: &ItemVerdict, width: usize) {
    let (style, word) = badge(item.outcome);
    let place = item
        .location
        .as_ref()
        .map(|at| format!("  ·  {at}"))
        .unwrap_or_default();
    let _ = writeln!(
        text,
        "\n{style}{word}{style:#} {} · {}{place}",
        item.id, item.title
    );
    wrapped(text, "Probé: ", &printable(&item.tried), 4, width);
    wrapped(text, "Vi:    ", &printable(&item.saw), 4, width);
    if item.outcome == Outcome::Failed {
        wrapped(text, "Por qué importa: ", &printable(&item.why), 4, width);
        wrapped(
            text,
            "Sigue por aquí:  ",
            &format!("libro › {}", item.lesson),
            4,
            width,
        );
    }
}

/// What reading found, as far as it helps: with a fault all that could explain it, without one only what is certain.
fn advice(text: &mut String, verdict: &Verdict, width: usize) {
    let gravest = match verdict.outcome {
        Outcome::Passed => Level::Error,
        _ => Level::Warning,
    };
    let mut findings = verdict
        .findings
        .iter()
        .filter(|finding| finding.level <= gravest);
    let Some(first) = findings.next() else { return };
    text.push_str("\nAl leer tus archivos vi además:\n");
    for finding in std::iter::once(first).chain(findings) {
        let place = finding.location.as_ref();
        let place = place.map(|at| format!("{at} · ")).unwrap_or_default();
        let body = format!("{place}{} [{}]", finding.message, finding.rule);
        let label = match finding.level {
            Level::Error => "error: ",
            _ => "aviso: ",
        };
        wrapped(text, label, &printable(&body), 2, width);
    }
}

/// `body` after `label`, later lines set in under it.
fn wrapped(text: &mut String, label: &str, body: &str, indent: usize, width: usize) {
    let first = format!("{}{label}", " ".repeat(indent));
    let rest = " ".repeat(indent + label.chars().count());
    for (index, line) in body.lines().enumerate() {
        let options = options(width)
            .initial_indent(if index == 0 { &first } else { &rest })
            .subsequent_indent(&rest);
        let _ = writeln!(text, "{}", textwrap::fill(line, options));
    }
}

/// Lines break at spaces only: an option like `--no-cache-dir` stays whole.
pub fn options<'a>(width: usize) -> textwrap::Options<'a> {
    textwrap::Options::new(width)
        .word_separator(textwrap::WordSeparator::AsciiSpace)
        .word_splitter(textwrap::WordSplitter::NoHyphenation)
}

/// The word of an outcome, which alone says it, and its colour.
fn badge(outcome: Outcome) -> (Style, &'static str) {
    let (color, word) = match outcome {
        Outcome::Passed => (AnsiColor::Green, "✓ OK"),
        Outcome::Failed => (AnsiColor::Red, "✗ FALLA"),
        Outcome::Blocked => (AnsiColor::BrightBlack, "· ESPERA"),
        Outcome::Refused => (AnsiColor::Magenta, "⊘ NO ENTRA"),
        Outcome::Unverified => (AnsiColor::Yellow, "? SIN VER"),
        Outcome::Error => (AnsiColor::Yellow, "! ERROR"),
    };
    (color.on_default().bold(), word)
}

/// Points without needless zeros, with a decimal comma.
fn points(points: f64) -> String {
    format!("{points}").replace('.', ",")
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64()).replace('.', ",")
}

/// What students' programs print, with nothing in it that a terminal would obey.
pub(super) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => '\n',
            '\t' => ' ',
            c if c.is_control() || is_bidi(c) => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Marks that make a terminal show text in another order than it stands.
fn is_bidi(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::Location;
    use crate::verdict::EngineUsed;

    fn item(id: &str, outcome: Outcome, saw: &str) -> ItemVerdict {
        ItemVerdict {
            id: id.into(),
            title: format!("Título de {id}"),
            outcome,
            points: if outcome == Outcome::Passed { 1.0 } else { 0.0 },
            max_points: 1.0,
            tried: "esto".into(),
            saw: saw.into(),
            why: "Porque sí.".into(),
            lesson: "02-dockerfile.html#salud".into(),
            blocked_by: (outcome == Outcome::Blocked).then(|| "sano".into()),
            location: (outcome == Outcome::Failed).then(|| Location::line("Dockerfile", 23)),
            duration: Duration::ZERO,
        }
    }

    #[test]
    fn a_verdict_tells_what_was_tried_what_was_seen_why_it_matters_and_where_to_go_on() {
        let items = vec![
            item("construye", Outcome::Passed, "bien"),
            item(
                "sano",
                Outcome::Failed,
                "terminó con 127: «curl: not found»,\nsegunda línea \u{1b}[31mroja",
            ),
            item("avería", Outcome::Blocked, ""),
            item("escala", Outcome::Error, "el motor no contesta"),
        ];
        let verdict = Verdict {
            version: 1,
            exercise: "x".into(),
            title: "Título".into(),
            outcome: Verdict::overall(&items),
            points: 1.0,
            max_points: 4.5,
            engine: Some(EngineUsed {
                product: "Docker Engine".into(),
                version: "20.10.24".into(),
                builder: "buildkit".into(),
            }),
            duration: Duration::from_millis(5321),
            notes: vec!["una nota".into()],
            items,
            findings: Vec::new(),
            timings: Vec::new(),
        };
        let text = anstream::adapter::strip_str(&render(&verdict, 60)).to_string();
        insta::assert_snapshot!(text);
    }
}
