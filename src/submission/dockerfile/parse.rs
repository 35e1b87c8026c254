//! From logical lines to instructions. A line that the builder would refuse never hides the next one.

use super::exec;
use super::fault::{Fault, FaultKind, did_you_mean, shown};
use super::instruction::{Flag, Heredoc, Instruction, Kind, ShellText};
use super::line::{Lines, Part};
use super::{flag, heredoc};
use crate::submission::location::Span;

/// The instructions that there are.
const KEYWORDS: [&str; 18] = [
    "ADD",
    "ARG",
    "CMD",
    "COPY",
    "ENTRYPOINT",
    "ENV",
    "EXPOSE",
    "FROM",
    "HEALTHCHECK",
    "LABEL",
    "MAINTAINER",
    "ONBUILD",
    "RUN",
    "SHELL",
    "STOPSIGNAL",
    "USER",
    "VOLUME",
    "WORKDIR",
];

/// A logical line that was read.
pub(super) struct Read {
    /// All of it, from where it starts, heredocs included.
    pub line: Span,
    /// What it says, when it can be told.
    pub instruction: Option<Instruction>,
    pub faults: Vec<Fault>,
}

/// Reads the instruction on a logical line, and its heredocs from the lines below.
pub(super) fn instruction(
    start: usize,
    line: &ShellText,
    lines: &mut Lines<'_>,
    text: &str,
) -> Read {
    let part = line.part().trim();
    let mut parser = Parser {
        escape: lines.escape,
        text,
        faults: Vec::new(),
        end: part.span().end,
    };
    let instruction = parser.read(part, lines);
    let line = Span::new(start, parser.end);
    let mut faults = parser.faults;
    for fault in &mut faults {
        fault.instruction = line;
    }
    Read {
        line,
        instruction,
        faults,
    }
}

/// One instruction being read.
pub(super) struct Parser<'t> {
    pub escape: char,
    pub text: &'t str,
    faults: Vec<Fault>,
    end: usize,
}

