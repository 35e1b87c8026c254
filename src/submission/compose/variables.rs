//! Which variables a project names, where, and where each comes from.

use std::collections::BTreeMap;

use crate::submission::interpolate::Use;
use crate::submission::location::Location;
use crate::submission::yaml::Node;

/// One place that names a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VariableUse {
    /// Its name.
    pub name: String,
    /// Where: the value that names it; the first line for a use inside of an env file.
    pub location: Location,
    /// Whether it may be unset without harm: a `-`, `+` or `?` form, a default that is not needed, a bare name
    /// of `environment` or `args`, the `environment` of a secret, a use inside of an env file.
    pub guarded: bool,
    /// Where it comes from; nothing: it is set nowhere.
    pub found: Option<Source>,
}

/// Where a variable comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The shell, or Compose itself (`COMPOSE_PROJECT_NAME`, `PWD`).
    Shell,
    /// The `.env` or `--env-file` of this path.
    EnvFile(String),
}

/// The variables of an env file, and the names that its values look up.
#[derive(Default)]
pub(super) struct EnvRead {
    pub(super) path: String,
    pub(super) defined: Vec<(String, Location)>,
    pub(super) looked_up: Vec<String>,
}

/// What is known while files are read.
pub(super) struct Variables<'a> {
    shell: &'a BTreeMap<String, String>,
    pub(super) uses: Vec<VariableUse>,
    pub(super) dotenv: Vec<(String, Location)>,
    /// The file that decides each name.
    files: BTreeMap<String, String>,
}

impl<'a> Variables<'a> {
    pub(super) fn new(shell: &'a BTreeMap<String, String>) -> Self {
        Self {
            shell,
            uses: Vec::new(),
            dotenv: Vec::new(),
            files: BTreeMap::new(),
        }
    }

    /// Remembers an env file that was read; a later one decides.
    pub(super) fn read(&mut self, read: EnvRead) {
        let EnvRead {
            path,
            defined,
            looked_up,
        } = read;
        for (name, _) in &defined {
            self.files.insert(name.clone(), path.clone());
        }
        self.dotenv.extend(defined);
        let location = Location::line(path, 1);
        for name in looked_up {
            let found = self.source(&name);
            self.add(name, &location, true, found);
        }
    }

    /// Remembers the variables that a value at `location` names.
    pub(super) fn used(
        &mut self,
        uses: &[Use],
        location: &Location,
        environment: &BTreeMap<String, String>,
    ) {
        for it in uses {
            let found = environment
                .get(&it.name)
                .and_then(|_| self.source(&it.name).or(Some(Source::Shell)));
            self.add(it.name.clone(), location, it.guarded, found);
        }
    }

    /// Remembers what a merged project takes from its surroundings by name alone.
    pub(super) fn bare_names(&mut self, root: &Node) {
        let section = |name: &str| root.get(name).and_then(Node::map).unwrap_or_default();
        for service in section("services") {
            let build = service.value.get("build");
            for pairs in [
                service.value.get("environment"),
                build.and_then(|it| it.get("args")),
            ] {
                let pairs = pairs.and_then(Node::map).unwrap_or_default();
                for bare in pairs.iter().filter(|pair| pair.value.is_null()) {
                    self.bare(&bare.key, &bare.location);
                }
            }
        }
        for kind in ["secrets", "configs"] {
            for thing in section(kind) {
                if let Some(name) = thing.value.get("environment")
                    && let Some(text) = name.str()
                {
                    self.bare(text, &name.location);
                }
            }
        }
    }

    /// Remembers a bare name that is looked up.
    pub(super) fn bare(&mut self, name: &str, location: &Location) {
        let found = self.source(name);
        self.add(name.to_owned(), location, true, found);
    }

    fn add(&mut self, name: String, location: &Location, guarded: bool, found: Option<Source>) {
        self.uses.push(VariableUse {
            name,
            location: location.clone(),
            guarded,
            found,
        });
    }

    fn source(&self, name: &str) -> Option<Source> {
        if self.shell.contains_key(name) {
            return Some(Source::Shell);
        }
        self.files.get(name).cloned().map(Source::EnvFile)
    }
}
