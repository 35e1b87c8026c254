//! Everything that reading alone gives of a folder: its Dockerfiles, compose projects and contexts, side by side.

mod alone;
mod builds;
mod names;
mod projects;

use std::collections::{BTreeMap, BTreeSet};

use super::compose::{self, Loaded};
use super::dockerfile::Dockerfile;
use super::dockerignore::Dockerignore;
use super::dotenv;
use super::location::Location;
use super::shell::{self, Script};
use super::snapshot::{Entry, Snapshot};

pub use builds::ImageBuild;
pub use projects::ProjectRead;

use builds::dockerfile_of;
pub use names::FileKind;
pub(super) use names::is_dockerfile;

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

/// A file that is not what its name says.
pub struct Fault {
    /// What it should be.
    pub in_file: FileKind,
    /// In Spanish.
    pub message: String,
    /// Where.
    pub location: Location,
}

impl Reading {
    /// Reads all of `snapshot`.
    pub fn of(snapshot: Snapshot) -> Self {
        let mut reading = Self {
            projects: projects::of(&snapshot),
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
            .filter(|(path, entry)| {
                !matches!(entry, Entry::Dir) && self.snapshot.kind(path).is_some()
            })
            .count()
    }

    /// The faults of files that should be `what`.
    pub fn faults_in(&self, what: FileKind) -> impl Iterator<Item = &Fault> {
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
            .filter(|(path, entry)| {
                let kind = self.snapshot.kind(path);
                matches!(entry, Entry::File { .. }) && kind == Some(FileKind::Dockerfile)
            })
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
                    in_file: FileKind::Dockerfile,
                    message: fault.message,
                    location: fault.location,
                }),
            }
        }
    }

    /// Files that should have been read and were not; a `.dockerignore` or a file of variables that stands alone is read
    /// here.
    fn tell_unread(&mut self) {
        for (path, entry) in self.snapshot.entries() {
            let Some(in_file) = self.snapshot.kind(path) else {
                continue;
            };
            let fault = match entry {
                Entry::Unread => Some((
                    "no leo este archivo: pesa más de 1 MB, o no tengo permiso".to_owned(),
                    Location::line(path, 1),
                )),
                Entry::File { bytes, .. }
                    if in_file == FileKind::Dockerignore && self.builds.is_empty() =>
                {
                    let text = String::from_utf8_lossy(bytes);
                    let read = Dockerignore::parse_file(&text, path);
                    read.err().map(|fault| (fault.message, fault.location))
                }
                Entry::File { .. } if in_file == FileKind::Dotenv => {
                    // Any variable may be set where it is read.
                    let read = dotenv::parse(self.text(path), path, &|_| Some("x".to_owned()));
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

/// The text of a file without its byte order mark; empty when it is none.
fn text<'s>(snapshot: &'s Snapshot, path: &str) -> &'s str {
    let bytes = snapshot.file(path).map_or(&[][..], |bytes| bytes);
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests;
