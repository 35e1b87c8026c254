//! The flags in front of an instruction's arguments.

use super::fault::did_you_mean;
use super::instruction::{Flag, Kind};
use super::line::Part;

/// What a flag takes.
#[derive(Clone, Copy, PartialEq)]
enum Takes {
    /// Nothing, `=true` or `=false`.
    Switch,
    /// A value, once.
    Value,
    /// A value, as often as wanted.
    Values,
}

use Takes::{Switch, Value, Values};

/// The flags that the instruction knows; nothing for those whose flags no builder looks at.
fn known(keyword: &str) -> Option<&'static [(&'static str, Takes)]> {
    Some(match keyword {
        "ADD" => &[
            ("checksum", Value),
            ("chmod", Value),
            ("chown", Value),
            ("exclude", Values),
            ("keep-git-dir", Switch),
            ("link", Switch),
            ("unpack", Switch),
        ],
        "COPY" => &[
            ("chmod", Value),
            ("chown", Value),
            ("exclude", Values),
            ("from", Value),
            ("link", Switch),
            ("parents", Switch),
        ],
        "FROM" => &[("platform", Value)],
        "HEALTHCHECK" => &[
            ("interval", Value),
            ("retries", Value),
            ("start-interval", Value),
            ("start-period", Value),
            ("timeout", Value),
        ],
        "RUN" => &[
            ("device", Values),
            ("mount", Values),
            ("network", Value),
            ("security", Value),
        ],
        "ARG" | "STOPSIGNAL" => return None,
        _ => &[],
    })
}

/// Takes the flags off the front of an instruction's arguments.
///
/// Quotes and backslashes in a flag are dropped here, whatever the escape character is.
pub(super) fn split(part: Part<'_>) -> (Vec<Flag>, Part<'_>) {
    let mut flags = Vec::new();
    let mut rest = part.trim();
    while rest.text().starts_with("--") {
        let text = rest.text();
        let mut said = String::new();
        let mut quote = None;
        let mut end = text.len();
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            match (c, quote) {
                (c, None) if c.is_whitespace() => {
                    end = at;
                    break;
                }
                ('\'' | '"', None) => quote = Some(c),
                (c, Some(open)) if c == open => quote = None,
                ('\\', _) => said.extend(chars.next().map(|(_, c)| c)),
                (c, _) => said.push(c),
            }
        }
        let (word, behind) = (rest.slice(0..end), rest.slice(end..text.len()).trim());
        rest = behind;
        if said == "--" {
            break;
        }
        flags.push(flag(word, &said));
    }
    (flags, rest)
}

fn flag(word: Part<'_>, said: &str) -> Flag {
    let said = said.strip_prefix("--").unwrap_or(said);
    let (name, value) = match said.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (said, None),
    };
    let value = value.map(|value| {
        let text = word.text();
        let from = text.find('=').map_or(text.len(), |at| at + 1);
        word.slice(from..text.len()).meaning(value.to_owned())
    });
    Flag {
        name: name.to_owned(),
        value,
        span: word.span(),
    }
}

/// What is wrong with the flags of an instruction: which, and why.
pub(super) fn check<'f>(
    keyword: &str,
    kind: Option<&Kind>,
    flags: &'f [Flag],
) -> Vec<(&'f Flag, String)> {
    // `HEALTHCHECK NONE` never looks at its flags.
    if matches!(kind, Some(Kind::Healthcheck(None))) {
        return Vec::new();
    }
    let Some(known) = known(keyword) else {
        return Vec::new();
    };
    let mut wrong = Vec::new();
    for (index, flag) in flags.iter().enumerate() {
        let name = &flag.name;
        let Some(&(_, takes)) = known.iter().find(|(known, _)| known == name) else {
            wrong.push((flag, unknown(keyword, flag, known)));
            continue;
        };
        let value = flag.value.as_ref().map(super::word::Word::text);
        if takes != Values && flags[..index].iter().any(|other| other.name == *name) {
            wrong.push((
                flag,
                format!("`--{name}` está dos veces en el mismo `{keyword}`: deja una"),
            ));
        } else if takes == Switch {
            if let Some(value) = value
                && !["true", "false"].contains(&value.to_lowercase().as_str())
            {
                wrong.push((
                    flag,
                    format!("`--{name}` solo admite `true` o `false`, no `{value}`"),
                ));
            }
        } else if value.is_none() {
            wrong.push((
                flag,
                format!(
                    "a `--{name}` le falta su valor, unido con `=` y sin espacios: `--{name}=…`"
                ),
            ));
        }
    }
    wrong
}

fn unknown(keyword: &str, flag: &Flag, known: &[(&'static str, Takes)]) -> String {
    let written = &flag.name;
    let names = || known.iter().map(|&(name, _)| name);
    if let Some(near) = did_you_mean(&written.to_lowercase(), names()) {
        return format!(
            "`{keyword}` no tiene la opción `--{written}`; ¿quisiste decir `--{near}`?"
        );
    }
    let owner = ["RUN", "COPY", "FROM", "HEALTHCHECK"]
        .into_iter()
        .find(|owner| {
            super::flag::known(owner)
                .is_some_and(|known| known.iter().any(|(name, _)| name == written))
        });
    if let Some(owner) = owner {
        return format!("`--{written}` es una opción de `{owner}`, no de `{keyword}`");
    }
    if known.is_empty() {
        return format!(
            "`{keyword}` no admite opciones, y `--{written}` lo parece: bórrala, o escribe la orden entre corchetes si es suya (`[\"--{written}\"]`)"
        );
    }
    let list: Vec<_> = names().map(|name| format!("`--{name}`")).collect();
    format!(
        "`{keyword}` no tiene la opción `--{written}`; tiene {}",
        list.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::submission::dockerfile::instruction::ShellText;

    fn read(text: &str) -> (Vec<(String, Option<String>)>, String) {
        let mut line = ShellText::default();
        line.push(text, 0);
        let (flags, rest) = split(line.part());
        let flags = flags
            .into_iter()
            .map(|flag| (flag.name, flag.value.and_then(|word| word.value)));
        (flags.collect(), rest.text().to_owned())
    }

    #[test]
    fn flags_lose_their_quotes_and_backslashes() {
        let (flags, rest) = read(r#"--mount=type=bind,target="/a b" --link --from='x'y a\b c"#);
        assert_eq!(
            flags,
            [
                ("mount".into(), Some("type=bind,target=/a b".into())),
                ("link".into(), None),
                ("from".into(), Some("xy".into())),
            ]
        );
        assert_eq!(rest, r"a\b c");
        assert_eq!(read(r"-- --link a"), (vec![], "--link a".into()));
        assert_eq!(read(r"--a=\\b c").0, [("a".into(), Some("\\b".into()))]);
        assert_eq!(read("- a"), (vec![], "- a".into()));
    }
}
