//! Compose's own format for `.env` and `env_file`, which is neither a shell's nor any other library's.
//!
//! `A=a b # c` is `a b`, but `A=a# c` is all of it; `'…'` is literal, `"…"` knows escapes and variables, both
//! may span lines; `A: 1` and `export A=1` are fine; a bare `A` is taken from the surroundings.
//!
//! Two oddities of Compose are not kept: it takes a bare `A` at the very end of a file for the value of a variable
//! without name, and it accepts `=1`, which no engine then takes.

use std::collections::HashMap;

use super::interpolate::{self, InterpolationError, Lookup};
use super::location::Location;

/// Bytes of all values at most, their variables put in.
const MOST_BYTES: usize = 4 << 20;

/// What separates `export` from a name: fewer blanks than elsewhere.
const BEHIND_EXPORT: [char; 4] = ['\t', '\u{c}', '\r', ' '];

/// A variable, its value (nothing for a bare name that is set nowhere) and where its name is.
pub type Variable = (String, Option<String>, Location);

/// A file that Compose cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {message}")]
pub struct DotenvError {
    /// In Spanish, with the way out.
    pub message: String,
    /// Where.
    pub location: Location,
}

/// Reads `text`, the content of `file`. Variables in values come from `lookup`, or else from the lines above;
/// bare names come from `lookup`.
///
/// # Errors
/// The first line that Compose refuses.
pub fn parse(text: &str, file: &str, lookup: &Lookup) -> Result<Vec<Variable>, DotenvError> {
    parse_after(text, file, lookup, &|_| None)
}

/// As [`parse`], for a file that is read after others: what neither `lookup` nor the lines above know comes
/// from `before`.
///
/// # Errors
/// The first line that Compose refuses.
pub fn parse_after(
    text: &str,
    file: &str,
    lookup: &Lookup,
    before: &Lookup,
) -> Result<Vec<Variable>, DotenvError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader {
        text,
        at: 0,
        file,
        lookup,
        before,
        found: Vec::new(),
        values: HashMap::new(),
        line: (1, 0),
        budget: MOST_BYTES,
    };
    while reader.skip_to_statement() {
        reader.statement()?;
    }
    Ok(reader.found)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    file: &'a str,
    lookup: &'a Lookup<'a>,
    before: &'a Lookup<'a>,
    found: Vec<Variable>,
    values: HashMap<String, Option<String>>,
    /// The number of the line read last, and where it starts.
    line: (usize, usize),
    /// Bytes that values may still take.
    budget: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    /// The place of `at`, which never lies before the start of the line asked for last.
    fn location(&mut self, at: usize) -> Location {
        let (line, start) = self.line;
        let passed = &self.text[start..at];
        if let Some(end) = passed.rfind('\n') {
            self.line = (line + passed.matches('\n').count(), start + end + 1);
        }
        let (line, start) = self.line;
        Location {
            file: self.file.to_owned(),
            line,
            column: self.text[start..at].chars().count() + 1,
        }
    }

    fn fault(&mut self, at: usize, message: String) -> DotenvError {
        DotenvError {
            message,
            location: self.location(at),
        }
    }

    /// Passes over blanks and comments; whether anything is left.
    fn skip_to_statement(&mut self) -> bool {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            if !self.rest().starts_with('#') {
                return !self.rest().is_empty();
            }
            self.at = self
                .rest()
                .find('\n')
                .map_or(self.text.len(), |end| self.at + end);
        }
    }

    fn statement(&mut self) -> Result<(), DotenvError> {
        let rest = self.rest();
        if let Some(after) = rest.strip_prefix("export")
            && after.starts_with(BEHIND_EXPORT)
        {
            self.at += rest.len() - after.trim_start_matches(BEHIND_EXPORT).len();
        }
        let start = self.at;
        let mut end = None;
        for (offset, c) in self.rest().char_indices() {
            if is_blank(c) || matches!(c, '_' | '.' | '-' | '[' | ']') || c.is_alphanumeric() {
                continue;
            }
            if matches!(c, '=' | ':' | '\n') {
                end = Some((offset, c));
                break;
            }
            let line: String = self
                .rest()
                .lines()
                .next()
                .unwrap_or("")
                .chars()
                .take(40)
                .collect();
            return Err(self.fault(
                start + offset,
                format!("el carácter `{c}` no puede ir en el nombre de una variable (`{line}`): escribe `NOMBRE=valor`"),
            ));
        }
        let (length, bare) = match end {
            Some((offset, c)) => (offset, c == '\n'),
            None => (self.rest().len(), true),
        };
        let name = self.rest()[..length].trim_end().to_owned();
        if name.contains(' ') {
            return Err(self.fault(
                start,
                format!("el nombre `{name}` lleva un espacio: escribe `NOMBRE=valor`, sin espacios en el nombre"),
            ));
        }
        if name.is_empty() && end.is_some_and(|(_, c)| c == '\n') {
            // An `export` alone on its line; at the end of the file Compose wants its name.
            self.at += length;
            return Ok(());
        }
        if name.is_empty() {
            return Err(self.fault(
                start,
                "falta el nombre de la variable: escribe `NOMBRE=valor`".to_owned(),
            ));
        }
        let location = self.location(start);
        self.at += length;
        if bare {
            let value = (self.lookup)(&name);
            self.values.insert(name.clone(), value.clone());
            self.found.push((name, value, location));
            return Ok(());
        }
        self.at += 1;
        self.at += self.rest().len() - self.rest().trim_start_matches(is_blank).len();
        let value = match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => self.quoted(quote)?,
            _ => self.unquoted()?,
        };
        self.values.insert(name.clone(), Some(value.clone()));
        self.found.push((name, Some(value), location));
        Ok(())
    }

    fn unquoted(&mut self) -> Result<String, DotenvError> {
        let start = self.at;
        let line = self.rest().split('\n').next().unwrap_or("");
        let value = line.split(" #").next().unwrap_or("").trim_end().to_owned();
        self.at += line.len();
        self.expand(&value, start)
    }

    /// A quoted value, over as many lines as it takes.
    fn quoted(&mut self, quote: char) -> Result<String, DotenvError> {
        let start = self.at;
        let mut value = String::new();
        let mut escaped = false;
        for (offset, c) in self.text[start + 1..].char_indices() {
            if c == quote && !escaped {
                self.at = start + 1 + offset + 1;
                return if quote == '"' {
                    self.expand(&unescape(&value), start)
                } else {
                    Ok(value)
                };
            }
            if c == '\\' && !escaped {
                escaped = true;
                continue;
            }
            if escaped && c != quote {
                value.push('\\');
            }
            escaped = false;
            value.push(c);
        }
        Err(self.fault(
            start,
            format!("el valor empieza con {quote} y no se cierra: añade otra {quote} al final"),
        ))
    }

    fn expand(&mut self, value: &str, at: usize) -> Result<String, DotenvError> {
        let lookup = |name: &str| {
            (self.lookup)(name)
                .or_else(|| self.values.get(name).cloned().flatten())
                .or_else(|| (self.before)(name))
        };
        let result = interpolate::text(value, &lookup).and_then(|result| {
            let left = self.budget.checked_sub(result.text.len());
            left.map(|left| (result.text, left))
                .ok_or(InterpolationError::TooLong)
        });
        match result {
            Ok((text, left)) => {
                self.budget = left;
                Ok(text)
            }
            Err(error) => Err(self.fault(at, error.to_string())),
        }
    }
}

