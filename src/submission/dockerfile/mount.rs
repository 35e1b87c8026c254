//! `--mount=type=…,target=…` taken apart, and what the builder would not take of it.

use super::fault::did_you_mean;
use super::instruction::{Flag, Mount};
use super::word::Word;
use crate::submission::location::Span;

const KEYS: [&str; 18] = [
    "type",
    "from",
    "source",
    "src",
    "target",
    "dst",
    "destination",
    "readonly",
    "ro",
    "readwrite",
    "rw",
    "id",
    "sharing",
    "required",
    "mode",
    "uid",
    "gid",
    "size",
];
/// Also the one that only secrets have.
const SECRET_KEY: &str = "env";
const TYPES: [&str; 5] = ["bind", "cache", "tmpfs", "secret", "ssh"];
const SHARING: [&str; 3] = ["shared", "private", "locked"];

/// The mounts among the flags of a `RUN`.
pub(super) fn read(flags: &[Flag]) -> Vec<Mount> {
    flags
        .iter()
        .filter(|flag| flag.name == "mount")
        .filter_map(|flag| Some(mount(flag.span, flag.value.as_ref()?)))
        .collect()
}

fn mount(span: Span, word: &Word) -> Mount {
    let text = word.text();
    // Only where nothing was dropped from it do places inside of the value hold.
    let exact = text == word.written && word.span.end - word.span.start == text.len();
    let mut options = Vec::new();
    let mut at = 0;
    for field in fields(text) {
        let (key, value) = match field.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (field, None),
        };
        let value = value.map(|value| {
            let start = word.span.start + at + key.len() + 1;
            Word {
                written: value.to_owned(),
                value: Some(value.to_owned()),
                span: if exact {
                    Span::new(start, start + value.len())
                } else {
                    word.span
                },
                variables: Vec::new(),
            }
        });
        options.push((key.to_lowercase(), value));
        at += field.len() + 1;
    }
    Mount { span, options }
}

/// The fields between commas; in double quotes a comma is none.
fn fields(text: &str) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c| {
        quoted ^= c == '"';
        c == ',' && !quoted
    })
    .map(|field| {
        field
            .strip_prefix('"')
            .and_then(|field| field.strip_suffix('"'))
            .unwrap_or(field)
    })
    .collect()
}

/// What is wrong with a mount, variables put in.
pub(super) fn check(mount: &Mount) -> Vec<(Span, String)> {
    let mut wrong = Vec::new();
    for (key, value) in &mount.options {
        let span = value.as_ref().map_or(mount.span, |word| word.span);
        if key != SECRET_KEY && !KEYS.contains(&key.as_str()) {
            let near = did_you_mean(key, KEYS);
            let near = near.map_or(String::new(), |near| format!("; ¿quisiste decir `{near}`?"));
            wrong.push((
                span,
                format!("`--mount` no tiene ninguna clave `{key}`{near}"),
            ));
            continue;
        }
        let Some(word) = value else {
            if !matches!(
                key.as_str(),
                "readonly" | "ro" | "readwrite" | "rw" | "required"
            ) {
                wrong.push((
                    span,
                    format!("a `{key}` le falta su valor en `--mount`: `{key}=…`"),
                ));
            }
            continue;
        };
        let Some(value) = &word.value else { continue };
        let one_of = |choices: &[&str]| {
            (!choices.contains(&value.to_lowercase().as_str())).then(|| {
                let near = did_you_mean(value, choices.iter().copied());
                let near =
                    near.map_or(String::new(), |near| format!("; ¿quisiste decir `{near}`?"));
                format!(
                    "`{key}` en `--mount` admite {}, no `{value}`{near}",
                    choices.join(", ")
                )
            })
        };
        let message = match key.as_str() {
            "from" if value.bytes().zip(value.bytes().skip(1)).any(|(b, _)| b == b'$') => Some(
                "`from` en `--mount` no admite variables: da nombre a una etapa (`FROM … AS base`) y usa ese nombre".to_owned(),
            ),
            "type" => one_of(&TYPES),
            "sharing" => one_of(&SHARING),
            "readonly" | "ro" | "readwrite" | "rw" | "required" => {
                let fits =
                    ["1", "0", "t", "f", "true", "false"].contains(&value.to_lowercase().as_str());
                (!fits).then(|| format!("`{key}` en `--mount` es `true` o `false`, no `{value}`"))
            }
            "uid" | "gid" => value
                .parse::<u32>()
                .is_err()
                .then(|| format!("`{key}` en `--mount` es un número, no `{value}`")),
            "mode" => u32::from_str_radix(value, 8).is_err().then(|| {
                format!("`mode` en `--mount` es un número en octal como `0400`, no `{value}`")
            }),
            _ => None,
        };
        wrong.extend(message.map(|message| (word.span, message)));
    }
    let place = |key: &str| {
        let (_, value) = mount.options.iter().find(|(name, _)| name == key)?;
        Some(value.as_ref().map_or(mount.span, |word| word.span))
    };
    let unknown_type = mount
        .options
        .iter()
        .any(|(key, value)| key == "type" && value.as_ref().is_some_and(|v| v.value.is_none()));
    if unknown_type {
        return wrong;
    }
    let kind = mount.kind().to_lowercase();
    for (keys, kinds) in [
        (&["uid", "gid", "mode"][..], &["secret", "ssh", "cache"][..]),
        (&["required"], &["secret", "ssh"]),
        (&["sharing"], &["cache"]),
        (&["size"], &["tmpfs"]),
        (&["env"], &["secret"]),
    ] {
        for key in keys.iter().filter(|_| !kinds.contains(&kind.as_str())) {
            wrong.extend(place(key).map(|span| {
                let kinds = kinds.join("`, `");
                (span, format!("`{key}` solo vale en un `--mount` de tipo `{kinds}`, y este es de tipo `{kind}`"))
            }));
        }
    }
    if kind == "secret" {
        if let Some(span) = place("from") {
            wrong.push((
                span,
                "un secreto no sale de una etapa: quita `from`".to_owned(),
            ));
        }
        let source = place("source").or_else(|| place("src"));
        let target = ["target", "dst", "destination"].into_iter().find_map(place);
        match (source, place("id")) {
            (None, None) if target.is_none() => {
                wrong.push((
                    mount.span,
                    "a este secreto le falta decir cuál es: `--mount=type=secret,id=nombre`"
                        .to_owned(),
                ));
            }
            (Some(span), Some(_)) => {
                wrong.push((
                    span,
                    "`id` y `source` nombran lo mismo en un secreto: deja `id`".to_owned(),
                ));
            }
            _ => {}
        }
    }
    wrong
}
