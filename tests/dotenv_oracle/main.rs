//! `.env` and `env_file` against Docker Compose itself: `tests/oracles.sh` gets it and runs these tests.
//!
//! The same text is read as an `env_file`, whose variables `docker compose config` shows, and as `.env`, whose
//! variables are put into a service's `environment`.

mod cases;
mod projects;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;
use std::thread;

use cases::{WRITTEN, generated};
use muelle::submission::Snapshot;
use muelle::submission::compose::{Request, load};
use projects::PROJECTS;

/// Generated texts.
const GENERATED: u64 = 300;
/// Composes at once.
const AT_ONCE: usize = 4;
/// The surroundings of both readers.
const SHELL: [(&str, &str); 2] = [("S", "de la shell"), ("E", "")];
/// Names that a `.env` may set and a compose file may use.
const NAMES: [&str; 12] = [
    "A", "B", "C", "D", "S", "E", "U", "X", "a", "PORT", "CLAVE", "A_B",
];

/// The variables of the service `s`; nothing when the project is refused.
type Environment = Option<BTreeMap<String, Option<String>>>;

struct Project {
    files: Vec<(String, String)>,
}

impl Project {
    fn env_file(text: &str) -> Self {
        let compose = "services:\n  s:\n    image: x\n    env_file: a.env\n";
        Self::of(&[("compose.yaml", compose), ("a.env", text)])
    }

    fn dot_env(text: &str) -> Self {
        let mut compose = "services:\n  s:\n    image: x\n    environment:\n".to_owned();
        for name in NAMES {
            compose += &format!("      {name}: \"<${{{name}-ninguna}}>\"\n");
        }
        Self::of(&[("compose.yaml", &compose), (".env", text)])
    }

    fn of(files: &[(&str, &str)]) -> Self {
        let owned = |(path, text): &(&str, &str)| ((*path).to_owned(), (*text).to_owned());
        Self {
            files: files.iter().map(owned).collect(),
        }
    }

    fn ours(&self) -> Environment {
        let mut snapshot = Snapshot::default();
        for (path, text) in &self.files {
            snapshot.insert(path, text.clone(), false);
        }
        let shell = SHELL.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let request = Request {
            snapshot: &snapshot,
            shell: &BTreeMap::from(shell),
            files: &[],
            env_files: &[],
            profiles: &[],
            project: "p",
        };
        let loaded = load(&request).ok()?.expect("there is a compose file");
        let service = &loaded.project.services["s"];
        let variable = service.environment.iter();
        Some(
            variable
                .map(|(name, it)| (name.clone(), it.value.clone()))
                .collect(),
        )
    }

    /// What Compose shows, with its `$$` undone.
    fn theirs(&self) -> Environment {
        let compose = std::env::var_os("MUELLE_COMPOSE")
            .map(PathBuf::from)
            .expect("MUELLE_COMPOSE is the path of docker-compose: run tests/oracles.sh");
        let folder = tempfile::tempdir().expect("a folder");
        for (path, text) in &self.files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
            fs::write(path, text).expect("a file");
        }
        let output = Command::new(&compose)
            .args(["-p", "p", "config", "--format", "json"])
            .current_dir(folder.path())
            .env_clear()
            .envs(SHELL)
            .output()
            .unwrap_or_else(|error| panic!("cannot run {}: {error}", compose.display()));
        if !output.status.success() {
            return None;
        }
        let shown: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let environment = shown["services"]["s"]["environment"].as_object();
        let variable = |(name, value): (&String, &serde_json::Value)| {
            let text = value.as_str().map(|text| text.replace("$$", "$"));
            (name.clone(), text)
        };
        Some(environment.into_iter().flatten().map(variable).collect())
    }
}

/// Why a difference is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// A bare `A` at the very end of the file is to Compose the value of a variable without name.
    BareAtTheEnd,
    /// A line that starts with `=` is to Compose a variable without name, which no engine takes.
    NoName,
}

