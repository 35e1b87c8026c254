//! The project: what all compose files together say.

use std::collections::BTreeMap;

use super::fields::{Fields, Read, invalid, text};
use super::{Located, Network, Service, paths};
use crate::submission::location::Location;
use crate::submission::yaml::{Field, Node};

/// A Compose project after merging, with all values resolved.
#[derive(Clone, Debug, PartialEq)]
pub struct Project {
    /// The name: `name:` of the files, or the one asked for.
    pub name: String,
    /// The compose files read, in order of precedence, included ones last.
    pub files: Vec<String>,
    /// The variables that interpolation and bare names saw: `.env` files below the shell's.
    pub environment: BTreeMap<String, String>,
    /// The active services (no profile, or an active one).
    pub services: BTreeMap<String, Service>,
    /// The services that no active profile asks for.
    pub inactive: BTreeMap<String, Service>,
    /// Networks by key; `default` is there whenever a service uses it.
    pub networks: BTreeMap<String, Network>,
    /// Named volumes by key.
    pub volumes: BTreeMap<String, Volume>,
    /// Secrets by key.
    pub secrets: BTreeMap<String, Provided>,
    /// Configs by key.
    pub configs: BTreeMap<String, Provided>,
    /// `version:`, which Compose ignores.
    pub version: Option<Located<String>>,
    /// Whether `name:` is written in a file.
    pub named: Option<Location>,
    /// Top-level keys without a field of their own (`models`, `x-…`).
    pub other: Vec<(String, Node)>,
}

/// A named volume.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    /// Where its key is.
    pub location: Location,
    /// `name:`, fixed by the student.
    pub name: Option<Located<String>>,
    /// Whether it must exist before (`external: true`).
    pub external: bool,
    /// Driver.
    pub driver: Option<Located<String>>,
    /// Driver options.
    pub driver_opts: BTreeMap<String, Located<String>>,
    /// Labels.
    pub labels: BTreeMap<String, Located<String>>,
    /// Keys without a field of their own.
    pub other: Vec<(String, Node)>,
}

/// A secret or a config: content given to services as a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Provided {
    /// Where its key is.
    pub location: Location,
    /// Where the content comes from.
    pub provider: Located<Provider>,
    /// `name:`, fixed by the student.
    pub name: Option<Located<String>>,
    /// Labels.
    pub labels: BTreeMap<String, Located<String>>,
    /// Keys without a field of their own.
    pub other: Vec<(String, Node)>,
}

/// Where a secret's or config's content comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Provider {
    /// A file, relative to the project's folder and cleaned; absolute or `..` paths stay so.
    File(String),
    /// A variable of the shell or `.env`.
    Environment(String),
    /// The text itself (configs only).
    Content(String),
    /// Made before, outside of the project.
    External,
}

/// `external: true`, or the old `external: {name: …}`.
pub(super) fn external(fields: &mut Fields) -> Read<(bool, Option<Located<String>>)> {
    let mut name = None;
    let old = fields.take("external");
    let is = match old {
        Some(field) if field.value.map().is_some() => {
            name = Fields::of(&field.value).text("name")?;
            true
        }
        Some(field) => {
            super::fields::boolean(&text(&field.value).unwrap_or_default()).unwrap_or(false)
        }
        None => false,
    };
    Ok((is, name))
}

impl Volume {
    pub(super) fn read(field: &Field) -> Read<Self> {
        let mut fields = Fields::of(&field.value);
        let (external, old_name) = external(&mut fields)?;
        let more = field.value.map().unwrap_or_default().iter();
        let mut more = more.filter(|it| {
            !["external", "name"].contains(&it.key.as_str()) && !it.key.starts_with("x-")
        });
        if external && let Some(more) = more.next() {
            return invalid(
                &more.location,
                format!(
                    "el volumen `{}` es externo y ya está hecho: quita `{}`, o quita `external`",
                    field.key, more.key
                ),
            );
        }
        Ok(Self {
            location: field.location.clone(),
            name: fields.text("name")?.or(old_name),
            external,
            driver: fields.text("driver")?,
            driver_opts: fields.texts_by_key("driver_opts"),
            labels: fields.texts_by_key("labels"),
            other: fields.rest(),
        })
    }
}

impl Provided {
    /// `kind` is `secrets` or `configs`.
    pub(super) fn read(field: &Field, kind: &str) -> Read<Self> {
        let mut fields = Fields::of(&field.value);
        let (external, old_name) = external(&mut fields)?;
        let mut providers = Vec::new();
        for key in ["file", "environment", "content"] {
            if let Some(Located { value, location }) = fields.text(key)? {
                let value = match key {
                    "file" => Provider::File(paths::clean(&value)),
                    "environment" => Provider::Environment(value),
                    _ => Provider::Content(value),
                };
                providers.push((key, Located { value, location }));
            }
        }
        let name = &field.key;
        if let [(one, _), (other, provider), ..] = providers.as_slice() {
            return invalid(
                &provider.location,
                format!(
                    "`{kind}.{name}` tiene `{one}` y `{other}`, que se excluyen: deja solo una"
                ),
            );
        }
        if external {
            let location = field.location.clone();
            let value = Provider::External;
            providers = vec![("external", Located { value, location })];
        }
        let Some((_, provider)) = providers.pop() else {
            return invalid(
                &field.location,
                format!(
                    "`{kind}.{name}` no dice de dónde sale: escribe `file: ./ruta` o `environment: VARIABLE`"
                ),
            );
        };
        Ok(Self {
            location: field.location.clone(),
            provider,
            name: fields.text("name")?.or(old_name),
            labels: fields.texts_by_key("labels"),
            other: fields.rest(),
        })
    }
}
