//! Compose's `$VARIABLE` in values: `${V}`, `${V:-d}`, `${V-d}`, `${V:?m}`, `${V?m}`, `${V:+x}`, `${V+x}`, `$$`.

use super::location::Location;
use super::yaml::{Kind, Node, Value};

/// Where variables come from.
pub type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Defaults inside of defaults at most.
const MOST_LEVELS: usize = 32;

/// Bytes of one text at most, its variables put in: variables made of variables double with every line.
const MOST_BYTES: usize = 64 << 10;
/// Bytes of a tree at most, the same way.
const MOST_BYTES_IN_TREE: usize = 8 << 20;

/// A text with its variables put in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interpolated {
    /// The result.
    pub text: String,
    /// The variables that are set nowhere and have no default: each became nothing.
    pub missing: Vec<String>,
    /// Every variable that is named, those of defaults too.
    pub uses: Vec<Use>,
}

/// A variable that a text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Use {
    /// Its name.
    pub name: String,
    /// Whether it may be unset without harm: it has a `-`, `+` or `?` form, or stands in a default that is not needed.
    pub guarded: bool,
}

/// A text whose variables cannot be put in; the message is Spanish.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InterpolationError {
    /// Braces behind a `$` that hold no variable.
    #[error(
        "`{0}` no es una variable válida: escribe `${{NOMBRE}}`, o `$$` si quieres un `$` literal"
    )]
    Invalid(String),
    /// More text than any real file has.
    #[error("las variables se multiplican sin medida: el texto que dan es demasiado largo")]
    TooLong,
    /// `${NAME:?why}`, and it is unset or empty.
    #[error("falta la variable obligatoria `{name}`{}: defínela en `.env` o en el entorno", why(.message))]
    Required {
        /// The variable.
        name: String,
        /// What the file says about it.
        message: String,
    },
}

fn why(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(" («{message}»)")
    }
}

/// Puts the variables into `text`.
///
/// # Errors
/// A `${` that is no variable, and a required variable that is missing.
pub fn text(text: &str, lookup: &Lookup) -> Result<Interpolated, InterpolationError> {
    let mut result = Interpolated::default();
    expand(text, lookup, &mut result, 0)?;
    Ok(result)
}

/// Puts the variables into every string value of the tree; keys stay as they are.
/// `told` gets what each text with a `$` became, with its place.
///
/// # Errors
/// As [`text`], with the place.
pub fn tree(
    node: &mut Node,
    lookup: &Lookup,
    told: &mut dyn FnMut(&Interpolated, &Location),
) -> Result<(), (InterpolationError, Location)> {
    let mut budget = MOST_BYTES_IN_TREE;
    walk(node, lookup, told, &mut budget)
}

fn walk(
    node: &mut Node,
    lookup: &Lookup,
    told: &mut dyn FnMut(&Interpolated, &Location),
    budget: &mut usize,
) -> Result<(), (InterpolationError, Location)> {
    match &mut node.value {
        Value::Scalar(scalar) if scalar.kind == Kind::Text && scalar.text.contains('$') => {
            let result =
                text(&scalar.text, lookup).map_err(|error| (error, node.location.clone()))?;
            *budget = budget
                .checked_sub(result.text.len())
                .ok_or_else(|| (InterpolationError::TooLong, node.location.clone()))?;
            told(&result, &node.location);
            scalar.text = result.text;
        }
        Value::Scalar(_) => {}
        Value::Seq(items) => {
            for item in items {
                walk(item, lookup, told, budget)?;
            }
        }
        Value::Map(fields) => {
            for field in fields {
                walk(&mut field.value, lookup, told, budget)?;
            }
        }
    }
    Ok(())
}

