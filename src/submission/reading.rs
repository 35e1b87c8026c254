//! Everything that reading alone gives of a folder: its Dockerfiles, compose projects and contexts, side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use super::compose::{self, ComposeError, Loaded, Request};
use super::dockerfile::Dockerfile;
use super::dockerignore::{self, Dockerignore};
use super::location::Location;
use super::shell::{self, Script};
use super::snapshot::{Entry, Snapshot};

/// A folder, read.
pub struct Reading {
    /// Its files.
    pub snapshot: Snapshot,
    /// Every Dockerfile in it, in the order of their paths.
    pub dockerfiles: Vec<Dockerfile>,
    /// What each of their instructions runs, in the same order.
    pub scripts: Vec<Vec<Script>>,
    /// Every compose project in it.
    pub projects: Vec<ProjectRead>,
    /// How each image is made.
    pub builds: Vec<ImageBuild>,
    faults: Vec<Fault>,
    /// Where each line starts, of every file that the compose projects read.
    lines: BTreeMap<String, Vec<usize>>,
}

/// A compose project: one or more files that hold together.
pub struct ProjectRead {
    /// The compose files, in order of precedence.
    pub files: Vec<String>,
    /// What they say; nothing when Compose would stop.
    pub loaded: Option<Loaded>,
    /// Why Compose would stop.
    pub errors: Vec<ComposeError>,
    /// Files and lines on which a variable had to be taken for something: only whoever starts the project knows it.
    pub assumed: BTreeSet<(String, usize)>,
}

/// How one image is made.
pub struct ImageBuild {
    /// Its Dockerfile, as an index of [`Reading::dockerfiles`].
    pub dockerfile: usize,
    /// Its context: a folder of the snapshot, empty for the root.
    pub context: String,
    /// What of the context stays out; nothing when the file cannot be read.
    pub ignore: Option<Dockerignore>,
    /// The service that asks for it: an index of [`Reading::projects`] and its name. Nothing when no compose file
    /// does: then the context is taken to be the Dockerfile's folder, which is not certain.
    pub service: Option<(usize, String)>,
    /// The stage at which it stops, as an index of the Dockerfile's stages; nothing: the last.
    pub target: Option<usize>,
    /// What reaches the builder, decided once for all builds of the same context.
    sent: Arc<OnceLock<Vec<String>>>,
}

/// A file that is not what its name says.
pub struct Fault {
    /// What it should be.
    pub in_file: FaultIn,
    /// In Spanish.
    pub message: String,
    /// Where.
    pub location: Location,
}

/// What a file should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultIn {
    /// A Dockerfile.
    Dockerfile,
    /// A `.dockerignore`.
    Dockerignore,
    /// A compose file.
    Compose,
}

impl Reading {
    /// Reads all of `snapshot`.
    pub fn of(snapshot: Snapshot) -> Self {
        let mut reading = Self {
            projects: projects(&snapshot),
            snapshot,
            dockerfiles: Vec::new(),
            scripts: Vec::new(),
            builds: Vec::new(),
            faults: Vec::new(),
            lines: BTreeMap::new(),
        };
        reading.index_lines();
        reading.read_dockerfiles();
        reading.scripts = reading
            .dockerfiles
            .iter()
            .map(shell::of_dockerfile)
            .collect();
        reading.plan_builds();
        reading.tell_unread();
        reading
    }

    /// How many files there are to read: Dockerfiles, `.dockerignore` and compose files.
    pub fn files(&self) -> usize {
        let files = self.snapshot.entries();
        files
            .filter(|(path, entry)| !matches!(entry, Entry::Dir) && is_read(path))
            .count()
    }

    /// The faults of files that should be `what`.
    pub fn faults_in(&self, what: FaultIn) -> impl Iterator<Item = &Fault> {
        self.faults
            .iter()
            .filter(move |fault| fault.in_file == what)
    }

    /// Whether `path` is a file of variables: none of the compose files.
    pub fn is_dotenv(&self, path: &str) -> bool {
        !path.ends_with(".yml") && !path.ends_with(".yaml")
    }

    /// Every project that could be read.
    pub fn loaded(&self) -> impl Iterator<Item = &Loaded> {
        self.projects
            .iter()
            .filter_map(|project| project.loaded.as_ref())
    }

    /// The text of the file at `path`, without its byte order mark; empty when it is none.
    pub fn text(&self, path: &str) -> &str {
        text(&self.snapshot, path)
    }

