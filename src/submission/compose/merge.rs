//! Lays one compose file over another, by Compose's rules.

mod rebase;
mod unique;

pub(super) use rebase::rebase;
pub(super) use unique::{UNIQUE, unique};

use super::fields::{pairs, text};
use crate::submission::location::Location;
use crate::submission::yaml::{Field, Kind, Node, Scalar, Tag, Value};

/// Brings the short forms that merge differently into their long form: lists of pairs become mappings, lone
/// texts lists, `build: .` a mapping, `depends_on` and `networks` mappings by name.
pub(super) fn canonical(root: &mut Node) {
    for service in children(root, "services") {
        let node = &mut service.value;
        edit(node, "build", |build| {
            if build.scalar().is_some() {
                wrap(build, "context");
            }
            for key in ["args", "labels", "additional_contexts"] {
                edit(build, key, to_pairs);
            }
            edit(build, "extra_hosts", to_hosts);
        });
        edit(node, "deploy", |deploy| edit(deploy, "labels", to_pairs));
        edit(node, "extends", |extends| {
            if extends.scalar().is_some() {
                wrap(extends, "service");
            }
        });
        for key in ["environment", "labels", "annotations", "sysctls"] {
            edit(node, key, to_pairs);
        }
        for key in ["env_file", "label_file", "dns", "dns_search", "tmpfs"] {
            edit(node, key, to_list);
        }
        edit(node, "extra_hosts", to_hosts);
        edit(node, "networks", |networks| by_name(networks, |_| None));
        edit(node, "depends_on", |dependencies| {
            by_name(dependencies, |location| {
                Some(("condition", "service_started", location))
            });
        });
    }
    for kind in ["networks", "volumes", "secrets", "configs"] {
        for thing in children(root, kind) {
            edit(&mut thing.value, "labels", to_pairs);
        }
    }
}

/// The fields below `key`, to be changed.
pub(super) fn children<'n>(root: &'n mut Node, key: &str) -> impl Iterator<Item = &'n mut Field> {
    let fields = field_mut(root, key).and_then(|field| match &mut field.value.value {
        Value::Map(fields) => Some(fields),
        _ => None,
    });
    fields.into_iter().flatten()
}

fn field_mut<'n>(node: &'n mut Node, key: &str) -> Option<&'n mut Field> {
    match &mut node.value {
        Value::Map(fields) => fields.iter_mut().find(|field| field.key == key),
        _ => None,
    }
}

/// Changes the value of `key`, when there is one that is not about to be reset.
pub(super) fn edit(node: &mut Node, key: &str, change: impl FnOnce(&mut Node)) {
    if let Some(field) = field_mut(node, key)
        && field.value.tag != Some(Tag::Reset)
    {
        change(&mut field.value);
    }
}

fn wrap(node: &mut Node, key: &str) {
    let location = node.location.clone();
    let inner = std::mem::replace(&mut node.value, Value::Map(Vec::new()));
    let value = Node {
        value: inner,
        location: location.clone(),
        tag: None,
    };
    let key = key.to_owned();
    node.value = Value::Map(vec![Field {
        key,
        location,
        value,
    }]);
}

fn to_pairs(node: &mut Node) {
    if node.seq().is_some() {
        let mut fields: Vec<Field> = Vec::new();
        for field in pairs(node) {
            // The same variable twice: the last one counts.
            fields.retain(|other| other.key != field.key);
            fields.push(field);
        }
        node.value = Value::Map(fields);
    }
}

/// `{name: address}`, `{name: [addresses]}` and `name:address` as a list of `name=address`.
fn to_hosts(node: &mut Node) {
    let lines = match &mut node.value {
        Value::Map(fields) => fields
            .iter()
            .flat_map(|field| {
                let value = &field.value;
                let addresses = value.seq().unwrap_or(std::slice::from_ref(value)).iter();
                addresses.map(|it| {
                    let line = format!("{}={}", field.key, text(it).unwrap_or_default());
                    Node::text(Some(&line), field.location.clone())
                })
            })
            .collect(),
        Value::Seq(items) => {
            for item in items {
                if let Value::Scalar(Scalar {
                    text,
                    kind: Kind::Text,
                }) = &mut item.value
                    && !text.contains('=')
                {
                    *text = text.replacen(':', "=", 1);
                }
            }
            return;
        }
        Value::Scalar(_) => return,
    };
    node.value = Value::Seq(lines);
}

fn to_list(node: &mut Node) {
    if node.scalar().is_some() {
        let item = Node {
            tag: None,
            ..node.clone()
        };
        node.value = Value::Seq(vec![item]);
    }
}

