//! Quotes, escapes and variables of a word, as the builder reads them.

#[cfg(test)]
mod tests;

use std::ops::Range;

use super::pattern;

/// `${A:-${B:-…}}` inside of each other at most; deeper ones are left unknown.
const DEEPEST: usize = 32;

/// Bytes of one value at most.
const LONGEST: usize = 64 << 10;

/// What is known of a variable.
pub(super) enum Setting<'s> {
    /// It is not set.
    Unset,
    /// It may be set, to whatever.
    Unknown,
    /// A build argument without default: not set, unless the build is given one.
    NotGiven,
    /// It is set to that.
    Known(&'s str),
}

/// What may still be spent on a file's values: hostile ones double with every line.
pub(super) struct Budget(pub usize);

impl Budget {
    /// For a file of that length.
    pub fn of(text: &str) -> Self {
        Self((1 << 20) + 8 * text.len())
    }

    /// Takes `cost` off; whether there was that much.
    pub fn spend(&mut self, cost: usize) -> bool {
        let left = self.0.checked_sub(cost);
        self.0 = left.unwrap_or(0);
        left.is_some()
    }
}

/// A variable that is named in a word, and where.
#[derive(Debug, PartialEq)]
pub(super) struct Named {
    pub name: String,
    pub range: Range<usize>,
    pub guarded: bool,
}

/// Why the builder refuses a word, and where.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    pub range: Range<usize>,
    /// In Spanish, with the way out.
    pub message: String,
}

/// What the builder makes of a word.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Expansion {
    /// Nothing when it cannot be known.
    pub value: Option<String>,
    pub variables: Vec<Named>,
    pub refusal: Option<Refusal>,
}

/// Puts the variables into `text`, and drops its quotes and escapes.
pub(super) fn expand<'s>(
    text: &str,
    escape: char,
    lookup: &dyn Fn(&str) -> Setting<'s>,
    budget: &mut Budget,
) -> Expansion {
    let mut reader = Reader {
        text,
        at: 0,
        escape,
        lookup,
        budget,
        depth: 0,
        variables: Vec::new(),
    };
    let result = reader.until(None, false);
    let variables = reader.variables;
    let (value, refusal) = match result {
        Ok(out) => (out.filter(|value| budget.spend(value.len())), None),
        Err(Stop::Refused(refusal)) => (None, Some(refusal)),
        Err(Stop::TooDeep) => (None, None),
    };
    Expansion {
        value,
        variables,
        refusal,
    }
}

/// Whether every quote and `${` of `text` ends, and is of a form that the builder knows.
pub(super) fn is_well_formed(text: &str, escape: char) -> bool {
    let unknown = |_: &str| Setting::Unknown;
    expand(text, escape, &unknown, &mut Budget(usize::MAX))
        .refusal
        .is_none()
}

enum Stop {
    Refused(Refusal),
    TooDeep,
}

/// A text as far as it is known.
type Out = Option<String>;

struct Reader<'r, 's> {
    text: &'r str,
    at: usize,
    escape: char,
    lookup: &'r dyn Fn(&str) -> Setting<'s>,
    budget: &'r mut Budget,
    depth: usize,
    variables: Vec<Named>,
}

