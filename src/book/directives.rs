//! What a page asks for in a line of its own.

/// One request of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directive<'p> {
    /// `{{#ejercicio ID}}`
    Exercise(&'p str),
    /// `{{#checklist}}`
    Checklist,
    /// `{{#reglas}}`
    Rules,
    /// `{{#experimentos}}`
    Experiments,
    /// `{{#svg img/NAME.svg}}`
    Svg(&'p str),
}

/// What mdBook itself understands.
const OF_MDBOOK: [&str; 5] = [
    "include",
    "rustdoc_include",
    "playground",
    "playpen",
    "title",
];

/// The request that `line` is, if it is one.
///
/// # Errors
/// When nobody understands it.
pub fn read(line: &str) -> Result<Option<Directive<'_>>, String> {
    let inner = line
        .trim()
        .strip_prefix("{{#")
        .and_then(|rest| rest.strip_suffix("}}"));
    let Some(inner) = inner else { return Ok(None) };
    let (name, argument) = match inner.trim().split_once(' ') {
        Some((name, argument)) => (name, argument.trim()),
        None => (inner.trim(), ""),
    };
    Ok(Some(match (name, argument) {
        ("ejercicio", id) if !id.is_empty() => Directive::Exercise(id),
        ("checklist", "") => Directive::Checklist,
        ("reglas", "") => Directive::Rules,
        ("experimentos", "") => Directive::Experiments,
        ("svg", path) if !path.is_empty() => Directive::Svg(path),
        (name, _) if OF_MDBOOK.contains(&name) => return Ok(None),
        _ => return Err(format!("no entiendo `{}`", line.trim())),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_of_its_own_asks_for_something() {
        assert_eq!(
            read("{{#ejercicio salud-sin-curl}}"),
            Ok(Some(Directive::Exercise("salud-sin-curl")))
        );
        assert_eq!(read("{{#checklist}}"), Ok(Some(Directive::Checklist)));
        assert_eq!(read("Escribe {{#checklist}} aquí"), Ok(None));
        assert_eq!(read("{{#include x.md}}"), Ok(None));
        assert!(read("{{#ejercicios x}}").is_err());
        assert!(read("{{#ejercicio}}").is_err());
    }
}
