//! Patterns that their author means for every folder, and that hold for the root alone.

use super::copies;
use super::ignore_lines::read_by;
use super::secret_file;
use crate::rules::Out;
use crate::submission::Reading;
use crate::submission::dockerignore::Dockerignore;
use crate::submission::location::Location;
use crate::verdict::Level;

/// What nobody means for the root alone.
fn is_meant_everywhere(pattern: &str) -> bool {
    const NAMES: [&str; 16] = [
        "__pycache__",
        ".DS_Store",
        ".coverage",
        ".git",
        ".idea",
        ".ipynb_checkpoints",
        ".mypy_cache",
        ".pytest_cache",
        ".python-version",
        ".ruff_cache",
        ".venv",
        ".vscode",
        "Thumbs.db",
        "credentials.json",
        "id_rsa",
        "node_modules",
    ];
    const ENDS: [&str; 18] = [
        "*.bak",
        "*.egg-info",
        "*.key",
        "*.log",
        "*.md",
        "*.p12",
        "*.pem",
        "*.pyc",
        "*.pyd",
        "*.pyo",
        "*.py[cod]",
        "*.py[co]",
        "*.swo",
        "*.swp",
        "*.temp",
        "*.tmp",
        "*$py.class",
        "*~",
    ];
    NAMES.contains(&pattern) || ENDS.contains(&pattern) || pattern.starts_with(".env")
}

pub(super) fn check(reading: &Reading, out: &mut Out<'_>) {
    for (file, _, lines) in read_by(reading) {
        for line in lines.iter().filter(|line| !line.exception) {
            let pattern = line.pattern.trim_start_matches("./").trim_end_matches('/');
            let Some(Ok(deep)) =
                is_meant_everywhere(pattern).then(|| Dockerignore::parse(&format!("**/{pattern}")))
            else {
                continue;
            };
            let Some((at, name)) = deeper(reading, file, &deep) else {
                continue;
            };
            let finding = out.at(
                line.location(file),
                format!(
                    "`{}` solo mira la raíz: `{name}` entra en la imagen",
                    line.written
                ),
            );
            finding.help(format!("escribe `**/{pattern}`"));
            // The first line of a secret is not for the terminal.
            if secret_file::of(&reading.snapshot, &at).is_none() {
                finding.related(Location::line(at, 1), "este entra");
            }
            finding.end = Some(line.end());
            finding.patch(line.location(file), line.end(), format!("**/{pattern}"));
            if pattern == "*.md" {
                finding.level(Level::Note);
            }
        }
    }
}

/// A file below the root that `deep` would leave out, that no line of `file` speaks of, and that is copied: its path
/// in the snapshot, and in the context.
fn deeper(reading: &Reading, file: &str, deep: &Dockerignore) -> Option<(String, String)> {
    let builds = copies::builds(reading)
        .into_iter()
        .filter(|build| build.ignore.as_ref().and_then(Dockerignore::file) == Some(file));
    for build in builds {
        let ignore = build.ignore.as_ref()?;
        for copied in copies::of_build(reading, build) {
            if !copied.is_kept() {
                continue;
            }
            for source in copied.sources() {
                let found = copied
                    .brings(reading, &source)
                    .find(|path| deep.decide(path).ignored && ignore.decide(path).line.is_none());
                if let Some(path) = found {
                    return Some((copied.in_snapshot(path), path.to_owned()));
                }
            }
        }
    }
    None
}