impl Reader<'_, '_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn refuse(&self, from: usize, message: impl Into<String>) -> Stop {
        Stop::Refused(Refusal {
            range: from..self.at,
            message: message.into(),
        })
    }

    /// Up to the closing `stop`, or to the end of the text.
    fn until(&mut self, stop: Option<char>, raw_escapes: bool) -> Result<Out, Stop> {
        let start = self.at;
        let mut out = Some(String::new());
        while let Some(c) = self.peek() {
            if Some(c) == stop {
                self.next();
                return Ok(out);
            }
            match c {
                '\'' => {
                    let from = self.at;
                    self.next();
                    let length = self.text[self.at..].find('\'');
                    let inside = &self.text[self.at..];
                    let inside = &inside[..length.unwrap_or(inside.len())];
                    add(&mut out, inside);
                    self.at += inside.len();
                    if self.next().is_none() {
                        return Err(self.refuse(
                            from,
                            "la comilla simple `'` no se cierra: añade la que falta, o escribe `\\'` si es un apóstrofo",
                        ));
                    }
                }
                '"' => {
                    let inside = self.double_quoted(raw_escapes)?;
                    join(&mut out, inside);
                }
                '$' => {
                    let value = self.dollar()?;
                    join(&mut out, value);
                }
                c if c == self.escape => {
                    self.next();
                    if raw_escapes {
                        push(&mut out, c);
                    }
                    if let Some(c) = self.next() {
                        push(&mut out, c);
                    }
                }
                c => {
                    self.next();
                    push(&mut out, c);
                }
            }
        }
        match stop {
            None => Ok(out),
            Some(stop) => Err(self.refuse(start, format!("falta un `{stop}` que cierre"))),
        }
    }

    fn double_quoted(&mut self, raw_escapes: bool) -> Result<Out, Stop> {
        let from = self.at;
        self.next();
        let mut out = Some(String::new());
        loop {
            match self.peek() {
                None => {
                    return Err(self.refuse(
                        from,
                        "las comillas `\"` no se cierran: añade las que faltan, o escribe `\\\"` si van dentro del texto",
                    ));
                }
                Some('"') => {
                    self.next();
                    return Ok(out);
                }
                Some('$') => {
                    let value = self.dollar()?;
                    join(&mut out, value);
                }
                Some(c) => {
                    self.next();
                    let mut c = c;
                    if c == self.escape {
                        if raw_escapes {
                            push(&mut out, c);
                        }
                        match self.peek() {
                            None => continue,
                            Some(next) if matches!(next, '"' | '$') || next == self.escape => {
                                self.next();
                                c = next;
                            }
                            Some(_) => {}
                        }
                    }
                    push(&mut out, c);
                }
            }
        }
    }

    /// `$NAME` or `${NAME…}`.
    fn dollar(&mut self) -> Result<Out, Stop> {
        let from = self.at;
        self.next();
        if self.peek() != Some('{') {
            let name = self.name();
            if name.is_empty() {
                return Ok(Some("$".to_owned()));
            }
            self.named(&name, from, false);
            return Ok(self.setting(&name).map(Option::unwrap_or_default));
        }
        self.next();
        if matches!(self.peek(), None | Some('{' | '}' | ':')) {
            self.next();
            return Err(self.refuse(
                from,
                format!(
                    "`{}` no nombra ninguna variable: escribe `${{NOMBRE}}`, o `\\$` si quieres un `$` literal",
                    &self.text[from..self.at]
                ),
            ));
        }
        let name = self.name();
        let form_at = self.at;
        let Some(form) = self.next() else {
            return Err(self.unclosed(from, &name));
        };
        match form {
            '}' => {
                self.named(&name, from, false);
                Ok(self.setting(&name).map(Option::unwrap_or_default))
            }
            ':' => {
                let form = self.next();
                self.modified(from, form_at, &name, form, true)
            }
            '+' | '-' | '?' | '#' | '%' => self.modified(from, form_at, &name, Some(form), false),
            '/' => self.replaced(from, &name),
            _ => Err(self.unsupported(from, form_at)),
        }
    }

    fn unclosed(&self, from: usize, name: &str) -> Stop {
        self.refuse(
            from,
            format!("a `${{{name}` le falta la llave `}}` que cierra"),
        )
    }

    fn unsupported(&self, from: usize, form_at: usize) -> Stop {
        self.refuse(
            from,
            format!(
                "el constructor no conoce la forma `{}` en `${{…}}`; conoce `:-`, `-`, `:+`, `+`, `:?`, `?`, `#`, `%` y `/`",
                &self.text[form_at..self.at]
            ),
        )
    }

    /// `${NAME:-word}` and the like, from behind the form on.
    fn modified(
        &mut self,
        from: usize,
        form_at: usize,
        name: &str,
        form: Option<char>,
        empty_is_unset: bool,
    ) -> Result<Out, Stop> {
        let raw = matches!(form, Some('#' | '%'));
        let word = self.inner('}', raw, from, name)?;
        self.named(name, from, matches!(form, Some('-' | '+')));
        let setting = self.setting(name);
        let there = setting.as_ref().map(|value| {
            value
                .as_ref()
                .is_some_and(|v| !(empty_is_unset && v.is_empty()))
        });
        Ok(match (form, there) {
            (Some('-'), Some(true)) | (Some('?'), Some(true)) => setting.flatten(),
            (Some('-'), Some(false)) | (Some('+'), Some(true)) => word,
            (Some('+'), Some(false)) => Some(String::new()),
            (Some('?'), Some(false)) => {
                let why = word.filter(|why| !why.is_empty());
                let why = why.map_or(String::new(), |why| format!(" («{why}»)"));
                return Err(self.refuse(
                    from,
                    format!(
                        "`{name}` es obligatoria aquí y no tiene valor{why}: dale uno con `ARG {name}=…` o con `--build-arg {name}=…`"
                    ),
                ));
            }
            // What holds in a build that is given nothing.
            (Some('-'), None) if self.is_not_given(name) => word,
            (Some('+'), None) if self.is_not_given(name) => Some(String::new()),
            (Some('-' | '+' | '?'), None) => None,
            (Some('#' | '%'), _) if !empty_is_unset => {
                let value = setting.map(Option::unwrap_or_default);
                value.zip(word).and_then(|(value, word)| {
                    pattern::trimmed(&value, &word, form == Some('%'), self.budget)
                })
            }
            _ => return Err(self.unsupported(from, form_at)),
        })
    }

    /// `${NAME/pattern/replacement}`, from behind the first `/` on.
    fn replaced(&mut self, from: usize, name: &str) -> Result<Out, Stop> {
        let all = self.peek() == Some('/');
        if all {
            self.next();
        }
        let pattern = self.inner('/', true, from, name)?;
        let replacement = self.inner('}', true, from, name)?;
        self.named(name, from, false);
        let value = self.setting(name).map(Option::unwrap_or_default);
        Ok(value.and_then(|value| {
            pattern::replaced(&value, &pattern?, &replacement?, all, self.budget)
        }))
    }

    /// A word inside of `${…}`.
    fn inner(&mut self, stop: char, raw: bool, from: usize, name: &str) -> Result<Out, Stop> {
        if self.depth == DEEPEST {
            return Err(Stop::TooDeep);
        }
        self.depth += 1;
        let word = self.until(Some(stop), raw);
        self.depth -= 1;
        match word {
            Err(Stop::Refused(_)) if self.at == self.text.len() && stop == '/' => Err(self.refuse(
                from,
                format!("a `${{{name}/…` le falta una parte: se escribe `${{{name}/busca/pon}}`"),
            )),
            Err(Stop::Refused(inner))
                if inner.range.end == self.text.len() && inner.message.starts_with("falta un") =>
            {
                Err(self.unclosed(from, name))
            }
            word => word,
        }
    }

    /// The name of a variable, or of a shell's special one.
    fn name(&mut self) -> String {
        let rest = &self.text[self.at..];
        let Some(first) = rest.chars().next() else {
            return String::new();
        };
        let end = if first.is_numeric() {
            rest.find(|c: char| !c.is_numeric())
        } else if matches!(first, '@' | '*' | '#' | '?' | '-' | '$' | '!') {
            Some(1)
        } else {
            rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))
        };
        let name = rest[..end.unwrap_or(rest.len())].to_owned();
        self.at += name.len();
        name
    }

    fn named(&mut self, name: &str, from: usize, guarded: bool) {
        if name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            self.variables.push(Named {
                name: name.to_owned(),
                range: from..self.at,
                guarded,
            });
        }
    }

    fn is_not_given(&self, name: &str) -> bool {
        matches!((self.lookup)(name), Setting::NotGiven)
    }

    /// Nothing when it is unknown, `Some(None)` when it is not set.
    fn setting(&mut self, name: &str) -> Option<Option<String>> {
        match (self.lookup)(name) {
            Setting::Unknown | Setting::NotGiven => None,
            Setting::Unset => Some(None),
            Setting::Known(value) => self
                .budget
                .spend(value.len())
                .then(|| Some(value.to_owned())),
        }
    }
}

fn push(out: &mut Out, c: char) {
    if let Some(text) = out {
        text.push(c);
    }
}

fn add(out: &mut Out, more: &str) {
    match out {
        Some(text) if text.len() + more.len() <= LONGEST => text.push_str(more),
        _ => *out = None,
    }
}

fn join(out: &mut Out, more: Out) {
    match more {
        Some(more) => add(out, &more),
        None => *out = None,
    }
}
