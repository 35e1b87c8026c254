//! Reads files into one merged tree: interpolation, `extends`, `include`, overrides.

use std::collections::BTreeMap;

use super::fields::{Fields, Read, invalid, text};
use super::merge::{canonical, children, merge, rebase, strip, unique};
use super::{ComposeError, Warning, files, paths, schema};
use crate::submission::interpolate;
use crate::submission::location::Location;
use crate::submission::snapshot::Snapshot;
use crate::submission::yaml::{self, Field, Node, Tag, Value};

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
    files_read: usize,
}

impl<'a> Loader<'a> {
    pub(super) fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            warnings: Vec::new(),
            read: Vec::new(),
            version: None,
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
            for mut document in self.documents(file, asked, environment)? {
                self.extend_all(&mut document, file, dir, environment)?;
                rebase(&mut document, dir);
                self.include(&mut document, dir, environment, level)?;
                let below = project.take();
                project = Some(match below {
                    Some(below) => merge(below, document, ""),
                    None => strip(document),
                });
            }
        }
        let Some(mut project) = project else {
            let first = files.first().map_or("", |(file, _)| file.as_str());
            return invalid(
                &Location::line(first, 1),
                "el archivo está vacío: escribe al menos `services:` y un servicio",
            );
        };
        unique(&mut project);
        Ok(project)
    }

    /// The documents of one file, interpolated and checked.
    fn documents(&mut self, file: &str, asked: &Location, environment: &Environment) -> Read<Vec<Node>> {
        self.files_read += 1;
        if self.files_read > MOST_FILES {
            return invalid(asked, format!("el proyecto lee más de {MOST_FILES} archivos"));
        }
        let mut documents = yaml::parse(files::text(self.snapshot, file, asked)?, file)?;
        documents.retain(|document| !document.is_null());
        if documents.is_empty() {
            return invalid(
                &Location::line(file, 1),
                "el archivo está vacío: escribe al menos `services:` y un servicio",
            );
        }
        for document in &mut documents {
            let warnings = &mut self.warnings;
            let mut missing = |name: String, location: &Location| {
                let warning = Warning {
                    message: format!(
                        "la variable `{name}` no está definida y queda vacía (Compose avisa: `The \"{name}\" variable is not set. Defaulting to a blank string.`): defínela en `.env` o dale un valor por defecto, `${{{name}:-valor}}`"
                    ),
                    location: location.clone(),
                };
                if !warnings.contains(&warning) {
                    warnings.push(warning);
                }
            };
            interpolate::tree(document, &|name| environment.get(name).cloned(), &mut missing).map_err(
                |(error, location)| ComposeError::Invalid {
                    message: error.to_string(),
                    location,
                },
            )?;
            schema::check(document)?;
            self.take_version(document, file);
            canonical(document);
        }
        Ok(documents)
    }

    fn take_version(&mut self, document: &mut Node, file: &str) {
        let Value::Map(fields) = &mut document.value else { return };
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

    fn extend_all(&mut self, document: &mut Node, file: &str, dir: &str, environment: &Environment) -> Read<()> {
        let services = document.get("services").cloned();
        let Some(services) = services else { return Ok(()) };
        for field in children(document, "services") {
            if field.value.get("extends").is_some() {
                let mut path = Vec::new();
                field.value = self.extended(&services, &field.key, &field.location, file, dir, environment, &mut path)?;
            }
        }
        Ok(())
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
                format!("`extends` da vueltas: el servicio `{name}` acaba extendiéndose a sí mismo"),
            );
        }
        let Some(service) = services.get(name) else {
            return invalid(
                asked,
                format!("`extends` pide el servicio `{name}`, y `{file}` no tiene ninguno con ese nombre"),
            );
        };
        let Some(extends) = service.get("extends").filter(|node| node.tag != Some(Tag::Reset)) else {
            return Ok(service.clone());
        };
        path.push(here);
        let location = extends.location.clone();
        let mut fields = Fields::of(extends);
        let base_name = fields.plain_text("service")?.unwrap_or_default();
        let base = match fields.text("file")? {
            None => self.extended(services, &base_name, &location, file, dir, environment, path)?,
            Some(other) => {
                let other = paths::inside(dir, &other.value, &other.location)?;
                let mut documents = self.documents(&other, &location, environment)?;
                let other_dir = paths::folder(&other).to_owned();
                let Some(other_services) = documents.remove(0).get("services").cloned() else {
                    return invalid(&location, format!("`{other}` no tiene `services`"));
                };
                let base = self.extended(&other_services, &base_name, &location, &other, &other_dir, environment, path)?;
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
    fn include(&mut self, document: &mut Node, dir: &str, environment: &Environment, level: usize) -> Read<()> {
        let Value::Map(fields) = &mut document.value else { return Ok(()) };
        let Some(at) = fields.iter().position(|field| field.key == "include") else {
            return Ok(());
        };
        let include = fields.remove(at);
        for entry in include.value.seq().unwrap_or_default() {
            if level >= MOST_LEVELS {
                return invalid(&entry.location, "`include` da vueltas: un archivo acaba incluyéndose a sí mismo");
            }
            let mut options = Fields::of(entry);
            let written = match text(entry) {
                Some(path) => vec![(path, entry.location.clone())],
                None => options.texts("path").into_iter().map(|p| (p.value, p.location)).collect(),
            };
            let mut files = Vec::new();
            for (path, location) in written {
                files.push((paths::inside(dir, &path, &location)?, location));
            }
            let Some((first, asked)) = files.first().cloned() else {
                return invalid(&entry.location, "a esta entrada de `include` le falta `path`");
            };
            let inner_dir = match options.text("project_directory")? {
                Some(folder) => paths::inside(dir, &folder.value, &folder.location)?,
                None => paths::folder(&first).to_owned(),
            };
            let inner = self.included_environment(&mut options, dir, &inner_dir, &asked, environment)?;
            let included = self.load(&files, &inner_dir, &inner, level + 1)?;
            import(document, included)?;
        }
        Ok(())
    }

    fn included_environment(
        &self,
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
                files::read_env(self.snapshot, &default, asked, environment, &mut own)?;
            }
        }
        for file in named {
            let path = paths::inside(dir, &file.value, &file.location)?;
            files::read_env(self.snapshot, &path, &file.location, environment, &mut own)?;
        }
        own.extend(environment.iter().map(|(name, value)| (name.clone(), value.clone())));
        Ok(own)
    }
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
    let up = to.split('/').filter(|part| !part.is_empty() && *part != ".").count();
    let way = format!("{}{from}", "../".repeat(up));
    let mut root = map("services", map("it", service));
    rebase(&mut root, way.trim_end_matches('/'));
    let service = children(&mut root, "services").next().map(|field| field.value.clone());
    service.unwrap_or(root)
}

