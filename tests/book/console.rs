//! A console session as the book shows it, and whether a real one looks the same.

use std::sync::LazyLock;

use regex::Regex;

/// What `construye` sends beside a context that leaves its Dockerfile out, where `docker build` sends none.
const OURS: &str = ".muelle.Dockerfile";

/// One thing typed, and what came back.
#[derive(Debug, PartialEq, Eq)]
pub struct Step {
    /// What was typed, without the `$`.
    pub typed: String,
    /// The lines that are shown as its answer.
    pub shown: Vec<String>,
}

/// The steps of a block: lines that begin with `$ `, each with what follows. A line that ends in `\`, and what a
/// `<<WORD` reads, go on below.
pub fn session(text: &str) -> Result<Vec<Step>, String> {
    let mut steps: Vec<Step> = Vec::new();
    let mut until: Option<String> = None;
    let mut goes_on = false;
    for line in text.lines() {
        let Some(typed) = line.strip_prefix("$ ") else {
            let step = steps.last_mut().ok_or("la sesión no empieza por `$ `")?;
            if until.is_some() || goes_on {
                step.typed.push('\n');
                step.typed.push_str(line.strip_prefix("> ").unwrap_or(line));
                goes_on = until.is_none() && line.ends_with('\\');
                if until.as_deref() == Some(line.trim()) {
                    until = None;
                }
            } else {
                step.shown.push(line.to_owned());
            }
            continue;
        };
        goes_on = typed.ends_with('\\');
        until = heredoc(typed);
        steps.push(Step {
            typed: typed.to_owned(),
            shown: Vec::new(),
        });
    }
    Ok(steps)
}

fn heredoc(typed: &str) -> Option<String> {
    static OPENER: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#"<<-?\s*['"]?(\w+)['"]?"#).unwrap());
    Some(OPENER.captures(typed)?[1].to_owned())
}

/// Whether what was printed is what is shown, but for what is never twice the same. A shown line `...` stands for any
/// number of lines, and `…` in a line for anything.
pub fn same(shown: &[String], printed: &str) -> Result<(), String> {
    let normal = |line: &str| normal(line);
    let printed: Vec<String> = printed
        .lines()
        .filter(|line| *line != OURS)
        .map(normal)
        .collect();
    let end = printed.iter().rposition(|line| !line.is_empty());
    let printed = &printed[..end.map_or(0, |last| last + 1)];
    let wanted: Vec<String> = shown.iter().map(|line| normal(line)).collect();
    let end = wanted.iter().rposition(|line| !line.is_empty());
    let wanted = &wanted[..end.map_or(0, |last| last + 1)];
    if matches(wanted, printed) {
        Ok(())
    } else {
        Err(format!(
            "muestra\n    {}\n  y sale\n    {}",
            wanted.join("\n    "),
            printed.join("\n    ")
        ))
    }
}

fn matches(wanted: &[String], printed: &[String]) -> bool {
    match wanted.split_first() {
        None => printed.is_empty(),
        Some((skip, rest)) if skip == "..." || skip == "…" => {
            (0..=printed.len()).any(|from| matches(rest, &printed[from..]))
        }
        Some((line, rest)) => printed
            .split_first()
            .is_some_and(|(first, others)| line_matches(line, first) && matches(rest, others)),
    }
}

fn line_matches(wanted: &str, printed: &str) -> bool {
    let mut parts = wanted.split('…');
    let Some(mut rest) = parts.next().and_then(|first| printed.strip_prefix(first)) else {
        return false;
    };
    let mut open = false;
    for part in parts {
        open = true;
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || (open && wanted.ends_with('…')) || (open && ends_like(wanted, printed))
}

/// For a last part that occurs more than once: the end decides.
fn ends_like(wanted: &str, printed: &str) -> bool {
    wanted
        .rsplit('…')
        .next()
        .is_some_and(|last| printed.ends_with(last))
}

/// A line without what is never twice the same: ids, times, sizes, free ports, addresses, the width of columns.
fn normal(line: &str) -> String {
    static NEVER_TWICE: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        [
            (r"\bsha256:[0-9a-f]{12,64}\b", "ID"),
            (r"\b[0-9a-f]{12}\b|\b[0-9a-f]{64}\b", "ID"),
            (r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?([.,]\d+)?(Z| ?[+-]\d\d:?\d\d)?( UTC| [+-]\d{4} \w+)?", "FECHA"),
            (r"\b(About an?|Less than an?|\d+) (second|minute|hour|day|week|month|year)s?( ago)?\b", "RATO"),
            (r"\b\d+([.,]\d+)? ?(ns|µs|ms|s)\b", "TIEMPO"),
            (r"\b\d+([.,]\d+)? ?(B|[kKMG]i?B)\b", "TAMAÑO"),
            (r":(3[2-9]\d{3}|[45]\d{4}|6[0-5]\d{3})\b", ":PUERTO"),
            (r"\b172\.\d+\.\d+\.\d+\b|\b192\.168\.\d+\.\d+\b", "IP"),
            (r"\s+", " "),
        ]
        .into_iter()
        .map(|(pattern, name)| (Regex::new(pattern).unwrap(), name))
        .collect()
    });
    let indent: String = line.chars().take_while(|c| *c == ' ').collect();
    let mut line = line.trim().to_owned();
    for (pattern, name) in NEVER_TWICE.iter() {
        line = pattern.replace_all(&line, *name).into_owned();
    }
    if line.is_empty() {
        line
    } else {
        format!("{indent}{line}")
    }
}
