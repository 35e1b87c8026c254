//! Every key that Compose knows and the type it wants, from the Compose Specification's own JSON Schema.
//!
//! The schema is interpreted here and not by a library, because a learner needs the line, a Spanish sentence and
//! "did you mean", not "false schema".

mod cast;
mod told;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value as Json;

use cast::miscast;
pub(super) use told::did_you_mean;
use told::{unknown, wrong_type};

use super::ComposeError;
use super::merge::UNIQUE;
use crate::submission::location::Location;
use crate::submission::yaml::{Kind, Node, Tag, Value};

static SPECIFICATION: LazyLock<Json> =
    LazyLock::new(|| serde_json::from_str(include_str!("compose-spec.json")).unwrap_or_default());

/// Faults of one file that are told at most.
const MOST_FAULTS: usize = 50;

/// Something that the specification does not allow.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) error: ComposeError,
    /// Whether no file laid over this one can mend it: Compose casts texts before it merges.
    pub(super) is_final: bool,
}

/// Checks the root of a compose file: the keys that Compose does not know, and the values of a type that it does
/// not take.
pub(super) fn check(root: &Node) -> Vec<Fault> {
    let mut faults = Vec::new();
    walk(root, &SPECIFICATION, "", &mut faults);
    faults.truncate(MOST_FAULTS);
    faults
}

fn fault(location: &Location, message: String) -> Fault {
    Fault {
        error: ComposeError::Invalid {
            message,
            location: location.clone(),
        },
        is_final: false,
    }
}

/// Follows `$ref`.
fn resolve(schema: &Json) -> &Json {
    match schema.get("$ref").and_then(Json::as_str) {
        Some(reference) => {
            let name = reference.trim_start_matches("#/$defs/");
            resolve(&SPECIFICATION["$defs"][name])
        }
        None => schema,
    }
}

/// The types that a schema takes, through `oneOf`; empty: any.
fn types(schema: &Json) -> Vec<&str> {
    let schema = resolve(schema);
    if let Some(options) = schema.get("oneOf").and_then(Json::as_array) {
        return options.iter().flat_map(types).collect();
    }
    match schema.get("type") {
        Some(Json::String(one)) => vec![one],
        Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
        _ if schema.get("properties").is_some() => vec!["object"],
        _ => Vec::new(),
    }
}

fn takes(types: &[&str], node: &Node) -> bool {
    if types.is_empty() {
        return true;
    }
    let has = |name| types.contains(&name);
    match &node.value {
        Value::Map(_) => has("object"),
        Value::Seq(_) => has("array"),
        Value::Scalar(scalar) => match scalar.kind {
            Kind::Null => has("null"),
            Kind::Bool(_) => has("boolean"),
            Kind::Int(_) => has("integer") || has("number"),
            Kind::Float(value) => has("number") || (has("integer") && value.fract() == 0.0),
            // Compose casts a text where it wants a number or a boolean: variables only give texts.
            Kind::Text => {
                has("string")
                    || (has("boolean") && super::fields::boolean(&scalar.text).is_some())
                    || (has("integer") && scalar.text.parse::<i64>().is_ok())
                    || (has("number") && scalar.text.parse::<f64>().is_ok())
            }
            Kind::Date => has("string"),
        },
    }
}

fn walk(node: &Node, schema: &Json, path: &str, faults: &mut Vec<Fault>) {
    let schema = resolve(schema);
    if let Some(options) = schema.get("oneOf").and_then(Json::as_array) {
        let fitting: Vec<&Json> = options
            .iter()
            .filter(|option| takes(&types(option), node))
            .collect();
        let Some(first) = fitting.first() else {
            faults.push(wrong_type(node, &types(schema), path));
            return;
        };
        let mut told = Vec::new();
        walk(node, first, path, &mut told);
        let another_fits = || {
            fitting[1..].iter().any(|option| {
                let mut told = Vec::new();
                walk(node, option, path, &mut told);
                told.is_empty()
            })
        };
        if !told.is_empty() && !another_fits() {
            faults.append(&mut told);
        }
        return;
    }
    let wanted = types(schema);
    if let Some(fault) = miscast(node, &wanted, path) {
        faults.push(fault);
        return;
    }
    if !takes(&wanted, node) {
        faults.push(wrong_type(node, &wanted, path));
        return;
    }
    match &node.value {
        Value::Scalar(scalar) => faults.extend(scalar_fits(node, &scalar.text, schema, path).err()),
        Value::Seq(items) => {
            let items = items.iter().filter(|item| item.tag != Some(Tag::Reset));
            if let Some(item_schema) = schema.get("items") {
                for item in items.clone() {
                    walk(item, item_schema, path, faults);
                }
            }
            let key = path.rsplit('.').next().unwrap_or(path);
            if schema.get("uniqueItems") == Some(&Json::Bool(true)) && !UNIQUE.contains(&key) {
                // A list that is merged with one below may be made a mapping before.
                let is_final = node.tag == Some(Tag::Override);
                faults.extend(twice(items, path).map(|fault| Fault { is_final, ..fault }));
            }
        }
        Value::Map(_) => map_fits(node, schema, path, faults),
    }
}