/// Blank, but no end of line.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\t' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}'
    )
}

/// The escapes of double quotes; those not known stay as written.
fn unescape(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        result.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let Some(c) = after.chars().next() else {
            result.push('\\');
            return result;
        };
        rest = &after[c.len_utf8()..];
        match c {
            'a' => result.push('\u{7}'),
            'b' => result.push('\u{8}'),
            'f' => result.push('\u{c}'),
            'n' => result.push('\n'),
            'r' => result.push('\r'),
            't' => result.push('\t'),
            'v' => result.push('\u{b}'),
            '"' | '\\' => result.push(c),
            '$' => result.push_str("$$"),
            '0' => {
                // `\0` and three octal digits; with fewer only the zero goes, as in Compose.
                let digits = rest.bytes().take(3).take_while(u8::is_ascii_digit).count();
                match u32::from_str_radix(&rest[..digits], 8)
                    .ok()
                    .and_then(char::from_u32)
                {
                    Some(value) if digits == 3 && value <= '\u{ff}' => result.push(value),
                    _ => {
                        result.push('\\');
                        result.push_str(&rest[..digits]);
                    }
                }
                rest = &rest[digits..];
            }
            other => result.extend(['\\', other]),
        }
    }
    result + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<String> {
        (name == "S").then(|| "shell".to_owned())
    }

    fn read(text: &str) -> String {
        let shown = |(name, value, _): Variable| match value {
            Some(value) => format!("{name}={value}"),
            None => name,
        };
        let variables = parse(text, ".env", &lookup).unwrap();
        variables
            .into_iter()
            .map(shown)
            .collect::<Vec<_>>()
            .join("|")
    }

    fn error(text: &str) -> String {
        parse(text, ".env", &lookup).unwrap_err().to_string()
    }

    #[test]
    fn each_line_means_what_compose_takes_it_for() {
        let table = [
            ("A=1", "A=1"),
            ("A = 1 \n\n B=2", "A=1|B=2"),
            ("export A=1\nexport\tB=2", "A=1|B=2"),
            ("A: 1", "A=1"),
            ("A=", "A="),
            ("A=a b  c", "A=a b  c"),
            ("A=1 # c", "A=1"),
            ("A=1# c", "A=1# c"),
            ("# A=1\n  # x\nB=2", "B=2"),
            ("A='a $S \\n # x'", "A=a $S \\n # x"),
            ("A=\"a $S \\\"x\\\" \\n#\"", "A=a shell \"x\" \n#"),
            ("A=\"un\"", "A=un"),
            ("A=\"un\" # c\nB=2", "A=un|B=2"),
            ("A=\"dos\nlíneas\"\nB=2", "A=dos\nlíneas|B=2"),
            ("A=x\nB=$A-${A}-${U:-d}-$$", "A=x|B=x-x-d-$"),
            ("A=$S", "A=shell"),
            ("A=\"\\$S\"", "A=$S"),
            ("S\nU\nA=1", "S=shell|U|A=1"),
            ("export\nA=1", "export|A=1"),
            ("export \nA=1", "A=1"),
            ("export\u{a0}A=1", "export\u{a0}A=1"),
            ("S", "S=shell"),
            ("\u{feff}A=1\r\nB=2\r\n", "A=1|B=2"),
            ("A-B.C=1", "A-B.C=1"),
            ("A=\"x\r\ny\"\r\nB=1", "A=x\r\ny|B=1"),
            ("A=\"\\0123 \\012 \\q\"", "A=S \\12 \\q"),
            ("A=\"un\"x=3", "A=un|x=3"),
            ("A= #x", "A=#x"),
            ("A='it\\'s'", "A=it's"),
            ("A=a'b'\"c\"", "A=a'b'\"c\""),
        ];
        for (written, meant) in table {
            assert_eq!(read(written), meant, "{written}");
        }
    }

    #[test]
    fn every_variable_knows_its_line() {
        let variables = parse("\nA=\"x\ny\"\n  B=1", ".env", &lookup).unwrap();
        let places: Vec<_> = variables.iter().map(|v| (v.2.line, v.2.column)).collect();
        assert_eq!(places, [(2, 1), (4, 3)]);
    }

    #[test]
    fn columns_count_characters_whatever_stands_before() {
        let place = |text: &str, name: &str| {
            let variables = parse(text, ".env", &lookup).unwrap();
            let (_, _, at) = variables.into_iter().find(|(it, ..)| it == name).unwrap();
            (at.line, at.column)
        };
        assert_eq!(place("\u{feff}A=1\nB=2", "A"), (1, 1));
        assert_eq!(place("\u{feff}A=1\nB=2", "B"), (2, 1));
        assert_eq!(place("# año\r\n\tA=1\r\n", "A"), (2, 2));
        assert_eq!(place("A=\"ñ\r\nñ\"\r\n  export B=1", "B"), (3, 10));
        assert_eq!(place("A=\"ñ\nñ\" B=1", "B"), (2, 4));
        let fault = |text: &str| {
            let at = parse(text, ".env", &lookup).unwrap_err().location;
            (at.line, at.column)
        };
        assert_eq!(fault("\u{feff}AÑO$=1"), (1, 4));
        assert_eq!(fault("A=1\r\n\tñ = \"x"), (2, 6));
        assert_eq!(fault("A=ñ\nñ: ${5}"), (2, 4));
        assert_eq!(fault("A='ñ\nñ'\n\t B C=1"), (3, 3));
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused_inside_of_itself(
            text in "([A-C =:'\"\\\\${}#ñ\u{feff}\t\r\n-]|export |\\PC){0,60}"
        ) {
            let places: Vec<Location> = match parse(&text, ".env", &lookup) {
                Ok(found) => found.into_iter().map(|(_, _, location)| location).collect(),
                Err(error) => vec![error.location],
            };
            let mut before = (1, 1);
            for at in places {
                let line = text.split('\n').nth(at.line - 1).expect("a line of the file");
                proptest::prop_assert!(at.column <= line.chars().count() + 1);
                proptest::prop_assert!((at.line, at.column) >= before);
                before = (at.line, at.column);
            }
        }
    }

    #[test]
    fn variables_made_of_variables_end_before_they_fill_the_memory() {
        let mut text = "A0=xxxxxxxxxx\n".to_owned();
        for i in 1..60 {
            text += &format!("A{i}=$A{0}$A{0}\n", i - 1);
        }
        assert!(error(&text).contains("se multiplican sin medida"));
        let many: String = (0..100_000).map(|i| format!("V{i}=$A\n")).collect();
        assert_eq!(parse(&many, ".env", &lookup).unwrap().len(), 100_000);
    }

    #[test]
    fn what_compose_refuses_is_an_error_with_its_line() {
        assert_eq!(
            error("A=1\nB C=2"),
            ".env:2: el nombre `B C` lleva un espacio: escribe `NOMBRE=valor`, sin espacios en el nombre"
        );
        assert_eq!(
            error("A$=1"),
            ".env:1: el carácter `$` no puede ir en el nombre de una variable (`A$=1`): escribe `NOMBRE=valor`"
        );
        assert_eq!(
            error("A=1\nB=\"x\nC=2"),
            ".env:2: el valor empieza con \" y no se cierra: añade otra \" al final"
        );
        assert_eq!(
            error("A=1\nexport "),
            ".env:2: falta el nombre de la variable: escribe `NOMBRE=valor`"
        );
        assert!(error("A=${5}").contains("`${5}` no es una variable válida"));
    }
}
