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
                return Self::parse_file(&String::from_utf8_lossy(bytes), &path);
            }
        }
        Ok(Self::default())
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
mod tests {
    use super::*;

    fn ignored(text: &str, path: &str) -> bool {
        Dockerignore::parse(text).unwrap().decide(path).ignored
    }

    #[test]
    fn a_star_does_not_cross_folders() {
        assert!(ignored("*.pyc", "a.pyc"));
        assert!(!ignored("*.pyc", "app/a.pyc"));
        assert!(ignored("**/*.pyc", "a.pyc"));
        assert!(ignored("**/*.pyc", "app/x/a.pyc"));
        assert!(ignored("*/temp*", "a/temporary.txt"));
        assert!(!ignored("*/temp*", "a/b/temporary.txt"));
    }

    #[test]
    fn an_ignored_folder_takes_its_content_along() {
        assert!(ignored("secretos", "secretos/a/b.txt"));
        assert!(ignored("secretos/", "secretos/b.txt"));
        assert!(ignored("/secretos", "secretos/b.txt"));
        assert!(!ignored("secretos", "app/secretos/b.txt"));
        assert!(ignored("a/*/c", "a/b/c/d"));
    }

    #[test]
    fn the_last_line_that_matches_decides_and_is_named() {
        let ignore = Dockerignore::parse("*\n!src\nsrc/tests\n").unwrap();
        let decide = |path| {
            let Decision { ignored, line } = ignore.decide(path);
            (ignored, line)
        };
        assert_eq!(decide("README.md"), (true, Some(1)));
        assert_eq!(decide("src/a.py"), (false, Some(2)));
        assert_eq!(decide("src/tests/t.py"), (true, Some(3)));
        assert_eq!(Dockerignore::parse("").unwrap().decide("a").line, None);
    }

    #[test]
    fn an_exception_brings_back_only_what_was_ignored() {
        assert!(ignored("!keep.md\n*.md", "keep.md"));
        assert!(!ignored("*.md\n!keep.md", "keep.md"));
        assert!(!ignored("*.md\n! keep.md", "keep.md"));
        assert!(ignored(
            "*.md\n!README*.md\nREADME-secret.md",
            "README-secret.md"
        ));
    }

    #[test]
    fn blanks_around_a_pattern_are_dropped_and_only_a_first_column_hash_comments() {
        assert!(ignored("  .env  ", ".env"));
        assert!(!ignored("# .env", "# .env"));
        assert!(ignored(" # .env", "# .env"));
        assert!(!ignored(".env # no", ".env"));
    }

    #[test]
    fn a_byte_order_mark_and_windows_line_ends_are_no_part_of_a_pattern() {
        assert!(ignored("\u{feff}.env\r\ndata\r\n", ".env"));
        assert!(ignored("\u{feff}.env\r\ndata\r\n", "data/x"));
    }

    #[test]
    fn paths_are_cleaned_before_matching() {
        assert!(ignored("./.env", ".env"));
        assert!(ignored("foo/../.env", ".env"));
        assert!(ignored("a//b/", "a/b"));
        assert!(!ignored("../.env", ".env"));
        assert!(!ignored(".", "a"));
        assert!(!ignored("/", "a"));
    }

    #[test]
    fn classes_negate_with_a_caret_and_braces_are_literal() {
        assert!(ignored("[^a].txt", "b.txt"));
        assert!(!ignored("[^a].txt", "a.txt"));
        assert!(ignored("[!a].txt", "a.txt"));
        assert!(ignored("[!a].txt", "!.txt"));
        assert!(!ignored("[!a].txt", "b.txt"));
        assert!(ignored("[a-c]?.txt", "bz.txt"));
        assert!(!ignored("{a,b}.txt", "a.txt"));
        assert!(ignored("{a,b}.txt", "{a,b}.txt"));
        assert!(ignored("a.b", "a.b"));
        assert!(!ignored("?.b", "axb"));
    }

    #[test]
    fn two_stars_stand_for_any_number_of_folders() {
        assert!(ignored("**", "a/b"));
        assert!(ignored("**/__pycache__", "__pycache__/x.pyc"));
        assert!(ignored("**/__pycache__", "a/b/__pycache__/x.pyc"));
        assert!(ignored("a/**/b", "a/b"));
        assert!(ignored("a/**/b", "a/x/y/b"));
        assert!(!ignored("a/**/b", "a/x/y/c"));
        assert!(ignored("a/**", "a/x"));
        assert!(!ignored("a/**", "a"));
        assert!(ignored("**/foo/**", "x/foo/y"));
        assert!(ignored("**.env", "prod.env"));
        assert!(ignored("**/.env*", "x/.env.local"));
    }

    #[test]
    fn a_backslash_takes_the_next_character_literally() {
        assert!(ignored(r"\*.txt", "*.txt"));
        assert!(!ignored(r"\*.txt", "a.txt"));
        assert!(ignored(r"\#a", "#a"));
        assert!(ignored(r"\!a", "!a"));
    }

    #[test]
    fn a_broken_pattern_is_an_error_with_its_line() {
        let error = |text: &str| Dockerignore::parse(text).unwrap_err().to_string();
        assert_eq!(
            error("a\n[abc\n"),
            ".dockerignore:2: el patrón `[abc` no es válido: un `[` necesita su `]` con algo dentro, y una `\\` no puede ir al final"
        );
        assert_eq!(
            error("!\n"),
            ".dockerignore:1: `!` está solo: escribe detrás la ruta que quieres recuperar, por ejemplo `!requirements.txt`"
        );
        assert!(Dockerignore::parse("a\\").is_err());
        assert!(Dockerignore::parse("[]a]").is_err());
        assert!(Dockerignore::parse("x[-a]").is_err());
        assert!(Dockerignore::parse("[a-]").is_err());
    }

    #[test]
    fn hostile_patterns_end_quickly() {
        let text = "*a".repeat(400) + "b";
        assert!(!ignored(&text, &"a".repeat(2_000)));
    }

    #[test]
    fn the_file_named_after_the_dockerfile_wins() {
        let mut files = Snapshot::default();
        files.insert("api/.dockerignore", "a\n", false);
        files.insert("api/dev.Dockerfile.dockerignore", "b\n", false);
        let dev = Dockerignore::for_build(&files, "./api", "api/dev.Dockerfile").unwrap();
        assert_eq!(dev.file(), Some("api/dev.Dockerfile.dockerignore"));
        assert!(dev.decide("b").ignored && !dev.decide("a").ignored);
        let plain = Dockerignore::for_build(&files, "api", "api/Dockerfile").unwrap();
        assert_eq!(plain.file(), Some("api/.dockerignore"));
        assert_eq!(
            Dockerignore::for_build(&files, ".", "Dockerfile")
                .unwrap()
                .file(),
            None
        );
    }

    #[test]
    fn the_context_is_what_is_not_ignored_below_its_folder() {
        let mut files = Snapshot::default();
        for path in [
            "otro.txt",
            "api/.env",
            "api/Dockerfile",
            "api/data/big.bin",
            "api/data/keep.csv",
            "api/vacio/x",
        ] {
            files.insert(path, path.to_owned(), false);
        }
        let ignore = Dockerignore::parse("data\n!data/keep.csv\n.env\nvacio").unwrap();
        let context = context(&files, "api", &ignore);
        let paths: Vec<&str> = context.entries().map(|(path, _)| path).collect();
        assert_eq!(paths, ["Dockerfile", "data", "data/keep.csv"]);
    }
}
