//! The compose projects of a folder, each as far as it can be known without whoever starts it.

use std::collections::{BTreeMap, BTreeSet};

use super::names::FileKind;
use super::parent;
use crate::submission::compose::{self, ComposeError, Loaded, Request};
use crate::submission::location::Location;
use crate::submission::snapshot::{Entry, Snapshot};

/// A compose project: one or more files that hold together.
pub struct ProjectRead {
    /// The compose files, in order of precedence.
    pub files: Vec<String>,
    /// What they say; nothing when Compose would stop.
    pub loaded: Option<Loaded>,
    /// Why Compose would stop.
    pub errors: Vec<ComposeError>,
    /// Where reading ended, when it is only unknown values that Compose would not take.
    pub unread: Option<Location>,
    /// Files and lines on which a variable had to be taken for something: only whoever starts the project knows it.
    pub assumed: BTreeSet<(String, usize)>,
}

/// The compose projects: of each folder the one that `docker compose` finds, and every other compose file in it,
/// alone or, where it holds only so, laid over that one.
pub(super) fn of(snapshot: &Snapshot) -> Vec<ProjectRead> {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, entry) in snapshot.entries() {
        if matches!(entry, Entry::File { .. }) && snapshot.kind(path) == Some(FileKind::Compose) {
            folders.entry(parent(path)).or_default().push(path);
        }
    }
    let mut projects = Vec::new();
    for (folder, paths) in folders {
        let found = compose::found_in(snapshot, folder);
        let others = paths
            .into_iter()
            .filter(|path| !found.iter().any(|file| file == path));
        let others: Vec<String> = others.map(str::to_owned).collect();
        if !found.is_empty() {
            projects.push(load(snapshot, folder, found.clone()));
        }
        for other in others {
            let alone = load(snapshot, folder, vec![other.clone()]);
            if alone.loaded.is_some() || found.is_empty() {
                projects.push(alone);
                continue;
            }
            let mut files = found.clone();
            files.push(other.clone());
            let over = load(snapshot, folder, files);
            // What the files below it say is told once, with those files.
            let own = |error: &ComposeError| error.location().is_some_and(|at| at.file == other);
            if over.loaded.is_some() || !over.errors.iter().any(own) {
                projects.push(over);
            } else {
                projects.push(alone);
            }
        }
    }
    projects
}

fn load(snapshot: &Snapshot, folder: &str, files: Vec<String>) -> ProjectRead {
    let dotenv = match folder {
        "" => ".env".to_owned(),
        folder => format!("{folder}/.env"),
    };
    let env_files: Vec<String> = snapshot.file(&dotenv).map(|_| dotenv).into_iter().collect();
    let defined = env_files
        .iter()
        .filter_map(|path| std::str::from_utf8(snapshot.file(path)?).ok())
        .flat_map(assigned);
    let defined: BTreeSet<&str> = defined.collect();
    let mut shell = BTreeMap::new();
    let mut assumed = BTreeSet::new();
    let mut tries = 0;
    loop {
        let request = Request {
            snapshot,
            shell: &shell,
            files: &files,
            env_files: &env_files,
            profiles: &["*".to_owned()],
            project: "proyecto",
        };
        let mut errors = match compose::load(&request) {
            Ok(mut loaded) => {
                for variable in loaded.iter_mut().flat_map(|loaded| &mut loaded.variables) {
                    if shell.contains_key(&variable.name) {
                        variable.found = None;
                    }
                }
                return ProjectRead {
                    files,
                    loaded,
                    errors: Vec::new(),
                    unread: None,
                    assumed,
                };
            }
            Err(_) => compose::faults(&request),
        };
        let mut changed = false;
        for at in errors.iter().filter_map(ComposeError::location) {
            for name in unknown(line_of(snapshot, at), &defined) {
                assumed.insert((at.file.to_string(), at.line));
                let next = match shell.get(&name) {
                    None => Some(ASSUMED[0]),
                    Some(tried) => {
                        let at = ASSUMED.iter().position(|value| value == tried);
                        at.and_then(|at| ASSUMED.get(at + 1)).copied()
                    }
                };
                if let Some(value) = next {
                    shell.insert(name, value.to_owned());
                    changed = true;
                }
            }
        }
        tries += 1;
        if !changed || tries == MOST_TRIES {
            let first = errors.first().and_then(ComposeError::location).cloned();
            errors.retain(|error| {
                let place = error.location().map(|at| (at.file.to_string(), at.line));
                place.is_none_or(|place| !assumed.contains(&place))
            });
            return ProjectRead {
                files,
                loaded: None,
                unread: first.filter(|_| errors.is_empty()),
                errors,
                assumed,
            };
        }
    }
}

/// What stands for a variable that whoever starts the project may define, one after the other until Compose takes it:
/// a port, tag or number, a path, a name, a duration, a size, a switch.
const ASSUMED: [&str; 6] = ["1", "./x", "x", "1s", "64m", "true"];
/// Readings of one project at most.
const MOST_TRIES: usize = 24;

/// The text of the line of a place.
fn line_of<'s>(snapshot: &'s Snapshot, at: &Location) -> &'s str {
    let bytes = snapshot
        .file(&at.file)
        .map(AsRef::as_ref)
        .unwrap_or_default();
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    text.lines().nth(at.line - 1).unwrap_or_default()
}

/// The names that a file of variables gives a value, as far as that can be told from each line alone.
fn assigned(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| {
        let (name, _) = line.split_once(['=', ':'])?;
        let name = name.trim();
        Some(name.strip_prefix("export ").unwrap_or(name).trim())
    })
}

/// The variables that `line` names without a default and that are not `defined`: only whoever starts the project
/// knows their values.
fn unknown(line: &str, defined: &BTreeSet<&str>) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = line;
    while let Some((_, after)) = rest.split_once('$') {
        let braces = after.strip_prefix('{');
        let start = braces.unwrap_or(after);
        let end = start
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(start.len());
        let (name, tail) = start.split_at(end);
        let bare = braces.is_none()
            || tail.starts_with('}')
            || tail.starts_with('?')
            || tail.starts_with(":?");
        if bare && !name.is_empty() && !defined.contains(name) {
            names.push(name.to_owned());
        }
        // `$$` is a dollar and no variable.
        rest = after.strip_prefix('$').unwrap_or(tail);
    }
    names
}
