//! What a student is told about an unknown key or a wrong type.

use serde_json::{Map, Value as Json};

use super::{Fault, SPECIFICATION, fault, resolve, schema_of};
use crate::submission::location::Location;
use crate::submission::yaml::{Kind, Node, Value};

pub(super) fn unknown(key: &str, location: &Location, parts: &[&Json], path: &str) -> Fault {
    let properties = parts
        .iter()
        .filter_map(|part| part.get("properties")?.as_object());
    let known: Vec<&str> = properties.flat_map(Map::keys).map(String::as_str).collect();
    if known.is_empty() {
        return fault(
            location,
            format!(
                "`{key}` no sirve como nombre en `{path}`: usa letras sin tilde, números, `.`, `_` o `-`"
            ),
        );
    }
    let place = if path.is_empty() {
        "en la raíz del archivo".to_owned()
    } else {
        format!("en `{path}`")
    };
    let mut meant = misplaced(key, path);
    if meant.is_empty() {
        meant = did_you_mean(key, &known);
    }
    if meant.is_empty() && path.is_empty() {
        meant = ": si es un servicio, va dentro de `services`".to_owned();
    }
    fault(
        location,
        format!("Compose no conoce la clave `{key}` {place}{meant}"),
    )
}

/// A hint for a key that exists, but elsewhere.
fn misplaced(key: &str, path: &str) -> String {
    let names = |name: &str| {
        let part = resolve(&SPECIFICATION["$defs"][name]);
        schema_of(part, key).is_some() && !key.starts_with("x-")
    };
    let in_service = ["service", "container_spec", "workload_spec"]
        .iter()
        .any(|name| names(name));
    if path.is_empty() && in_service {
        format!(
            ": va dentro de un servicio, con más sangría bajo `services`; revisa la sangría de `{key}`"
        )
    } else if SPECIFICATION["properties"].get(key).is_some() {
        format!(": `{key}` va en la raíz del archivo, sin sangría")
    } else if in_service && path.matches('.').count() > 1 {
        format!(": `{key}` va directamente en el servicio; revisa la sangría")
    } else {
        String::new()
    }
}

/// ` (¿querías decir …?)`, when one of `known` is near enough.
pub(in crate::submission::compose) fn did_you_mean(written: &str, known: &[&str]) -> String {
    let best = known
        .iter()
        .map(|name| (strsim::jaro_winkler(written, name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((likeness, name)) if likeness > 0.85 => format!(" (¿querías decir `{name}`?)"),
        _ => String::new(),
    }
}

pub(super) fn wrong_type(node: &Node, wanted: &[&str], path: &str) -> Fault {
    let has = |name| wanted.contains(&name);
    let mut names = Vec::new();
    for (is, name) in [
        (has("string"), "un texto"),
        (has("number") || has("integer"), "un número"),
        (has("boolean"), "`true` o `false`"),
        (has("array"), "una lista (`- …`)"),
        (has("object"), "un mapa (`clave: valor`)"),
    ] {
        if is {
            names.push(name);
        }
    }
    let wants = match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} o {last}", rest.join(", ")),
        None => "otra cosa".to_owned(),
    };
    let got = node.describe();
    let (written, advice) = match &node.value {
        Value::Scalar(scalar) if scalar.kind == Kind::Null => (
            String::new(),
            ": escribe un valor, o quita la clave".to_owned(),
        ),
        Value::Scalar(scalar) if has("string") && scalar.kind != Kind::Text => {
            let advice = if is_duration(path) {
                format!(": añade la unidad, `{}s`", scalar.text)
            } else {
                format!(": escríbelo entre comillas, `\"{}\"`", scalar.text)
            };
            (format!(" (`{}`)", scalar.text), advice)
        }
        Value::Scalar(scalar) if has("array") => (
            format!(" (`{}`)", scalar.text),
            format!(": escribe `[{}]`", scalar.text),
        ),
        Value::Scalar(scalar) => (format!(" (`{}`)", scalar.text), String::new()),
        _ => (String::new(), String::new()),
    };
    // A list or mapping inside of a list of pairs: such lists are taken apart before files are merged.
    let is_final = node.scalar().is_none() && path.ends_with(".environment");
    let what = if path.is_empty() { "el archivo" } else { path };
    let quote = if path.is_empty() { "" } else { "`" };
    Fault {
        is_final,
        ..fault(
            &node.location,
            format!("{quote}{what}{quote} tiene que ser {wants}, y es {got}{written}{advice}"),
        )
    }
}

fn is_duration(path: &str) -> bool {
    let key = path.rsplit('.').next().unwrap_or(path);
    matches!(
        key,
        "interval"
            | "timeout"
            | "start_period"
            | "start_interval"
            | "stop_grace_period"
            | "delay"
            | "window"
            | "monitor"
    )
}
