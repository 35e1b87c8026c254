//! What tools leave in a folder and no image needs.

use super::copies::{self, Source};
use super::wording::listed;
use crate::rules::Out;
use crate::submission::Reading;
use crate::submission::snapshot::Entry;

/// What a tool makes in the folder, with what stands for all that is in it.
const CLUTTER: [(&str, &str); 11] = [
    (".git", "HEAD"),
    (".venv", "pyvenv.cfg"),
    ("venv", "pyvenv.cfg"),
    ("node_modules", "x"),
    ("__pycache__", "x.pyc"),
    (".pytest_cache", "x"),
    (".mypy_cache", "x"),
    (".ruff_cache", "x"),
    (".ipynb_checkpoints", "x"),
    (".idea", "x"),
    (".vscode", "x"),
];

pub(super) fn check(reading: &Reading, out: &mut Out<'_>) {
    for copied in copies::all(reading) {
        // Without a `.dockerignore` another rule speaks of it.
        let Some(ignore) = copied.build.ignore.as_ref().filter(|i| i.file().is_some()) else {
            continue;
        };
        let excludes = copied.instruction.flag("exclude").is_some();
        if !copied.is_kept() || excludes {
            continue;
        }
        for source in copied.sources().into_iter().filter(Source::is_broad) {
            let root = copied.in_snapshot("");
            let found: Vec<String> = reading
                .snapshot
                .entries()
                .filter(|(_, entry)| matches!(entry, Entry::Dir))
                .filter_map(|(path, _)| {
                    let path = if root.is_empty() {
                        path
                    } else {
                        path.strip_prefix(&root)?.strip_prefix('/')?
                    };
                    let (above, name) = path.rsplit_once('/').map_or(("", path), |parts| parts);
                    let (_, inside) = CLUTTER.iter().find(|(clutter, _)| *clutter == name)?;
                    let inner = above
                        .split('/')
                        .any(|part| CLUTTER.iter().any(|(c, _)| *c == part));
                    let sent = !ignore.decide(&format!("{path}/{inside}")).ignored;
                    (sent && !inner).then(|| path.to_owned())
                })
                .collect();
            if found.is_empty() {
                continue;
            }
            let list = listed(found.iter().map(String::as_str));
            let finding = out.span(
                copied.dockerfile,
                source.word.span,
                format!(
                    "`{} {}` mete en la imagen {list}",
                    copied.instruction.keyword, source.word.written
                ),
            );
            if let Some(file) = ignore.file() {
                let lines: Vec<String> = found
                    .iter()
                    .map(|path| path.rsplit('/').next().unwrap_or(path))
                    .collect::<std::collections::BTreeSet<_>>()
                    .into_iter()
                    .map(|name| format!("`**/{name}`"))
                    .collect();
                finding.help(format!("añade a `{file}` {}", lines.join(", ")));
            }
        }
    }
}
