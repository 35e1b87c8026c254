//! Every key that Compose knows and the type it wants, from the Compose Specification's own JSON Schema.
//!
//! The schema is interpreted here and not by a library, because a learner needs the line, a Spanish sentence and
//! "did you mean", not "false schema".

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value as Json};

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

/// A text that Compose cannot cast to the number or boolean that the key wants.
fn miscast(node: &Node, wanted: &[&str], path: &str) -> Option<Fault> {
    const INTEGERS: [&str; 18] = [
        "retries",
        "replicas",
        "parallelism",
        "max_attempts",
        "max_replicas_per_node",
        "target",
        "hard",
        "soft",
        "scale",
        "pids_limit",
        "pids",
        "cpu_count",
        "cpu_shares",
        "cpu_quota",
        "cpu_period",
        "cpu_rt_period",
        "cpu_rt_runtime",
        "oom_score_adj",
    ];
    const NUMBERS: [&str; 3] = ["cpus", "cpu_percent", "max_failure_ratio"];
    /// These are cast after merging.
    const LATE: [&str; 8] = [
        "no_cache",
        "pull",
        "attach",
        "required",
        "pids",
        "limits.cpus",
        "reservations.cpus",
        "build.privileged",
    ];
    let scalar = node.scalar()?;
    let (key, text) = (
        path.rsplit('.').next().unwrap_or(path),
        scalar.text.as_str(),
    );
    let has = |name: &str| wanted.contains(&name);
    let is_number = has("number") || has("integer");
    if let Kind::Float(value) = scalar.kind
        && (!value.is_finite() || matches!(key, "group_add" | "expose"))
    {
        return Some(fault(
            &node.location,
            format!(
                "`{path}` no admite el número `{text}`: escríbelo entre comillas, `\"{text}\"`"
            ),
        ));
    }
    if scalar.kind != Kind::Text || !has("string") {
        return None;
    }
    let (fits, wants) = if has("boolean") && !is_number && !matches!(key, "provenance" | "sbom") {
        (super::fields::boolean(text).is_some(), "`true` o `false`")
    } else if is_number && (INTEGERS.contains(&key) || path.contains(".ulimits.")) {
        (text.parse::<i64>().is_ok(), "un número entero")
    } else if is_number && NUMBERS.contains(&key) {
        (text.parse::<f64>().is_ok(), "un número")
    } else {
        return None;
    };
    (!fits).then(|| Fault {
        is_final: !LATE.iter().any(|late| path.ends_with(late)),
        ..fault(
            &node.location,
            format!("`{path}` tiene que ser {wants}, y es `{text}`"),
        )
    })
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

fn unknown(key: &str, location: &Location, parts: &[&Json], path: &str) -> Fault {
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
pub(super) fn did_you_mean(written: &str, known: &[&str]) -> String {
    let best = known
        .iter()
        .map(|name| (strsim::jaro_winkler(written, name), name))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((likeness, name)) if likeness > 0.85 => format!(" (¿querías decir `{name}`?)"),
        _ => String::new(),
    }
}

fn wrong_type(node: &Node, wanted: &[&str], path: &str) -> Fault {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::yaml::parse;

    fn error(text: &str) -> String {
        let mut faults = check(&parse(text, "c.yaml").unwrap()[0]);
        assert!(!faults.is_empty(), "{text}");
        faults.remove(0).error.to_string()
    }

    fn service(body: &str) -> String {
        error(&format!("services:\n  api:\n    {body}\n"))
    }

    #[test]
    fn an_unknown_key_gets_the_nearest_known_one() {
        assert_eq!(
            service("enviroment: {A: 1}"),
            "c.yaml:3: Compose no conoce la clave `enviroment` en `services.api` (¿querías decir `environment`?)"
        );
        assert_eq!(
            service("healthcheck: {inteval: 5s}"),
            "c.yaml:3: Compose no conoce la clave `inteval` en `services.api.healthcheck` (¿querías decir `interval`?)"
        );
    }

    #[test]
    fn a_key_at_the_wrong_level_is_told_where_it_belongs() {
        assert_eq!(
            error("services: {}\nimage: x\n"),
            "c.yaml:2: Compose no conoce la clave `image` en la raíz del archivo: va dentro de un servicio, con más sangría bajo `services`; revisa la sangría de `image`"
        );
        assert!(error("api: {image: x}").ends_with("si es un servicio, va dentro de `services`"));
        assert!(service("services: {}").contains("va en la raíz"));
        assert!(
            service("healthcheck: {restart: always}").contains("va directamente en el servicio")
        );
    }

    #[test]
    fn a_wrong_type_says_what_is_wanted_what_is_there_and_the_way_out() {
        assert_eq!(
            service("user: 1000"),
            "c.yaml:3: `services.api.user` tiene que ser un texto, y es un número entero (`1000`): escríbelo entre comillas, `\"1000\"`"
        );
        assert_eq!(
            service("healthcheck: {interval: 30}"),
            "c.yaml:3: `services.api.healthcheck.interval` tiene que ser un texto, y es un número entero (`30`): añade la unidad, `30s`"
        );
        assert_eq!(
            service("ports: 8000"),
            "c.yaml:3: `services.api.ports` tiene que ser una lista (`- …`), y es un número entero (`8000`): escribe `[8000]`"
        );
        assert!(service("environment:").contains("tiene que ser una lista (`- …`) o un mapa (`clave: valor`), y es un valor vacío: escribe un valor, o quita la clave"));
        assert!(error("- a\n").starts_with("c.yaml:1: el archivo tiene que ser un mapa"));
        assert!(service("environment: {A: [1]}").contains("`services.api.environment.A`"));
    }

    #[test]
    fn a_value_outside_of_its_list_gets_the_list() {
        assert_eq!(
            service("depends_on: {db: {condition: service_healty}}"),
            "c.yaml:3: `services.api.depends_on.db.condition` no admite `service_healty` (¿querías decir `service_healthy`?): elige entre `service_started`, `service_healthy`, `service_completed_successfully`"
        );
        assert!(service("pull_policy: alwys").contains("¿querías decir `always`?"));
        assert!(service("container_name: n").contains("`n` no sirve para"));
        assert!(service("depends_on: {db: {}}").contains("le falta la clave `condition`"));
        assert!(service("oom_score_adj: 2000").contains("no puede ser mayor que 1000"));
        assert!(
            error("services: {'a b': {image: x}}")
                .contains("`a b` no sirve como nombre en `services`")
        );
    }

    #[test]
    fn a_text_that_cannot_be_cast_and_an_entry_that_is_there_twice_are_told() {
        assert_eq!(
            service("read_only: quizá"),
            "c.yaml:3: `services.api.read_only` tiene que ser `true` o `false`, y es `quizá`"
        );
        assert_eq!(
            service("scale: \"dos\""),
            "c.yaml:3: `services.api.scale` tiene que ser un número entero, y es `dos`"
        );
        assert_eq!(
            service("networks: [a, b, a]"),
            "c.yaml:3: `a` está dos veces en `services.api.networks`, también en la línea 3: deja solo una"
        );
        assert!(service("pull_policy: every_x").contains("no admite `every_x`"));
        assert!(service("environment: {A: .inf}").contains("no admite el número `.inf`"));
    }

    #[test]
    fn what_the_specification_knows_passes() {
        let text = "name: x\nx-base: &b {a: 1}\nservices:\n  api:\n    x-any: {b: 1}\n    build: {context: ., args: {A: 1}}\n    ports: [8000, \"80:80\", {target: 1}]\n    read_only: yes\n    command:\n    environment: [A=1]\n    healthcheck: {test: [CMD, a], retries: \"3\"}\n    networks: {n: }\n    deploy: {replicas: \"2\", resources: {limits: {cpus: 0.5}}}\n    depends_on: {db: {condition: service_healthy, required: \"true\"}}\n    user: !reset 5\nvolumes: {v: }\n";
        let faults = check(&parse(text, "c.yaml").unwrap()[0]);
        assert!(faults.is_empty(), "{faults:?}");
    }
}