/// What explains the difference; nothing when there is none, `Err` when nothing does.
fn explain(
    project: &Project,
    ours: &Environment,
    theirs: &Environment,
) -> Result<Option<Reason>, ()> {
    if ours == theirs {
        return Ok(None);
    }
    let texts = || {
        project
            .files
            .iter()
            .filter(|(path, _)| path.ends_with(".env"))
    };
    let theirs_has_no_name = texts().count() == 1;
    match (ours, theirs) {
        (None, Some(_))
            if theirs_has_no_name && texts().all(|(_, text)| starts_without_name(text)) =>
        {
            Ok(Some(Reason::NoName))
        }
        (ours, Some(theirs)) if texts().all(|(_, text)| ends_bare(text)) => {
            // Everything but that last name must be the same.
            let (_, last) = last_line(&project.files.last().expect("a file").1);
            let known = |environment: &BTreeMap<String, Option<String>>| {
                let mut known = environment.clone();
                known.remove("");
                known.remove(last);
                known
            };
            let same = match ours {
                Some(ours) => known(ours) == known(theirs),
                None => last.contains(' '),
            };
            same.then_some(Some(Reason::BareAtTheEnd)).ok_or(())
        }
        _ => Err(()),
    }
}

/// Whether a statement, which may also begin behind a closing quote, begins with what ends a name.
fn starts_without_name(text: &str) -> bool {
    text.split(['\n', '\r', '\'', '"'])
        .any(|rest| rest.trim_start().starts_with(['=', ':']))
}

/// The last line without `export`, and what is before it.
fn last_line(text: &str) -> (&str, &str) {
    let (before, last) = text.rsplit_once('\n').unwrap_or(("", text));
    let last = last.trim();
    (before, last.strip_prefix("export ").unwrap_or(last).trim())
}

fn ends_bare(text: &str) -> bool {
    let (_, last) = last_line(text);
    !last.is_empty() && !last.contains(['=', ':'])
}

fn compare(name: &str, projects: &[Project]) {
    let next = Mutex::new(projects.iter());
    let reasons = Mutex::new(Vec::new());
    let faults = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(project) = next.lock().expect("a lock").next() else {
                        break;
                    };
                    let (ours, theirs) = (project.ours(), project.theirs());
                    match explain(project, &ours, &theirs) {
                        Ok(reason) => reasons.lock().expect("a lock").extend(reason),
                        Err(()) => {
                            let files = &project.files;
                            let fault =
                                format!("{files:?}\n  ours   {ours:?}\n  theirs {theirs:?}");
                            faults.lock().expect("a lock").push(fault);
                        }
                    }
                }
            });
        }
    });
    let reasons = reasons.into_inner().expect("a lock");
    let faults = faults.into_inner().expect("a lock");
    let count = |reason| reasons.iter().filter(|it| **it == reason).count();
    println!(
        "{name}: {} cases, {} equal, {} explained (bare name at the end: {}, no name: {}), {} unexplained",
        projects.len(),
        projects.len() - reasons.len() - faults.len(),
        reasons.len(),
        count(Reason::BareAtTheEnd),
        count(Reason::NoName),
        faults.len(),
    );
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

fn texts() -> Vec<String> {
    let written = WRITTEN.iter().map(|text| (*text).to_owned());
    let texts: Vec<String> = written.chain((0..GENERATED).map(generated)).collect();
    assert!(texts.iter().collect::<BTreeSet<_>>().len() > 500);
    texts
}

#[test]
#[ignore = "needs docker-compose from tests/oracles.sh"]
fn an_env_file_is_what_compose_reads() {
    let projects: Vec<_> = texts().iter().map(|text| Project::env_file(text)).collect();
    compare("env_file", &projects);
}

#[test]
#[ignore = "needs docker-compose from tests/oracles.sh"]
fn a_dot_env_is_what_compose_reads() {
    let projects: Vec<_> = texts().iter().map(|text| Project::dot_env(text)).collect();
    compare(".env", &projects);
}

#[test]
#[ignore = "needs docker-compose from tests/oracles.sh"]
fn of_several_files_those_win_that_win_in_compose() {
    let projects: Vec<_> = PROJECTS.iter().map(|files| Project::of(files)).collect();
    compare("projects", &projects);
}
