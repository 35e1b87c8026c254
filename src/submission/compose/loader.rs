//! Reads files into one merged tree: interpolation, `extends`, `include`, overrides.

mod extend;
mod include;

use std::collections::BTreeMap;

use super::fields::{Read, excessive, invalid};
use super::merge::{canonical, merge, rebase, strip, unique};
use super::schema::{self, Fault};
use super::variables::Variables;
use super::{ComposeError, Port, Warning, files};
use crate::submission::interpolate;
use crate::submission::location::Location;
use crate::submission::snapshot::Snapshot;
use crate::submission::yaml::{self, Kind, Node, Tag, Value};

/// Files that include or extend files, at most.
const MOST_LEVELS: usize = 16;
/// Files read for one project, at most.
const MOST_FILES: usize = 100;

type Environment = BTreeMap<String, String>;

pub(super) struct Loader<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) warnings: Vec<Warning>,
    /// Compose files in the order in which they were read.
    pub(super) read: Vec<String>,
    /// `version:` of the first file that has one.
    pub(super) version: Option<Node>,
    /// What the files do with variables.
    pub(super) variables: Variables<'a>,
    /// All that is wrong with the file that ended the reading.
    pub(super) faults: Vec<ComposeError>,
    files_read: usize,
}

/// One document of a file, and what is wrong with it if no other file mends it.
struct Document {
    root: Node,
    faults: Vec<Fault>,
}

impl<'a> Loader<'a> {
    pub(super) fn new(snapshot: &'a Snapshot, variables: Variables<'a>) -> Self {
        Self {
            snapshot,
            warnings: Vec::new(),
            read: Vec::new(),
            version: None,
            variables,
            faults: Vec::new(),
            files_read: 0,
        }
    }

    /// Lays `files` over one another; relative paths start at the folder `dir`.
    pub(super) fn load(
        &mut self,
        files: &[(String, Location)],
        dir: &str,
        environment: &Environment,
        level: usize,
    ) -> Read<Node> {
        let mut project: Option<Node> = None;
        for (file, asked) in files {
            self.read.push(file.clone());
            for Document { mut root, faults } in self.documents(file, asked, environment)? {
                let extends = self.extend_all(&mut root, file, dir, environment)?;
                let alone = project.is_none() && !extends;
                rebase(&mut root, dir);
                self.include(&mut root, dir, environment, level)?;
                let merged = match project.take() {
                    Some(below) => merge(below, root, ""),
                    None => strip(root),
                };
                self.check(&merged, faults, alone)?;
                project = Some(merged);
            }
        }
        let Some(mut project) = project.filter(|root| root.map().is_none_or(|it| !it.is_empty()))
        else {
            let first = files.first().map_or("", |(file, _)| file.as_str());
            return invalid(
                &Location::line(first, 1),
                "el archivo está vacío: escribe al menos `services:` y un servicio",
            );
        };
        unique(&mut project);
        Ok(project)
    }

    /// Checks what the files so far make together. Faults are told as the file at hand has them, with what the
    /// student wrote; when it stands `alone`, they need no second look.
    fn check(&mut self, merged: &Node, faults: Vec<Fault>, alone: bool) -> Read<()> {
        let (is_final, mendable): (Vec<Fault>, Vec<Fault>) = faults
            .into_iter()
            .partition(|fault| alone || fault.is_final);
        self.faults = is_final.into_iter().map(|fault| fault.error).collect();
        if !alone {
            for fault in schema::check(merged) {
                let at = fault.error.location();
                let written = mendable.iter().find(|own| own.error.location() == at);
                let error = written.map_or(fault.error.clone(), |own| own.error.clone());
                if !self.faults.contains(&error) {
                    self.faults.push(error);
                }
            }
        }
        self.faults
            .first()
            .map_or(Ok(()), |first| Err(first.clone()))
    }

    /// The documents of one file, interpolated and in their long form; none when it is empty.
    fn documents(
        &mut self,
        file: &str,
        asked: &Location,
        environment: &Environment,
    ) -> Read<Vec<Document>> {
        self.files_read += 1;
        if self.files_read > MOST_FILES {
            return excessive(
                asked,
                format!("el proyecto lee más de {MOST_FILES} archivos"),
            );
        }
        let mut roots = yaml::parse(files::text(self.snapshot, file, asked)?, file)?;
        roots.retain(|root| !root.is_null());
        let mut documents = Vec::new();
        for mut root in roots {
            let warnings = &mut self.warnings;
            let variables = &mut self.variables;
            let mut told = |text: &interpolate::Interpolated, location: &Location| {
                variables.used(&text.uses, location, environment);
                for name in &text.missing {
                    let warning = unset(name, location);
                    if !warnings.contains(&warning) {
                        warnings.push(warning);
                    }
                }
            };
            interpolate::tree(&mut root, &|name| environment.get(name).cloned(), &mut told)
                .map_err(|(error, location)| ComposeError::Invalid {
                    message: error.to_string(),
                    location,
                })?;
            let faults = schema::check(&root);
            self.take_version(&mut root, file);
            canonical(&mut root);
            if faults.is_empty() {
                ports_are_ports(&root)?;
            }
            documents.push(Document { root, faults });
        }
        Ok(documents)
    }

    fn take_version(&mut self, document: &mut Node, file: &str) {
        let Value::Map(fields) = &mut document.value else {
            return;
        };
        let Some(at) = fields.iter().position(|field| field.key == "version") else {
            return;
        };
        let field = fields.remove(at);
        self.warnings.push(Warning {
            message: format!(
                "la clave `version` está obsoleta y no hace nada: bórrala (Compose avisa: `{file}: the attribute `version` is obsolete, it will be ignored, please remove it to avoid potential confusion`)"
            ),
            location: field.location.clone(),
        });
        self.version.get_or_insert(Node {
            location: field.location,
            ..field.value
        });
    }
}

fn unset(name: &str, location: &Location) -> Warning {
    Warning {
        message: format!(
            "la variable `{name}` no está definida y queda vacía (Compose avisa: `The \"{name}\" variable is not set. Defaulting to a blank string.`): defínela en `.env` o dale un valor por defecto, `${{{name}:-valor}}`"
        ),
        location: location.clone(),
    }
}

/// Compose takes ports apart before it merges: no other file can mend one.
fn ports_are_ports(root: &Node) -> Read<()> {
    let services = root.get("services").and_then(Node::map).unwrap_or_default();
    let kept = |node: &&Node| node.tag != Some(Tag::Reset);
    let ports = services
        .iter()
        .filter_map(|service| service.value.get("ports").filter(kept)?.seq());
    for port in ports
        .flatten()
        .filter(|port| port.scalar().is_some_and(|it| it.kind != Kind::Null))
    {
        Port::read(port)?;
    }
    Ok(())
}