    /// Every active service of every project that could be read, with its project.
    pub fn services(&self) -> impl Iterator<Item = (usize, &Loaded, &compose::Service)> {
        self.projects
            .iter()
            .enumerate()
            .filter_map(|(index, project)| Some((index, project.loaded.as_ref()?)))
            .flat_map(|(index, loaded)| {
                let services = loaded.project.services.values();
                services.map(move |service| (index, loaded, service))
            })
    }

    /// The image that a service runs, when the reading knows its Dockerfile.
    pub fn build_of(&self, project: usize, service: &str) -> Option<&ImageBuild> {
        self.builds.iter().find(|build| {
            build
                .service
                .as_ref()
                .is_some_and(|(index, name)| *index == project && name == service)
        })
    }

    /// The line of `location`, without its end; empty when no compose project reads that file or it has no such line.
    pub fn line(&self, location: &Location) -> &str {
        let text = text(&self.snapshot, &location.file);
        let starts = self
            .lines
            .get(&location.file)
            .map_or(&[][..], Vec::as_slice);
        let Some(start) = starts.get(location.line.saturating_sub(1)) else {
            return "";
        };
        text[*start..].lines().next().unwrap_or_default()
    }

    fn index_lines(&mut self) {
        let mut files: BTreeSet<String> = BTreeSet::new();
        for project in &self.projects {
            files.extend(project.files.iter().cloned());
            let Some(loaded) = &project.loaded else {
                continue;
            };
            files.extend(loaded.project.files.iter().cloned());
            files.extend(loaded.dotenv.iter().map(|(_, at)| at.file.clone()));
            let services = loaded.project.services.values();
            files.extend(services.flat_map(|s| s.env_file.iter().map(|file| file.path.clone())));
        }
        for file in files {
            let text = text(&self.snapshot, &file);
            let ends = text.match_indices('\n').map(|(end, _)| end + 1);
            let starts = std::iter::once(0).chain(ends).collect();
            self.lines.insert(file, starts);
        }
    }

    fn read_dockerfiles(&mut self) {
        let mut wanted: BTreeMap<String, BTreeMap<String, String>> = self
            .snapshot
            .entries()
            .filter(|(path, entry)| matches!(entry, Entry::File { .. }) && is_dockerfile(path))
            .map(|(path, _)| (path.to_owned(), BTreeMap::new()))
            .collect();
        for (_, _, service) in self.services() {
            let Some(build) = &service.build else {
                continue;
            };
            let path = dockerfile_of(build);
            if self.snapshot.file(&path).is_some() {
                let args = build
                    .args
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), value.value.clone()?)));
                wanted.entry(path).or_default().extend(args);
            }
        }
        for (path, args) in wanted {
            let Some(bytes) = self.snapshot.file(&path) else {
                continue;
            };
            match Dockerfile::read(&path, bytes, &args) {
                Ok(dockerfile) => self.dockerfiles.push(dockerfile),
                Err(fault) => self.faults.push(Fault {
                    in_file: FaultIn::Dockerfile,
                    message: fault.message,
                    location: fault.location,
                }),
            }
        }
    }

    fn plan_builds(&mut self) {
        let mut plans = Vec::new();
        let mut built = BTreeSet::new();
        for (project, _, service) in self.services() {
            let Some(build) = &service.build else {
                continue;
            };
            if build.dockerfile_inline.is_some() || build.context.value.starts_with("..") {
                continue;
            }
            let Some(dockerfile) = self.dockerfile_at(&dockerfile_of(build)) else {
                continue;
            };
            built.insert(dockerfile);
            let stages = &self.dockerfiles[dockerfile].stages;
            let target = build.target.as_ref().and_then(|target| {
                let name = target.value.to_lowercase();
                stages
                    .iter()
                    .position(|stage| stage.name.as_deref() == Some(&name))
                    .or_else(|| name.parse().ok().filter(|index| *index < stages.len()))
            });
            let context = folder(&build.context.value).to_owned();
            plans.push((
                dockerfile,
                context,
                Some((project, service.name.clone())),
                target,
            ));
        }
        for (index, dockerfile) in self.dockerfiles.iter().enumerate() {
            if !built.contains(&index) {
                let context = parent(&dockerfile.path).to_owned();
                plans.push((index, context, None, None));
            }
        }
        let mut seen = BTreeSet::new();
        let mut contexts: BTreeMap<_, Arc<OnceLock<Vec<String>>>> = BTreeMap::new();
        for (dockerfile, context, service, target) in plans {
            let path = self.dockerfiles[dockerfile].path.clone();
            let ignore = match Dockerignore::for_build(&self.snapshot, &context, &path) {
                Ok(ignore) => Some(ignore),
                Err(fault) => {
                    if seen.insert(fault.location.clone()) {
                        self.faults.push(Fault {
                            in_file: FaultIn::Dockerignore,
                            message: fault.message,
                            location: fault.location,
                        });
                    }
                    None
                }
            };
            let file = ignore.as_ref().and_then(Dockerignore::file);
            let sent = contexts.entry((context.clone(), file.map(str::to_owned)));
            let sent = Arc::clone(sent.or_default());
            self.builds.push(ImageBuild {
                dockerfile,
                context,
                ignore,
                service,
                target,
                sent,
            });
        }
    }

    /// Files that should have been read and were not; a `.dockerignore` that stands alone is read here.
    fn tell_unread(&mut self) {
        for (path, entry) in self.snapshot.entries() {
            let in_file = match path {
                path if is_dockerfile(path) => FaultIn::Dockerfile,
                path if is_compose(path) => FaultIn::Compose,
                path if path.ends_with(".dockerignore") => FaultIn::Dockerignore,
                _ => continue,
            };
            let fault = match entry {
                Entry::Unread => Some((
                    "no leo este archivo: pesa más de 1 MB, o no tengo permiso".to_owned(),
                    Location::line(path, 1),
                )),
                Entry::File { bytes, .. }
                    if in_file == FaultIn::Dockerignore && self.builds.is_empty() =>
                {
                    let text = String::from_utf8_lossy(bytes);
                    let read = Dockerignore::parse_file(&text, path);
                    read.err().map(|fault| (fault.message, fault.location))
                }
                _ => None,
            };
            if let Some((message, location)) = fault {
                self.faults.push(Fault {
                    in_file,
                    message,
                    location,
                });
            }
        }
    }

    fn dockerfile_at(&self, path: &str) -> Option<usize> {
        self.dockerfiles
            .iter()
            .position(|dockerfile| dockerfile.path == path)
    }
}

