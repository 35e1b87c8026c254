//! `.dockerignore`: which files of a context never reach the builder.
//!
//! The rules are those of Docker's own client (moby's `patternmatcher` and `ignorefile`), which differ from
//! git's: `*.pyc` looks only at the context's root, `!src` brings back what `*` left out, `[!a]` is no negation.
//! The engine does not apply the file to an uploaded context, so what is decided here is what holds.

mod expression;
mod pattern;

use super::location::Location;
use super::snapshot::Snapshot;
use pattern::Pattern;

/// Characters of all patterns at most: each is tried on every file.
const MOST_CHARACTERS: usize = 20_000;

/// Steps at most that all patterns take on all paths of a context: some seconds. A real file of thirty patterns takes
/// a tenth of this on the largest snapshot.
const MOST_STEPS: usize = 5_000_000_000;

/// A `.dockerignore`, ready to decide.
#[derive(Clone, Debug, Default)]
pub struct Dockerignore {
    file: Option<String>,
    lines: Vec<Line>,
}

#[derive(Clone, Debug)]
struct Line {
    number: usize,
    exception: bool,
    pattern: Pattern,
}

/// What becomes of one path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// Whether it stays out of the context.
    pub ignored: bool,
    /// The line that decided, from 1; nothing when no line matches.
    pub line: Option<usize>,
}

/// A `.dockerignore` that stops the build.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {message}")]
pub struct DockerignoreError {
    /// In Spanish, with the way out.
    pub message: String,
    /// The line at fault.
    pub location: Location,
}

impl Dockerignore {
    /// Reads the text of a `.dockerignore`.
    ///
    /// # Errors
    /// A pattern that Docker refuses, with its line.
    pub fn parse(text: &str) -> Result<Self, DockerignoreError> {
        Self::parse_file(text, ".dockerignore")
    }

    /// Reads the text of `file`.
    ///
    /// # Errors
    /// A pattern that Docker refuses, with its line.
    pub fn parse_file(text: &str, file: &str) -> Result<Self, DockerignoreError> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut lines = Vec::new();
        let mut cost = 0;
        for (index, line) in text.lines().enumerate() {
            let number = index + 1;
            let refuse = |message| DockerignoreError {
                message,
                location: Location::line(file, number),
            };
            // Only a `#` in the first column makes a comment.
            let written = line.trim();
            if line.starts_with('#') || written.is_empty() {
                continue;
            }
            let (exception, path) = understood(written);
            if exception && path.is_empty() {
                return Err(refuse(
                    "`!` está solo: escribe detrás la ruta que quieres recuperar, por ejemplo `!requirements.txt`"
                        .to_owned(),
                ));
            }
            let pattern = Pattern::new(&path).ok_or_else(|| refuse(why_broken(written)))?;
            cost += pattern.cost();
            if cost > MOST_CHARACTERS {
                return Err(refuse(format!(
                    "el archivo tiene más de {MOST_CHARACTERS} caracteres de patrones: ignora carpetas enteras en vez de archivo por archivo"
                )));
            }
            lines.push(Line {
                number,
                exception,
                pattern,
            });
        }
        Ok(Self {
            file: Some(file.to_owned()),
            lines,
        })
    }

    /// The file that holds for a build: the one named after the Dockerfile (`api.Dockerfile.dockerignore`, beside
    /// it) or else the `.dockerignore` at the context's root; one that ignores nothing when there is none.
    /// So does BuildKit, also when the one beside is empty; the classic builder only ever reads the `.dockerignore`.
    /// `context` and `dockerfile` are paths inside the snapshot; an empty or `.` context is its root.
    ///
    /// # Errors
    /// A pattern that Docker refuses, with its file and line.
    pub fn for_build(
        snapshot: &Snapshot,
        context: &str,
        dockerfile: &str,
    ) -> Result<Self, DockerignoreError> {
        let context = root(context);
        let beside = clean(&format!("{dockerfile}.dockerignore"));
        let at_root = if context.is_empty() {
            ".dockerignore".to_owned()
        } else {
            format!("{context}/.dockerignore")
        };
        for path in [beside, at_root] {
            if let Some(bytes) = snapshot.file(&path) {
                let ignore = Self::parse_file(&String::from_utf8_lossy(bytes), &path)?;
                if ignore.steps(snapshot) > MOST_STEPS {
                    return Err(DockerignoreError {
                        message: "el archivo tiene demasiados patrones para tantos archivos: ignora carpetas enteras en vez de archivo por archivo".to_owned(),
                        location: Location::line(path, 1),
                    });
                }
                return Ok(ignore);
            }
        }
        Ok(Self::default())
    }

    /// How much work it is to decide on everything in `snapshot`.
    fn steps(&self, snapshot: &Snapshot) -> usize {
        let patterns: usize = self.lines.iter().map(|line| line.pattern.cost()).sum();
        let characters: usize = snapshot
            .entries()
            .map(|(path, _)| path.len() * (1 + path.matches('/').count()))
            .sum();
        patterns.saturating_mul(characters)
    }

    /// The path of the file it was read from; nothing when there is none.
    pub fn file(&self) -> Option<&str> {
        self.file.as_deref()
    }

    /// What becomes of `path` (relative to the context): the last line that changes its fate decides,
    /// and a line that matches a folder holds for all below it.
    ///
    /// Docker tries a line on a folder only where it would change the folder's fate, and what was not tried does not
    /// hold below: `d/c` and then `!d` leaves `d/c` out, and a second `d` behind `!d/c` does not take it away again.
    pub fn decide(&self, path: &str) -> Decision {
        let mut holds = vec![false; self.lines.len()];
        let mut decision = Decision::default();
        let ends = path.match_indices('/').map(|(end, _)| end);
        for end in ends.chain([path.len()]) {
            decision = Decision::default();
            for (line, holds) in self.lines.iter().zip(&mut holds) {
                let changes = line.exception == decision.ignored;
                *holds |= changes && line.pattern.matches(&path[..end]);
                if changes && *holds {
                    decision = Decision {
                        ignored: !line.exception,
                        line: Some(line.number),
                    };
                }
            }
        }
        decision
    }
}

