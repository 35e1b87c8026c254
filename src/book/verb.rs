//! What is done with a fenced block of the book, as its info string says: `dockerfile,construye=api`.

/// What is done with a block to know that it is true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// `verifica`: our readers take it, and no rule finds an error in it.
    Holds,
    /// `construye`, or `construye=NAME`: the engine builds it, with the course's app as context.
    Builds(Option<String>),
    /// `falla=RULE` or `falla=TEXT`: that rule finds it, or the build stops with that text.
    Fails(String),
    /// `corre`: its `$` lines are run, and print what the block shows.
    Runs,
    /// `solo-lectura=why`: nothing is done with it, for that reason.
    ReadOnly(String),
}

/// The language and the verb of an info string.
///
/// # Errors
/// What is wrong with it, for whoever wrote the page.
pub fn parse(info: &str) -> Result<(&str, Verb), String> {
    let Some((language, verb)) = info.split_once(',') else {
        return Err(format!(
            "`{info}` no dice qué se hace con el bloque: `{info},verifica`, `construye`, `falla=…`, `corre` o `solo-lectura=…`"
        ));
    };
    let (name, value) = match verb.split_once('=') {
        Some((name, value)) => (name, Some(value.trim())),
        None => (verb.trim(), None),
    };
    let verb = match (name.trim(), value) {
        ("verifica", None) => Verb::Holds,
        ("construye", None) => Verb::Builds(None),
        ("construye", Some(name)) if !name.is_empty() => Verb::Builds(Some(name.to_owned())),
        ("falla", Some(what)) if !what.is_empty() => Verb::Fails(what.to_owned()),
        ("corre", None) => Verb::Runs,
        ("solo-lectura", Some(why)) if !why.is_empty() => Verb::ReadOnly(why.replace('-', " ")),
        _ => {
            return Err(format!(
                "no sé qué es `{verb}`: vale `verifica`, `construye`, `construye=NOMBRE`, `falla=REGLA`, `corre` o \
                 `solo-lectura=por-qué`"
            ));
        }
    };
    Ok((language.trim(), verb))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_info_string_is_a_language_and_what_is_done_with_the_block() {
        let read = |info| parse(info).map_err(|_| ());
        assert_eq!(read("yaml,verifica"), Ok(("yaml", Verb::Holds)));
        assert_eq!(
            read("dockerfile,construye=ml-api:1.0"),
            Ok(("dockerfile", Verb::Builds(Some("ml-api:1.0".into()))))
        );
        assert_eq!(
            read("dockerfile,falla=not found, ni aquí"),
            Ok(("dockerfile", Verb::Fails("not found, ni aquí".into())))
        );
        assert_eq!(
            read("bash,solo-lectura=necesita-internet"),
            Ok(("bash", Verb::ReadOnly("necesita internet".into())))
        );
        for wrong in [
            "yaml",
            "yaml,",
            "yaml,falla",
            "yaml,falla=",
            "console,corre=x",
        ] {
            assert_eq!(read(wrong), Err(()), "{wrong}");
        }
    }
}