impl ImageBuild {
    /// The path, inside the context, of every file that reaches the builder.
    pub fn sent<'r>(&'r self, reading: &'r Reading) -> impl Iterator<Item = &'r str> {
        let sent = self.sent.get_or_init(|| {
            let files = self.files(reading);
            let out = |path: &str| {
                let ignore = self.ignore.as_ref();
                ignore.is_some_and(|ignore| ignore.decide(path).ignored)
            };
            files.filter(|path| !out(path)).map(str::to_owned).collect()
        });
        sent.iter().map(String::as_str)
    }

    /// The path, inside the context, of every file in it, the ignored ones too.
    pub fn files<'r>(&'r self, reading: &'r Reading) -> impl Iterator<Item = &'r str> {
        reading.snapshot.entries().filter_map(|(path, entry)| {
            let path = match self.context.as_str() {
                "" => path,
                context => path.strip_prefix(context)?.strip_prefix('/')?,
            };
            (!matches!(entry, Entry::Dir)).then_some(path)
        })
    }
}

/// The text of a file without its byte order mark; empty when it is none.
fn text<'s>(snapshot: &'s Snapshot, path: &str) -> &'s str {
    let bytes = snapshot.file(path).map_or(&[][..], |bytes| bytes);
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Whether a file of that name is a Dockerfile; templates of Dockerfiles are none.
pub(super) fn is_dockerfile(path: &str) -> bool {
    const OTHERS: [&str; 14] = [
        "md",
        "txt",
        "template",
        "tmpl",
        "tpl",
        "j2",
        "jinja",
        "jinja2",
        "erb",
        "in",
        "dockerignore",
        "orig",
        "bak",
        "swp",
    ];
    let name = path.rsplit('/').next().unwrap_or(path);
    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    let lower = extension.to_ascii_lowercase();
    if OTHERS.contains(&lower.as_str()) {
        return false;
    }
    matches!(lower.as_str(), "dockerfile" | "containerfile")
        || [name, stem]
            .iter()
            .any(|name| matches!(*name, "Dockerfile" | "dockerfile" | "Containerfile"))
        || name.starts_with("Dockerfile.")
        || name.starts_with("Dockerfile-")
        || name.starts_with("Containerfile.")
}

fn is_read(path: &str) -> bool {
    is_dockerfile(path) || is_compose(path) || path.ends_with(".dockerignore")
}

