//! Reads files into one merged tree: interpolation, `extends`, `include`, overrides.

use std::collections::BTreeMap;

use super::fields::{Fields, Read, invalid, text};
use super::merge::{canonical, children, merge, rebase, strip, unique};
use super::schema::{self, Fault};
use super::variables::Variables;
use super::{ComposeError, Port, Warning, files, paths};
use crate::submission::interpolate;
use crate::submission::location::Location;
use crate::submission::snapshot::Snapshot;
use crate::submission::yaml::{self, Field, Kind, Node, Tag, Value};

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
            return invalid(
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

    /// Applies `extends` to every service; whether there was any.
    fn extend_all(
        &mut self,
        document: &mut Node,
        file: &str,
        dir: &str,
        environment: &Environment,
    ) -> Read<bool> {
        let extends = |services: &Node| {
            let fields = services.map().unwrap_or_default();
            fields
                .iter()
                .any(|field| field.value.get("extends").is_some())
        };
        let Some(services) = document.get("services").filter(|it| extends(it)).cloned() else {
            return Ok(false);
        };
        for field in children(document, "services") {
            if field.value.get("extends").is_some() {
                let mut path = Vec::new();
                field.value = self.extended(
                    &services,
                    &field.key,
                    &field.location,
                    file,
                    dir,
                    environment,
                    &mut path,
                )?;
            }
        }
        Ok(true)
    }

    /// The service `name` with what it extends below it. Paths are still relative to `dir`.
    #[expect(clippy::too_many_arguments)]
    fn extended(
        &mut self,
        services: &Node,
        name: &str,
        asked: &Location,
        file: &str,
        dir: &str,
        environment: &Environment,
        path: &mut Vec<(String, String)>,
    ) -> Read<Node> {
        let here = (file.to_owned(), name.to_owned());
        if path.contains(&here) || path.len() >= MOST_LEVELS {
            return invalid(
                asked,
                format!(
                    "`extends` da vueltas: el servicio `{name}` acaba extendiéndose a sí mismo"
                ),
            );
        }
        let Some(service) = services.get(name) else {
            return invalid(
                asked,
                format!(
                    "`extends` pide el servicio `{name}`, y `{file}` no tiene ninguno con ese nombre"
                ),
            );
        };
        let Some(extends) = service
            .get("extends")
            .filter(|node| node.tag != Some(Tag::Reset))
        else {
            return Ok(service.clone());
        };
        path.push(here);
        let location = extends.location.clone();
        let mut fields = Fields::of(extends);
        let base_name = fields.plain_text("service")?.unwrap_or_default();
        let base = match fields.text("file")? {
            None => self.extended(
                services,
                &base_name,
                &location,
                file,
                dir,
                environment,
                path,
            )?,
            Some(other) => {
                let other = paths::inside(dir, &other.value, &other.location)?;
                let mut documents = self.documents(&other, &location, environment)?;
                let other_dir = paths::folder(&other).to_owned();
                let services = documents.drain(..).next();
                let services = services.and_then(|it| it.root.get("services").cloned());
                let Some(other_services) = services else {
                    return invalid(&location, format!("`{other}` no tiene `services`"));
                };
                let base = self.extended(
                    &other_services,
                    &base_name,
                    &location,
                    &other,
                    &other_dir,
                    environment,
                    path,
                )?;
                relocated(base, &other_dir, dir)
            }
        };
        path.pop();
        let mut merged = merge(base, service.clone(), &format!("services.{name}"));
        if let Value::Map(fields) = &mut merged.value {
            fields.retain(|field| field.key != "extends");
            fields.push(Field {
                key: "extends".to_owned(),
                location: location.clone(),
                value: Node {
                    value: Value::Map(vec![Field {
                        key: "service".to_owned(),
                        location: location.clone(),
                        value: Node::text(Some(&base_name), location.clone()),
                    }]),
                    location,
                    tag: None,
                },
            });
        }
        Ok(merged)
    }

    /// Adds what the files of `include` define.
    fn include(
        &mut self,
        document: &mut Node,
        dir: &str,
        environment: &Environment,
        level: usize,
    ) -> Read<()> {
        let include = match &mut document.value {
            Value::Map(fields) => {
                let at = fields.iter().position(|field| field.key == "include");
                at.map(|at| fields.remove(at))
            }
            _ => None,
        };
        let Some(include) = include else {
            return Ok(());
        };
        for entry in include.value.seq().unwrap_or_default() {
            if level >= MOST_LEVELS {
                return invalid(
                    &entry.location,
                    "`include` da vueltas: un archivo acaba incluyéndose a sí mismo",
                );
            }
            let mut options = Fields::of(entry);
            let written = match text(entry) {
                Some(path) => vec![(path, entry.location.clone())],
                None => options
                    .texts("path")
                    .into_iter()
                    .map(|p| (p.value, p.location))
                    .collect(),
            };
            let mut files = Vec::new();
            for (path, location) in written {
                files.push((paths::inside(dir, &path, &location)?, location));
            }
            let Some((first, asked)) = files.first().cloned() else {
                return invalid(
                    &entry.location,
                    "a esta entrada de `include` le falta `path`",
                );
            };
            let inner_dir = match options.text("project_directory")? {
                Some(folder) => paths::inside(dir, &folder.value, &folder.location)?,
                None => paths::folder(&first).to_owned(),
            };
            let inner =
                self.included_environment(&mut options, dir, &inner_dir, &asked, environment)?;
            for (key, value) in options.rest() {
                self.warnings.push(Warning {
                    message: format!(
                        "Compose no conoce la clave `{key}` en `include` y no dice nada: revisa el nombre (`path`, `project_directory` o `env_file`)"
                    ),
                    location: value.location,
                });
            }
            let included = self.load(&files, &inner_dir, &inner, level + 1)?;
            import(document, included);
        }
        Ok(())
    }

    fn included_environment(
        &mut self,
        options: &mut Fields,
        dir: &str,
        inner_dir: &str,
        asked: &Location,
        environment: &Environment,
    ) -> Read<Environment> {
        let mut own = Environment::new();
        let named = options.texts("env_file");
        if named.is_empty() {
            let default = paths::join(inner_dir, ".env");
            if self.snapshot.file(&default).is_some() {
                let read = files::read_env(self.snapshot, &default, asked, environment, &mut own)?;
                self.variables.read(read);
            }
        }
        for file in named {
            let path = paths::inside(dir, &file.value, &file.location)?;
            let read =
                files::read_env(self.snapshot, &path, &file.location, environment, &mut own)?;
            self.variables.read(read);
        }
        own.extend(
            environment
                .iter()
                .map(|(name, value)| (name.clone(), value.clone())),
        );
        Ok(own)
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

/// A service whose paths start at `from`, with paths that start at `to`.
fn relocated(service: Node, from: &str, to: &str) -> Node {
    let location = service.location.clone();
    let map = |key: &str, value: Node| Node {
        location: location.clone(),
        tag: None,
        value: Value::Map(vec![Field {
            key: key.to_owned(),
            location: location.clone(),
            value,
        }]),
    };
    let up = to
        .split('/')
        .filter(|part| !part.is_empty() && *part != ".")
        .count();
    let way = format!("{}{from}", "../".repeat(up));
    let mut root = map("services", map("it", service));
    rebase(&mut root, way.trim_end_matches('/'));
    let service = children(&mut root, "services")
        .next()
        .map(|field| field.value.clone());
    service.unwrap_or(root)
}

/// Puts what an included file defines below `document`, which may add to it.
fn import(document: &mut Node, mut included: Node) {
    if let Value::Map(sections) = &mut included.value {
        sections.retain(|section| {
            [
                "services", "networks", "volumes", "secrets", "configs", "models",
            ]
            .contains(&section.key.as_str())
        });
    }
    let location = document.location.clone();
    let own = std::mem::replace(document, Node::text(None, location.clone()));
    *document = Node {
        location,
        ..merge(included, own, "")
    };
}