fn expand(
    text: &str,
    lookup: &Lookup,
    into: &mut Interpolated,
    level: usize,
) -> Result<(), InterpolationError> {
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        if into.text.len() > MOST_BYTES.max(text.len()) {
            return Err(InterpolationError::TooLong);
        }
        into.text.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$$") {
            into.text.push('$');
            rest = after;
        } else if let Some(inside) = rest.strip_prefix("${") {
            rest = braced(rest, inside, lookup, into, level)?;
        } else {
            let (name, after) = name(&rest[1..]);
            if name.is_empty() {
                // A `$` that starts nothing is a `$`.
                into.text.push('$');
            } else {
                put(name, lookup, into);
            }
            rest = after;
        }
    }
    into.text.push_str(rest);
    Ok(())
}

/// `${…}`; `whole` starts at the `$`, `inside` behind the brace; what follows is handed back.
fn braced<'t>(
    whole: &str,
    inside: &'t str,
    lookup: &Lookup,
    into: &mut Interpolated,
    level: usize,
) -> Result<&'t str, InterpolationError> {
    let (name, after) = name(inside);
    if name.is_empty() || level >= MOST_LEVELS {
        return Err(invalid(whole));
    }
    if let Some(rest) = after.strip_prefix('}') {
        put(name, lookup, into);
        return Ok(rest);
    }
    let (or_empty, after) = match after.strip_prefix(':') {
        Some(after) => (true, after),
        None => (false, after),
    };
    let Some(operator @ ('-' | '?' | '+')) = after.chars().next() else {
        return Err(invalid(whole));
    };
    let after = &after[1..];
    let close = close(after).ok_or_else(|| invalid(whole))?;
    let value = lookup(name).filter(|value| !(or_empty && value.is_empty()));
    let unused = match operator {
        '+' => value.is_none(),
        _ => value.is_some(),
    };
    let mut word = Interpolated::default();
    match expand(&after[..close], lookup, &mut word, level + 1) {
        // What is wrong with a word that is not needed does not count.
        Err(error) if !unused => return Err(error),
        _ => {}
    }
    into.uses.push(Use {
        name: name.to_owned(),
        guarded: true,
    });
    into.uses.extend(word.uses.into_iter().map(|mut it| {
        it.guarded |= unused;
        it
    }));
    match (operator, value) {
        ('-' | '?', Some(value)) => into.text.push_str(&value),
        ('?', None) => {
            return Err(InterpolationError::Required {
                name: name.to_owned(),
                message: word.text,
            });
        }
        ('-', None) | ('+', Some(_)) => {
            into.text.push_str(&word.text);
            into.missing.append(&mut word.missing);
        }
        _ => {}
    }
    Ok(&after[close + 1..])
}

/// Where the `}` is that closes what `text` is inside of. All braces come in pairs, as in `${A:-{"b": 1}}`;
/// when they do not, those of variables do.
fn close(text: &str) -> Option<usize> {
    let find = |opens: fn(char) -> bool| {
        let mut depth = 0_usize;
        let mut previous = ' ';
        text.char_indices().find_map(|(at, c)| {
            match c {
                '{' if opens(previous) => depth += 1,
                '}' if depth == 0 => return Some(at),
                '}' => depth -= 1,
                _ => {}
            }
            previous = c;
            None
        })
    };
    find(|_| true).or_else(|| find(|previous| previous == '$'))
}

fn put(name: &str, lookup: &Lookup, into: &mut Interpolated) {
    match lookup(name) {
        Some(value) => into.text.push_str(&value),
        None => into.missing.push(name.to_owned()),
    }
    into.uses.push(Use {
        name: name.to_owned(),
        guarded: false,
    });
}

fn name(text: &str) -> (&str, &str) {
    let starts = text.starts_with(|c: char| c == '_' || c.is_ascii_alphabetic());
    let end = text
        .find(|c: char| c != '_' && !c.is_ascii_alphanumeric())
        .unwrap_or(text.len());
    text.split_at(if starts { end } else { 0 })
}