/// Whether a line is an exception, and its pattern, cleaned as Docker cleans it: the `!` is looked for before and
/// after, so that `/!x` is an exception as well.
fn understood(written: &str) -> (bool, String) {
    let (mark, path) = match written.strip_prefix('!') {
        Some(rest) => ("!", rest.trim()),
        None => ("", written),
    };
    let cleaned = if path.is_empty() {
        String::new()
    } else {
        clean(path)
    };
    let relative = match cleaned.strip_prefix('/') {
        Some(rest) if !rest.is_empty() => rest,
        _ => cleaned.as_str(),
    };
    let pattern = clean(format!("{mark}{relative}").trim());
    match pattern.strip_prefix('!') {
        Some(rest) => (true, rest.to_owned()),
        None => (false, pattern),
    }
}

fn why_broken(written: &str) -> String {
    if written.contains('\\') && !written.ends_with('\\') {
        return format!(
            "el patrón `{written}` no es válido: aquí las carpetas se separan con `/`, y no con `\\`: escribe `{}`",
            written.replace('\\', "/")
        );
    }
    format!(
        "el patrón `{written}` no es válido: un `[` necesita su `]` con algo dentro, y una `\\` no puede ir al final"
    )
}

/// The build context of `context_dir`: what is below it, without what is ignored.
///
/// The Dockerfile and the `.dockerignore` are filtered as any other file; the builder gets its Dockerfile apart.
pub fn context(snapshot: &Snapshot, context_dir: &str, ignore: &Dockerignore) -> Snapshot {
    snapshot.below(root(context_dir), |path| !ignore.decide(path).ignored)
}

fn root(context: &str) -> &str {
    let context = context
        .strip_prefix("./")
        .unwrap_or(context)
        .trim_end_matches('/');
    if context == "." { "" } else { context }
}

/// Go's `path.Clean`: no `.`, no doubled `/`, and `x/..` is nothing.
pub(crate) fn clean(path: &str) -> String {
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if absolute => {}
            _ => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (absolute, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests;