/// Whether a file of that name is a compose file.
pub(super) fn is_compose(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let Some(stem) = name
        .strip_suffix(".yml")
        .or_else(|| name.strip_suffix(".yaml"))
    else {
        return false;
    };
    ["compose", "docker-compose"].iter().any(|start| {
        stem.strip_prefix(start)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-', '_']))
    })
}

/// Where a service's Dockerfile is, seen from the snapshot's root.
fn dockerfile_of(build: &compose::Build) -> String {
    let name = build
        .dockerfile
        .as_ref()
        .map_or("Dockerfile", |name| name.value.as_str());
    let joined = format!("{}/{name}", build.context.value);
    dockerignore::clean(&joined)
}

fn folder(context: &str) -> &str {
    if context == "." { "" } else { context }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The compose projects: of each folder the one that `docker compose` finds, and every other compose file in it,
/// alone or, where it holds only so, laid over that one.
fn projects(snapshot: &Snapshot) -> Vec<ProjectRead> {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, entry) in snapshot.entries() {
        if matches!(entry, Entry::File { .. }) && is_compose(path) {
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
                    assumed,
                };
            }
            Err(_) => compose::faults(&request),
        };
        let before = shell.len();
        for at in errors.iter().filter_map(ComposeError::location) {
            for name in unknown(line_of(snapshot, at), &defined) {
                assumed.insert((at.file.to_string(), at.line));
                shell.entry(name).or_insert_with(|| ASSUMED.to_owned());
            }
        }
        if shell.len() == before {
            errors.retain(|error| {
                let place = error.location().map(|at| (at.file.to_string(), at.line));
                place.is_none_or(|place| !assumed.contains(&place))
            });
            return ProjectRead {
                files,
                loaded: None,
                errors,
                assumed,
            };
        }
    }
}

/// What stands for a variable that whoever starts the project may define: fit for a port, a tag and a number.
const ASSUMED: &str = "1";

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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Reading {
        let mut snapshot = Snapshot::default();
        for (path, text) in files {
            snapshot.insert(path, text.as_bytes().to_vec(), false);
        }
        Reading::of(snapshot)
    }

    #[test]
    fn a_variable_that_only_the_caller_knows_is_no_fault() {
        let reading = read(&[(
            "compose.yaml",
            "services:\n  a:\n    image: x:${TAG:?di cuál}\n    ports: [\"${PORT}:80\"]\n",
        )]);
        assert!(reading.projects[0].errors.is_empty());
        let loaded = reading.projects[0].loaded.as_ref().expect("loads");
        assert!(
            loaded
                .variables
                .iter()
                .all(|variable| variable.found.is_none())
        );
        assert_eq!(reading.projects[0].assumed.len(), 1);
    }

    #[test]
    fn a_variable_that_a_file_here_defines_wrongly_is_a_fault() {
        let compose = "services:\n  a:\n    image: x\n    ports: [\"${PORT}:80\"]\n";
        let reading = read(&[("compose.yaml", compose), (".env", "PORT=abc\n")]);
        assert_eq!(reading.projects[0].errors.len(), 1);
        let defaulted = compose.replace("PORT}", "PORT:-abc}");
        let reading = read(&[("compose.yaml", &defaulted)]);
        assert_eq!(reading.projects[0].errors.len(), 1);
    }

    #[test]
    fn a_compose_file_that_only_holds_over_the_main_one_is_read_so() {
        let reading = read(&[
            ("compose.yaml", "services:\n  a:\n    image: x\n"),
            (
                "compose.debug.yaml",
                "services:\n  a:\n    ports: [\"80\"]\n",
            ),
        ]);
        let files: Vec<_> = reading
            .projects
            .iter()
            .map(|project| &project.files)
            .collect();
        assert_eq!(files[1], &["compose.yaml", "compose.debug.yaml"]);
        assert!(
            reading
                .projects
                .iter()
                .all(|project| project.errors.is_empty())
        );
    }

    #[test]
    fn a_project_in_a_folder_below_is_read_from_there() {
        let reading = read(&[
            (
                "web/compose.yaml",
                "services:\n  a:\n    build: ./api\n    env_file: a.env\n",
            ),
            ("web/a.env", "A=1\n"),
            ("web/api/Dockerfile", "FROM scratch\n"),
            ("web/.env", "TAG=1\n"),
        ]);
        assert!(
            reading.projects[0].errors.is_empty(),
            "{:?}",
            reading.projects[0].errors
        );
        let build = reading.build_of(0, "a").expect("a build");
        assert_eq!(build.context, "web/api");
    }
}