fn invalid(from: &str) -> InterpolationError {
    let shown: String = from.lines().next().unwrap_or("").chars().take(40).collect();
    InterpolationError::Invalid(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        match name {
            "A" => Some("uno".to_owned()),
            "E" => Some(String::new()),
            _ => None,
        }
    }

    fn put(written: &str) -> String {
        text(written, &lookup).unwrap().text
    }

    fn error(written: &str) -> String {
        text(written, &lookup).unwrap_err().to_string()
    }

    #[test]
    fn each_form_gives_what_compose_gives() {
        let table = [
            ("$A", "uno"),
            ("${A}", "uno"),
            ("x${A}y$A-z", "xunoyuno-z"),
            ("$Abc", ""),
            ("${U:-d}", "d"),
            ("${U-d}", "d"),
            ("${E:-d}", "d"),
            ("${E-d}", ""),
            ("${A:-d}", "uno"),
            ("${A:+x}", "x"),
            ("${U:+x}", ""),
            ("${E:+x}", ""),
            ("${E+x}", "x"),
            ("${A:?m}", "uno"),
            ("${E?m}", ""),
            ("${U:-${A}}", "uno"),
            ("${U:-${V:-${A:+dos}}}", "dos"),
            ("${U:-a b:c-d}", "a b:c-d"),
            ("${U:-}", ""),
            ("$$A", "$A"),
            ("$$$A", "$uno"),
            ("a}b", "a}b"),
            ("$", "$"),
            ("$1 a$ b", "$1 a$ b"),
            ("${U:-$}", "$"),
            ("${A}}", "uno}"),
            ("${A:-${U:?no}}", "uno"),
            ("${A:-${}}x", "unox"),
            ("${A:-{\"a\": 1}}x", "unox"),
            ("${U:-{\"a\": {}}}x", "{\"a\": {}}x"),
            ("${U:-a{b}x", "a{bx"),
        ];
        for (written, meant) in table {
            assert_eq!(put(written), meant, "{written}");
        }
    }

    #[test]
    fn an_unset_variable_without_default_becomes_nothing_and_is_told() {
        let result = text("a$U-${V}-${W:-x}-${A:-$X}", &lookup).unwrap();
        assert_eq!(result.text, "a--x-uno");
        assert_eq!(result.missing, ["U", "V"]);
    }

    #[test]
    fn every_variable_named_is_known_and_whether_it_may_be_unset() {
        let uses = text("$A ${U:-$V} ${A:-${W:-$X}} $$Z", &lookup)
            .unwrap()
            .uses;
        let shown: Vec<String> = uses
            .iter()
            .map(|it| format!("{}{}", it.name, if it.guarded { "?" } else { "" }))
            .collect();
        assert_eq!(shown, ["A", "U?", "V", "A?", "W?", "X?"]);
    }

    #[test]
    fn a_required_variable_says_what_the_file_says() {
        assert_eq!(
            error("${U:?pon la clave}"),
            "falta la variable obligatoria `U` («pon la clave»): defínela en `.env` o en el entorno"
        );
        assert_eq!(
            error("${E:?}"),
            "falta la variable obligatoria `E`: defínela en `.env` o en el entorno"
        );
        assert!(error("${U:?falta $A}").contains("«falta uno»"));
    }

    #[test]
    fn braces_that_hold_no_variable_are_an_error() {
        for written in ["${", "${}", "${A", "${A:x}", "${1}", "${A:-b", "${A!}"] {
            assert!(
                matches!(text(written, &lookup), Err(InterpolationError::Invalid(_))),
                "{written}"
            );
        }
        assert_eq!(
            error("precio: ${5}"),
            "`${5}` no es una variable válida: escribe `${NOMBRE}`, o `$$` si quieres un `$` literal"
        );
        assert!(text(&"${U:-".repeat(10_000), &lookup).is_err());
    }

    #[test]
    fn only_string_values_of_a_tree_change() {
        let mut node = crate::submission::yaml::parse("$A: $A\nb: [\"${U}\", 1]\n", "c.yaml")
            .unwrap()
            .remove(0);
        let mut missing = Vec::new();
        tree(&mut node, &lookup, &mut |text, at| {
            missing.extend(text.missing.iter().map(|name| format!("{name} {at}")))
        })
        .unwrap();
        assert_eq!(node.get("$A").and_then(Node::str), Some("uno"));
        assert_eq!(missing, ["U c.yaml:2"]);
    }
}
