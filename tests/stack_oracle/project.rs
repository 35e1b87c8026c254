//! The projects and what is done with them.

use std::fmt;
use std::path::{Path, PathBuf};

/// A folder of `projects`.
pub struct Project {
    pub name: String,
    pub dir: PathBuf,
    /// `files A B`: as `-f A -f B`.
    pub files: Vec<String>,
    /// `profiles A B`.
    pub profiles: Vec<String>,
    /// `env-file A`.
    pub env_files: Vec<String>,
    /// `shell NAME=value`.
    pub shell: Vec<(String, String)>,
    pub steps: Vec<Step>,
}

/// One command of Compose: `up -d` with services, `--no-deps` or `--scale`; `scale`, `stop`, `restart`, `down`, `down -v`,
/// `run`, `exec` and `logs`.
pub struct Step {
    pub words: Vec<String>,
    pub end: End,
}

/// How a step must end, by the word in front of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Nothing in front: well, on both sides.
    Well,
    /// `fails`: badly on both sides, for the same reason.
    Badly,
    /// `apart`: well or badly on both sides, but what is left behind differs for a reason that the README names.
    Apart,
    /// `refused`: we do not carry it out.
    Refused,
}

impl Step {
    pub fn command(&self) -> &str {
        &self.words[0]
    }

    pub fn rest(&self) -> Vec<&str> {
        self.words[1..].iter().map(String::as_str).collect()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.words.join(" "))
    }
}

/// All projects, by name.
pub fn all() -> Vec<Project> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/stack_oracle/projects");
    let folders = std::fs::read_dir(root).unwrap();
    let mut projects: Vec<_> = folders
        .map(|folder| read(&folder.unwrap().path()))
        .collect();
    projects.sort_by(|a, b| a.name.cmp(&b.name));
    projects
}

fn read(dir: &Path) -> Project {
    let mut project = Project {
        name: dir.file_name().unwrap().to_string_lossy().into_owned(),
        dir: dir.to_owned(),
        files: Vec::new(),
        profiles: Vec::new(),
        env_files: Vec::new(),
        shell: Vec::new(),
        steps: Vec::new(),
    };
    let steps = std::fs::read_to_string(dir.join("steps")).unwrap_or_else(|_| "up".to_owned());
    for line in steps
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        let words = || rest.split(' ').map(str::to_owned);
        match first {
            "files" => project.files.extend(words()),
            "profiles" => project.profiles.extend(words()),
            "env-file" => project.env_files.extend(words()),
            "shell" => {
                let (name, value) = rest.split_once('=').unwrap();
                project.shell.push((name.to_owned(), value.to_owned()));
            }
            "fails" => project.steps.push(step(rest, End::Badly)),
            "apart" => project.steps.push(step(rest, End::Apart)),
            "refused" => project.steps.push(step(rest, End::Refused)),
            _ => project.steps.push(step(line, End::Well)),
        }
    }
    project
}

/// Words are apart at blanks; what stands behind `sh -c` is one word.
fn step(line: &str, end: End) -> Step {
    let words = match line.split_once(" sh -c ") {
        Some((first, script)) => {
            let words = first.split(' ').chain(["sh", "-c"]);
            words
                .map(str::to_owned)
                .chain([script.to_owned()])
                .collect()
        }
        None => line.split(' ').map(str::to_owned).collect(),
    };
    Step { words, end }
}

/// Copies a project into a folder of its own.
pub fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir_all(&target).unwrap();
            copy(&entry.path(), &target);
        } else if entry.file_name() != "steps" {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}
