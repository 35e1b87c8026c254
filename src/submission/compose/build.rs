//! `build:`: how a service's image is made.

use std::collections::BTreeMap;

use super::fields::{Fields, Read};
use super::{Grant, Located, hosts, paths};
use crate::submission::interpolate::Lookup;
use crate::submission::location::Location;
use crate::submission::yaml::{Field, Node};

/// `build:` of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Build {
    /// Where the key is.
    pub location: Location,
    /// The context: cleaned and relative to the project's folder (`.` is the folder itself); absolute paths,
    /// `..` paths and URLs stay so.
    pub context: Located<String>,
    /// The Dockerfile, relative to the context; nothing: `Dockerfile`.
    pub dockerfile: Option<Located<String>>,
    /// The Dockerfile's text itself.
    pub dockerfile_inline: Option<Located<String>>,
    /// The stage to stop at.
    pub target: Option<Located<String>>,
    /// Build arguments; nothing as value: named, but set nowhere.
    pub args: BTreeMap<String, Located<Option<String>>>,
    /// Whether the cache is left aside.
    pub no_cache: bool,
    /// Whether base images are pulled anew.
    pub pull: bool,
    /// Network of the `RUN` steps.
    pub network: Option<Located<String>>,
    /// Secrets of the build.
    pub secrets: Vec<Grant>,
    /// Further contexts: name and path or URL.
    pub additional_contexts: BTreeMap<String, Located<String>>,
    /// Bytes of `/dev/shm`.
    pub shm_size: Option<Located<u64>>,
    /// Entries for `/etc/hosts`: name and address.
    pub extra_hosts: Vec<Located<(String, String)>>,
    /// Labels of the image.
    pub labels: BTreeMap<String, Located<String>>,
    /// Further names of the image.
    pub tags: Vec<Located<String>>,
    /// Platforms.
    pub platforms: Vec<Located<String>>,
    /// Whether the build gets privileges.
    pub privileged: Option<Located<bool>>,
    /// Keys without a field of their own (`cache_from`, `ssh`, `ulimits`, `entitlements`…).
    pub other: Vec<(String, Node)>,
}

impl Build {
    pub(super) fn read(field: &Field, lookup: &Lookup) -> Read<Self> {
        let mut fields = Fields::of(&field.value);
        let inline = fields.text("dockerfile_inline")?;
        let context = fields.text("context")?.unwrap_or_else(|| Located {
            value: ".".to_owned(),
            location: field.value.location.clone(),
        });
        let mut args = fields.pairs("args");
        for (name, arg) in &mut args {
            if arg.value.is_none() {
                arg.value = lookup(name);
            }
        }
        let secrets = fields.nodes("secrets");
        Ok(Self {
            location: field.location.clone(),
            context: Located {
                value: paths::context(&context.value),
                location: context.location,
            },
            dockerfile: fields.text("dockerfile")?,
            dockerfile_inline: inline,
            target: fields.text("target")?,
            args,
            no_cache: fields.is("no_cache")?,
            pull: fields.is("pull")?,
            network: fields.text("network")?,
            secrets: secrets
                .iter()
                .map(|node| Grant::read(node, "secrets"))
                .collect::<Read<_>>()?,
            additional_contexts: fields
                .texts_by_key("additional_contexts")
                .into_iter()
                .map(|(name, Located { value, location })| {
                    let value = paths::context(&value);
                    (name, Located { value, location })
                })
                .collect(),
            shm_size: fields.size("shm_size")?,
            extra_hosts: hosts::read(fields.node("extra_hosts"))?,
            labels: fields.texts_by_key("labels"),
            tags: fields.texts("tags"),
            platforms: fields.texts("platforms"),
            privileged: fields.flag("privileged")?,
            other: fields.rest(),
        })
    }
}