impl Parser<'_> {
    pub fn refuse(&mut self, kind: FaultKind, span: Span, message: impl Into<String>) {
        self.faults.push(Fault {
            kind,
            span,
            instruction: span,
            message: message.into(),
        });
    }

    fn read(&mut self, part: Part<'_>, lines: &mut Lines<'_>) -> Option<Instruction> {
        let (word, rest) = part.first_word();
        let Some(keyword) = keyword(word.text()) else {
            self.unknown(word);
            return None;
        };
        let (flags, args) = flag::split(rest);
        let (kind, heredocs) = if keyword == "ONBUILD" {
            let inner = self.put_off(part, args, lines);
            (
                inner.map(|inner| Kind::Onbuild(Box::new(inner))),
                Vec::new(),
            )
        } else {
            let heredocs = self.heredocs(part, keyword, args, lines);
            let kind = self.kind(keyword, args, &flags, &heredocs, word.span());
            (kind, heredocs)
        };
        self.check_flags(keyword, kind.as_ref(), &flags);
        Some(Instruction {
            keyword,
            keyword_span: word.span(),
            span: Span::new(part.span().start, self.end),
            stage: None,
            flags,
            heredocs,
            kind: kind?,
        })
    }

    fn check_flags(&mut self, keyword: &str, kind: Option<&Kind>, flags: &[Flag]) {
        for (flag, message) in flag::check(keyword, kind, flags) {
            self.refuse(FaultKind::Flag, flag.span, message);
        }
    }

    /// The instruction that an `ONBUILD` puts off; nothing when it cannot be put off.
    ///
    /// Builders take most of what is wrong in it, and stop at it in the build of whoever starts from the image.
    fn put_off(
        &mut self,
        line: Part<'_>,
        args: Part<'_>,
        lines: &mut Lines<'_>,
    ) -> Option<Instruction> {
        let (word, rest) = args.first_word();
        if word.is_empty() {
            self.refuse(
                FaultKind::Onbuild,
                line.first_word().0.span(),
                "a `ONBUILD` le falta la instrucción que aplaza: `ONBUILD COPY . /app`",
            );
            return None;
        }
        let before = self.faults.len();
        let Some(keyword) = keyword(word.text()) else {
            self.unknown(word);
            self.faults[before].kind = FaultKind::PutOff;
            return None;
        };
        if matches!(keyword, "ONBUILD" | "FROM" | "MAINTAINER") {
            self.refuse(
                FaultKind::Onbuild,
                word.span(),
                format!("`ONBUILD` no puede aplazar un `{keyword}`: escribe esa instrucción sin `ONBUILD`, o quítala"),
            );
            return None;
        }
        let (flags, args) = flag::split(rest);
        let heredocs = self.heredocs(line, keyword, args, lines);
        let kind = self.kind(keyword, args, &flags, &heredocs, word.span());
        self.check_flags(keyword, kind.as_ref(), &flags);
        for fault in &mut self.faults[before..] {
            if !matches!(
                fault.kind,
                FaultKind::Array | FaultKind::Heredoc | FaultKind::Pair
            ) {
                fault.kind = FaultKind::PutOff;
            }
        }
        Some(Instruction {
            keyword,
            keyword_span: word.span(),
            span: Span::new(word.span().start, self.end),
            stage: None,
            flags,
            heredocs,
            kind: kind?,
        })
    }

    fn unknown(&mut self, word: Part<'_>) {
        let written = &*shown(word.text());
        let upper = written.to_uppercase();
        let odd = written.chars().find(|c| !c.is_ascii() && c.is_whitespace());
        let message = if written.is_empty() {
            "esta barra continúa una línea que no empieza: bórrala".to_owned()
        } else if odd.is_some() {
            "aquí hay un espacio que no es normal (suele venir de copiar y pegar): bórralo y escribe un espacio"
                .to_owned()
        } else if let Some(near) = did_you_mean(&upper, KEYWORDS) {
            format!("la instrucción `{written}` no existe; ¿quisiste decir `{near}`?")
        } else if written.starts_with("//") {
            "los comentarios de un Dockerfile empiezan por `#`".to_owned()
        } else {
            format!(
                "la instrucción `{written}` no existe. Si la línea es parte de la de arriba, aquella tiene que terminar en `{}`",
                self.escape
            )
        };
        let mut span = word.span();
        if span.start == span.end {
            let next = self.text[span.start..].chars().next();
            span.end += next.map_or(0, char::len_utf8);
            self.end = span.end;
        }
        self.refuse(FaultKind::UnknownInstruction, span, message);
    }

    /// The heredocs of an instruction that may have some.
    fn heredocs(
        &mut self,
        line: Part<'_>,
        keyword: &str,
        args: Part<'_>,
        lines: &mut Lines<'_>,
    ) -> Vec<Heredoc> {
        if !matches!(keyword, "ADD" | "COPY" | "RUN") || exec::words(args).is_ok() {
            return Vec::new();
        }
        let mut heredocs = Vec::new();
        for (opener, span) in heredoc::openers(line) {
            let read = heredoc::read(lines, self.text, opener);
            self.end = self.end.max(read.end);
            let name = &read.heredoc.name;
            match read.closed {
                heredoc::Closed::Yes => {}
                heredoc::Closed::Almost(there) => {
                    self.refuse(
                        FaultKind::Heredoc,
                        span,
                        format!("el heredoc `{name}` no se cierra: la línea que lo cierra lleva solo `{name}`, sin espacios delante ni detrás, y la que hay más abajo los tiene"),
                    );
                    self.end = there.end;
                }
                heredoc::Closed::No => {
                    self.refuse(
                        FaultKind::Heredoc,
                        span,
                        format!("el heredoc `{name}` no se cierra: añade debajo de su texto una línea que lleve solo `{name}`"),
                    );
                    heredocs.push(read.heredoc);
                    break;
                }
            }
            heredocs.push(read.heredoc);
        }
        heredocs
    }
}

fn keyword(word: &str) -> Option<&'static str> {
    KEYWORDS
        .into_iter()
        .find(|keyword| keyword.eq_ignore_ascii_case(word))
}
