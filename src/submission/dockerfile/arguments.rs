//! What each instruction's arguments say.

use super::exec::{self, NotTexts};
use super::fault::{FaultKind, comment_hint, shown};
use super::instruction::{Command, Flag, Form, From, Heredoc, Kind, Run, Transfer};
use super::line::Part;
use super::pairs::{self, Wrong};
use super::parse::Parser;
use super::word::Word;
use super::{health, heredoc, mount};
use crate::submission::location::Span;

impl Parser<'_> {
    /// What an instruction says by its arguments; nothing when it cannot be told.
    pub(super) fn kind(
        &mut self,
        keyword: &'static str,
        args: Part<'_>,
        flags: &[Flag],
        heredocs: &[Heredoc],
        at: Span,
    ) -> Option<Kind> {
        Some(match keyword {
            "ADD" | "COPY" => Kind::Transfer(self.transfer(keyword, args, flags, at)?),
            "ARG" => {
                let (pairs, wrong) = pairs::arguments(args, self.escape);
                self.wrong_pairs(keyword, wrong, at);
                Kind::Arg(some(pairs)?)
            }
            "ENV" | "LABEL" => {
                let (pairs, wrong) = pairs::pairs(args, self.escape);
                self.wrong_pairs(keyword, wrong, at);
                let pairs = some(pairs)?;
                if keyword == "ENV" {
                    Kind::Env(pairs)
                } else {
                    Kind::Label(pairs)
                }
            }
            "CMD" => Kind::Cmd(self.command(args)?),
            "ENTRYPOINT" => Kind::Entrypoint(self.command(args)?),
            "RUN" => {
                let mut command = self.command(args)?;
                if let (Some(first), Some(_)) = (heredocs.first(), heredoc::opener(args.text())) {
                    command.form = Form::Shell(heredoc::shell_text(first, self.text));
                }
                Kind::Run(Run {
                    command,
                    mounts: mount::read(flags),
                })
            }
            "EXPOSE" => {
                self.at_least_one(keyword, args, at, "el puerto: `EXPOSE 8000`")?;
                Kind::Expose(args.words().into_iter().map(Part::word).collect())
            }
            "FROM" => Kind::From(self.from(args, at)?),
            "HEALTHCHECK" => {
                let (form, rest) = args.first_word();
                let command = self.command(rest);
                let (wrong, is_one) = health::check(form, rest, command.as_ref(), flags, at);
                for (span, message) in wrong {
                    self.refuse(FaultKind::Healthcheck, span, message);
                }
                if !is_one {
                    return None;
                }
                Kind::Healthcheck(command.filter(|_| !form.text().eq_ignore_ascii_case("NONE")))
            }
            "MAINTAINER" => Kind::Maintainer(self.one(keyword, args, at, "el nombre")?.literal()),
            "SHELL" => Kind::Shell(self.shell(args, at)?),
            "STOPSIGNAL" => Kind::Stopsignal(
                self.one(keyword, args, at, "la señal: `STOPSIGNAL SIGTERM`")?
                    .word(),
            ),
            "USER" => Kind::User(
                self.one(keyword, args, at, "el usuario: `USER app`")?
                    .word(),
            ),
            "VOLUME" => Kind::Volume(self.volume(args, at)?),
            "WORKDIR" => Kind::Workdir(
                self.one(keyword, args, at, "la carpeta: `WORKDIR /app`")?
                    .word(),
            ),
            // `ONBUILD` inside of an `ONBUILD` has been refused.
            _ => return None,
        })
    }

    fn wrong_pairs(&mut self, keyword: &str, wrong: Vec<Wrong<'_>>, at: Span) {
        for wrong in wrong {
            let kind = match wrong {
                Wrong::Nothing | Wrong::NoName(_) => FaultKind::Arguments,
                Wrong::NoValue(_) | Wrong::NoEquals(_) => FaultKind::Pair,
            };
            let (span, message) = match wrong {
                Wrong::Nothing if keyword == "ARG" => (
                    at,
                    "a `ARG` le falta el nombre: `ARG VERSION` o `ARG VERSION=3.11`".to_owned(),
                ),
                Wrong::Nothing => (
                    at,
                    format!(
                        "a `{keyword}` le falta el nombre y el valor: `{keyword} NOMBRE=valor`"
                    ),
                ),
                Wrong::NoValue(word) => {
                    let name = shown(word.text());
                    (
                        word.span(),
                        format!("a `{keyword} {name}` le falta el valor: `{keyword} {name}=valor`"),
                    )
                }
                Wrong::NoName(word) => (
                    word.span(),
                    format!(
                        "falta el nombre delante del `=`, y va sin espacios: `{keyword} NOMBRE{}`",
                        shown(word.text())
                    ),
                ),
                Wrong::NoEquals(word) => {
                    let text = &*shown(word.text());
                    let hint = comment_hint([text]);
                    let advice = if hint.is_empty() {
                        ". Si es parte del valor anterior, pon ese valor entre comillas"
                    } else {
                        hint
                    };
                    (
                        word.span(),
                        format!(
                            "`{text}` no tiene la forma `nombre=valor` que `{keyword}` espera{advice}"
                        ),
                    )
                }
            };
            self.refuse(kind, span, message);
        }
    }

    /// The words of a JSON array; a fault when it has something else than texts in it.
    fn array(&mut self, args: Part<'_>) -> Result<Vec<Word>, NotTexts> {
        let words = exec::words(args);
        if let Err(NotTexts::Other(range)) = &words {
            let other = args.slice(range.clone());
            self.refuse(
                FaultKind::Array,
                other.span(),
                format!(
                    "en la forma de lista todo va entre comillas dobles: `\"{}\"`",
                    shown(other.text().trim()).replace('"', "")
                ),
            );
        }
        words
    }

    fn command(&mut self, args: Part<'_>) -> Option<Command> {
        let form = match self.array(args) {
            Ok(words) => Form::Exec(words),
            Err(NotTexts::NotAnArray) => Form::Shell(args.shell_text()),
            Err(NotTexts::Other(_)) => return None,
        };
        let broken_array = matches!(form, Form::Shell(_)) && args.text().starts_with('[');
        Some(Command {
            form,
            span: args.span(),
            broken_array,
        })
    }

    /// The words of a list, in either form.
    fn list(&mut self, args: Part<'_>) -> Option<Vec<Word>> {
        match self.array(args) {
            Ok(words) => Some(words),
            Err(NotTexts::NotAnArray) => Some(args.words().into_iter().map(Part::word).collect()),
            Err(NotTexts::Other(_)) => None,
        }
    }

    fn at_least_one(&mut self, keyword: &str, args: Part<'_>, at: Span, what: &str) -> Option<()> {
        if args.is_empty() {
            self.refuse(
                FaultKind::Arguments,
                at,
                format!("a `{keyword}` le falta {what}"),
            );
            return None;
        }
        Some(())
    }

    /// The one argument, which is all of the line.
    fn one<'l>(&mut self, keyword: &str, args: Part<'l>, at: Span, what: &str) -> Option<Part<'l>> {
        self.at_least_one(keyword, args, at, what).map(|()| args)
    }

    fn transfer(
        &mut self,
        keyword: &str,
        args: Part<'_>,
        flags: &[Flag],
        at: Span,
    ) -> Option<Transfer> {
        let mut words = self.list(args)?;
        let value = |name: &str| {
            let flag = flags.iter().find(|flag| flag.name == name)?;
            flag.value.clone()
        };
        let destination = words.pop();
        let (Some(destination), false) = (destination, words.is_empty()) else {
            let span = if args.is_empty() { at } else { args.span() };
            self.refuse(
                FaultKind::Arguments,
                span,
                format!("`{keyword}` necesita qué copiar y adónde: `{keyword} app.py /app/`"),
            );
            return None;
        };
        if heredoc::opener(destination.text()).is_some() {
            self.refuse(
                FaultKind::Arguments,
                destination.span,
                format!("el destino de `{keyword}` no puede ser un heredoc: escribe detrás el archivo que crea"),
            );
            return None;
        }
        words.retain(|word| heredoc::opener(word.text()).is_none());
        Some(Transfer {
            sources: words,
            destination,
            from: value("from"),
            chown: value("chown"),
        })
    }

    fn from(&mut self, args: Part<'_>, at: Span) -> Option<From> {
        let words = args.words();
        let named = words
            .get(1)
            .is_some_and(|word| word.text().eq_ignore_ascii_case("as"));
        let name = match words.as_slice() {
            [_] => None,
            [_, _, name] if named => Some(*name),
            [] => {
                self.refuse(
                    FaultKind::Arguments,
                    at,
                    "a `FROM` le falta la imagen: `FROM python:3.11-slim`",
                );
                return None;
            }
            [image, .., last] => {
                let hint = comment_hint(words.iter().map(|word| word.text()));
                let wrong = if named && words.len() > 3 {
                    words[3]
                } else {
                    words[1]
                };
                let message = if named && words.len() == 2 {
                    format!("falta el nombre de la etapa detrás de `{}`", wrong.text())
                } else {
                    "`FROM` lleva una imagen, y si acaso `AS` y un nombre: `FROM imagen` o `FROM imagen AS nombre`".to_owned()
                };
                self.refuse(
                    FaultKind::Arguments,
                    wrong.span().to(last.span()),
                    format!("{message}{hint}"),
                );
                return Some(From {
                    image: image.word(),
                    name: None,
                    as_span: None,
                });
            }
        };
        if let Some(name) = name {
            let lower = name.text().to_lowercase();
            let fits = lower.starts_with(|c: char| c.is_ascii_lowercase())
                && lower
                    .chars()
                    .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c));
            if !fits {
                self.refuse(
                    FaultKind::StageName,
                    name.span(),
                    format!(
                        "`{}` no puede ser el nombre de una etapa: empieza por una letra y sigue con letras sin tilde, cifras, `-`, `_` o `.`",
                        shown(name.text())
                    ),
                );
            }
        }
        Some(From {
            image: words[0].word(),
            name: name.map(Part::literal),
            as_span: name.map(|_| words[1].span()),
        })
    }

    fn shell(&mut self, args: Part<'_>, at: Span) -> Option<Vec<Word>> {
        self.at_least_one(
            "SHELL",
            args,
            at,
            "el shell: `SHELL [\"/bin/bash\", \"-c\"]`",
        )?;
        match self.array(args) {
            Ok(words) if words.is_empty() => {
                self.refuse(
                    FaultKind::Arguments,
                    args.span(),
                    "a `SHELL` le falta el shell: `SHELL [\"/bin/bash\", \"-c\"]`",
                );
                None
            }
            Ok(words) => Some(words),
            Err(NotTexts::NotAnArray) => {
                self.refuse(
                    FaultKind::Arguments,
                    args.span(),
                    "`SHELL` solo admite la forma de lista, con comillas dobles y nada detrás: `SHELL [\"/bin/bash\", \"-c\"]`",
                );
                None
            }
            Err(NotTexts::Other(_)) => None,
        }
    }

    fn volume(&mut self, args: Part<'_>, at: Span) -> Option<Vec<Word>> {
        let words = self.list(args)?;
        if words.is_empty() {
            self.refuse(
                FaultKind::Arguments,
                at,
                "a `VOLUME` le falta la carpeta: `VOLUME /datos`",
            );
            return None;
        }
        for word in &words {
            if word.text().trim().is_empty() {
                self.refuse(
                    FaultKind::Arguments,
                    word.span,
                    "un volumen no puede ser un texto vacío: escribe su carpeta o quítalo",
                );
            }
        }
        Some(words)
    }
}

fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}
