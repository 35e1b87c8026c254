//! `extends`: a service laid over another.

use super::{Environment, Loader, MOST_LEVELS};
use crate::submission::compose::fields::{Fields, Read, invalid};
use crate::submission::compose::merge::{children, merge, rebase};
use crate::submission::compose::paths;
use crate::submission::location::Location;
use crate::submission::yaml::{Field, Node, Tag, Value};

impl Loader<'_> {
    /// Applies `extends` to every service; whether there was any.
    pub(super) fn extend_all(
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