/// The first entry that was there before, in a list where Compose takes that for an error.
fn twice<'n>(items: impl Iterator<Item = &'n Node>, path: &str) -> Option<Fault> {
    let mut seen = HashMap::new();
    for item in items {
        let written = item.scalar()?.to_text();
        if let Some(before) = seen.insert(written.clone(), &item.location) {
            return Some(fault(
                &item.location,
                format!(
                    "`{written}` está dos veces en `{path}`, también en la línea {}: deja solo una",
                    before.line
                ),
            ));
        }
    }
    None
}

fn scalar_fits(node: &Node, text: &str, schema: &Json, path: &str) -> Result<(), Fault> {
    if let Some(options) = schema.get("enum").and_then(Json::as_array) {
        let options: Vec<&str> = options.iter().filter_map(Json::as_str).collect();
        if !options.contains(&text) {
            let list: Vec<String> = options.iter().map(|option| format!("`{option}`")).collect();
            let meant = did_you_mean(text, &options);
            return Err(fault(
                &node.location,
                format!(
                    "`{path}` no admite `{text}`{meant}: elige entre {}",
                    list.join(", ")
                ),
            ));
        }
    }
    let fits = match schema.get("pattern").and_then(Json::as_str) {
        Some("[a-zA-Z0-9][a-zA-Z0-9_.-]+") => text.as_bytes().windows(2).any(|pair| {
            pair[0].is_ascii_alphanumeric()
                && (pair[1].is_ascii_alphanumeric() || b"_.-".contains(&pair[1]))
        }),
        Some(_) if path.ends_with("pull_policy") => {
            let options = [
                "always",
                "never",
                "build",
                "if_not_present",
                "missing",
                "refresh",
                "daily",
                "weekly",
            ];
            if !options.contains(&text) && !is_period(text) {
                let meant = did_you_mean(text, &options);
                return Err(fault(
                    &node.location,
                    format!(
                        "`{path}` no admite `{text}`{meant}: elige `always`, `missing`, `never` o `build`"
                    ),
                ));
            }
            true
        }
        _ => true,
    };
    if !fits {
        return Err(fault(
            &node.location,
            format!(
                "`{text}` no sirve para `{path}`: usa al menos dos letras, números, `_`, `.` o `-`"
            ),
        ));
    }
    let bound = |name| schema.get(name).and_then(Json::as_f64);
    let number = text.parse::<f64>().ok();
    if let (Some(number), Some(least)) = (number, bound("minimum"))
        && number < least
    {
        return Err(fault(
            &node.location,
            format!("`{path}` no puede ser menor que {least}"),
        ));
    }
    if let (Some(number), Some(most)) = (number, bound("maximum"))
        && number > most
    {
        return Err(fault(
            &node.location,
            format!("`{path}` no puede ser mayor que {most}"),
        ));
    }
    Ok(())
}

/// `every_12h`, `every_1d12h`.
fn is_period(text: &str) -> bool {
    let Some(period) = text.strip_prefix("every_") else {
        return false;
    };
    let mut parts = period.split_inclusive(|c: char| !c.is_ascii_digit());
    !period.is_empty()
        && parts.all(|part| part.len() > 1 && part.ends_with(['w', 'd', 'h', 'm', 's']))
}

fn map_fits(node: &Node, schema: &Json, path: &str, faults: &mut Vec<Fault>) {
    let fields = node.map().unwrap_or_default();
    let mut parts = vec![schema];
    let shared = schema
        .get("allOf")
        .and_then(Json::as_array)
        .into_iter()
        .flatten();
    parts.extend(shared.map(resolve));
    let closed = schema.get("additionalProperties") == Some(&Json::Bool(false))
        || schema.get("unevaluatedProperties") == Some(&Json::Bool(false));
    for field in fields
        .iter()
        .filter(|field| field.value.tag != Some(Tag::Reset))
    {
        let below = if path.is_empty() {
            field.key.clone()
        } else {
            format!("{path}.{}", field.key)
        };
        match parts.iter().find_map(|part| schema_of(part, &field.key)) {
            Some(inner) => walk(&field.value, inner, &below, faults),
            None if closed && path != "include" => {
                faults.push(unknown(&field.key, &field.location, &parts, path));
            }
            None => {}
        }
    }
    let required = schema
        .get("required")
        .and_then(Json::as_array)
        .into_iter()
        .flatten();
    for name in required.filter_map(Json::as_str) {
        if !fields.iter().any(|field| field.key == name) {
            faults.push(fault(
                &node.location,
                format!("a `{path}` le falta la clave `{name}`"),
            ));
        }
    }
}

fn schema_of<'s>(part: &'s Json, key: &str) -> Option<&'s Json> {
    if let Some(schema) = part
        .get("properties")
        .and_then(|properties| properties.get(key))
    {
        return Some(schema);
    }
    let patterns = part.get("patternProperties").and_then(Json::as_object)?;
    patterns
        .iter()
        .find(|(pattern, _)| key_fits(pattern, key))
        .map(|(_, schema)| schema)
}

fn key_fits(pattern: &str, key: &str) -> bool {
    match pattern {
        "^x-" => key.starts_with("x-"),
        "^[a-zA-Z0-9._-]+$" => {
            !key.is_empty()
                && key
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        }
        "^[a-z]+$" => !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase()),
        _ => !key.is_empty(),
    }
}

#[cfg(test)]
mod tests;