/// Puts what an included file defines into `document`; the same name with another content is an error.
fn import(document: &mut Node, included: Node) -> Read<()> {
    let Value::Map(sections) = included.value else { return Ok(()) };
    for section in sections {
        if !["services", "networks", "volumes", "secrets", "configs", "models"].contains(&section.key.as_str()) {
            continue;
        }
        let Value::Map(things) = section.value.value else { continue };
        let Value::Map(own) = &mut document.value else { return Ok(()) };
        if !own.iter().any(|field| field.key == section.key) {
            own.push(Field {
                key: section.key.clone(),
                location: section.location.clone(),
                value: Node {
                    value: Value::Map(Vec::new()),
                    location: section.location,
                    tag: None,
                },
            });
        }
        let Some(Value::Map(own)) = own
            .iter_mut()
            .find(|field| field.key == section.key)
            .map(|field| &mut field.value.value)
        else {
            continue;
        };
        for thing in things {
            match own.iter().find(|field| field.key == thing.key) {
                Some(field) if !same(&field.value, &thing.value) => {
                    return invalid(
                        &field.location,
                        format!(
                            "`{}.{}` ya viene de `{}` por `include`: usa otro nombre, o cámbialo en un archivo de override",
                            section.key, thing.key, thing.location
                        ),
                    );
                }
                Some(_) => {}
                None => own.push(thing),
            }
        }
    }
    Ok(())
}

/// Whether two values say the same, wherever they stand.
fn same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Scalar(a), Value::Scalar(b)) => a == b,
        (Value::Seq(a), Value::Seq(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            let in_b = |field: &Field| b.iter().any(|other| other.key == field.key && same(&other.value, &field.value));
            a.len() == b.len() && a.iter().all(in_b)
        }
        _ => false,
    }
}