fn by_name(
    node: &mut Node,
    option: impl Fn(Location) -> Option<(&'static str, &'static str, Location)>,
) {
    let Some(items) = node.seq() else { return };
    let mut fields: Vec<Field> = Vec::new();
    for item in items {
        let Some(name) = text(item) else { continue };
        let location = item.location.clone();
        let mut value = Node::text(None, location.clone());
        if let Some((key, text, location)) = option(location.clone()) {
            value.value = Value::Map(vec![Field {
                key: key.to_owned(),
                location: location.clone(),
                value: Node::text(Some(text), location),
            }]);
        }
        if !fields.iter().any(|field| field.key == name) {
            fields.push(Field {
                key: name,
                location,
                value,
            });
        }
    }
    node.value = Value::Map(fields);
}

/// Lays `over` over `base`; `path` says where in the file both stand.
pub(super) fn merge(base: Node, over: Node, path: &str) -> Node {
    let replaces = over.tag == Some(Tag::Override)
        || is_replaced(path)
        || has_other_driver(&base, &over, path);
    if replaces {
        return strip(over);
    }
    if over.is_null() {
        return base;
    }
    let Node {
        value,
        location,
        tag,
    } = over;
    match (base.value, value) {
        (Value::Map(fields), Value::Map(over)) => {
            let mut merged = Node {
                value: Value::Map(merge_fields(fields, over, path)),
                ..base_of(base.location, base.tag)
            };
            merged.tag = None;
            merged
        }
        (Value::Seq(mut items), Value::Seq(over)) => {
            for item in over {
                if item.tag != Some(Tag::Reset) && !items.iter().any(|own| own.means(&item)) {
                    items.push(strip(item));
                }
            }
            Node {
                value: Value::Seq(items),
                ..base_of(base.location, None)
            }
        }
        (_, value) => strip(Node {
            value,
            location,
            tag,
        }),
    }
}

fn base_of(location: Location, tag: Option<Tag>) -> Node {
    Node {
        value: Value::Scalar(Scalar {
            text: String::new(),
            kind: Kind::Null,
        }),
        location,
        tag,
    }
}

fn merge_fields(mut fields: Vec<Field>, over: Vec<Field>, path: &str) -> Vec<Field> {
    for field in over {
        let at = fields.iter().position(|own| own.key == field.key);
        match at {
            Some(at) if field.value.tag == Some(Tag::Reset) => {
                fields.remove(at);
            }
            None if field.value.tag == Some(Tag::Reset) => {}
            Some(at) => {
                let below = if path.is_empty() {
                    field.key.clone()
                } else {
                    format!("{path}.{}", field.key)
                };
                let keeps_place = field.value.scalar().is_none() && field.value.tag.is_none();
                let own = fields.remove(at);
                let merged = Field {
                    location: if keeps_place || field.value.is_null() {
                        own.location
                    } else {
                        field.location
                    },
                    value: merge(own.value, field.value, &below),
                    key: field.key,
                };
                fields.insert(at, merged);
            }
            None => fields.push(Field {
                value: strip(field.value),
                ..field
            }),
        }
    }
    fields
}

/// The keys whose value is never mixed with the one below.
fn is_replaced(path: &str) -> bool {
    let mut parts = path.split('.');
    let in_service = parts.next() == Some("services") && parts.next().is_some();
    in_service
        && matches!(
            parts.collect::<Vec<_>>().as_slice(),
            ["command" | "entrypoint"] | ["healthcheck", "test"]
        )
}

/// Options of one log driver make no sense for another.
fn has_other_driver(base: &Node, over: &Node, path: &str) -> bool {
    let driver = |node: &Node| node.get("driver").and_then(text);
    path.starts_with("services.")
        && path.ends_with(".logging")
        && matches!((driver(base), driver(over)), (Some(a), Some(b)) if a != b)
}

/// Without what is tagged `!reset`, all the way down.
pub(super) fn strip(mut node: Node) -> Node {
    node.tag = None;
    match node.value {
        Value::Map(fields) => {
            let kept = fields
                .into_iter()
                .filter(|field| field.value.tag != Some(Tag::Reset));
            let clean = kept.map(|field| Field {
                value: strip(field.value),
                ..field
            });
            node.value = Value::Map(clean.collect());
        }
        Value::Seq(items) => {
            let kept = items
                .into_iter()
                .filter(|item| item.tag != Some(Tag::Reset));
            node.value = Value::Seq(kept.map(strip).collect());
        }
        Value::Scalar(_) => {}
    }
    node
}
