//! What an instruction of a Dockerfile says, with every part's place.

use super::word::Word;
use crate::submission::location::Span;

/// One instruction.
#[derive(Clone, Debug, PartialEq)]
pub struct Instruction {
    /// The keyword in upper case, as in the builder's messages.
    pub keyword: &'static str,
    /// Where the keyword stands.
    pub keyword_span: Span,
    /// All of it: from the keyword to its last character, heredocs included, the line end not.
    pub span: Span,
    /// The stage it belongs to, as an index of [`super::Dockerfile::stages`]; nothing above the first `FROM`.
    pub stage: Option<usize>,
    /// The flags in front of its arguments, in the order written.
    pub flags: Vec<Flag>,
    /// Its heredocs, in the order opened.
    pub heredocs: Vec<Heredoc>,
    /// What it says.
    pub kind: Kind,
}

impl Instruction {
    /// The first flag of that name, its dashes left out.
    pub fn flag(&self, name: &str) -> Option<&Flag> {
        self.flags.iter().find(|flag| flag.name == name)
    }

    /// Whether it is that instruction; `keyword` in upper case.
    pub fn is(&self, keyword: &str) -> bool {
        self.keyword == keyword
    }

    /// What it runs, for `RUN`, `CMD`, `ENTRYPOINT` and `HEALTHCHECK CMD`.
    pub fn command(&self) -> Option<&Command> {
        match &self.kind {
            Kind::Run(run) => Some(&run.command),
            Kind::Cmd(command) | Kind::Entrypoint(command) => Some(command),
            Kind::Healthcheck(command) => command.as_ref(),
            _ => None,
        }
    }

    /// All its words, those of its flags first; the text of a shell form has none, and what `ONBUILD` puts off
    /// has its own.
    pub fn words(&self) -> Vec<&Word> {
        let mut words: Vec<&Word> = Vec::new();
        // A mount's parts are words of their own.
        let whole = |flag: &&Flag| !(self.is("RUN") && flag.name == "mount");
        words.extend(
            self.flags
                .iter()
                .filter(whole)
                .filter_map(|flag| flag.value.as_ref()),
        );
        match &self.kind {
            Kind::Transfer(transfer) => {
                words.extend(&transfer.sources);
                words.push(&transfer.destination);
            }
            Kind::Arg(pairs) | Kind::Env(pairs) | Kind::Label(pairs) => {
                for pair in pairs {
                    words.push(&pair.name);
                    words.extend(&pair.value);
                }
            }
            Kind::From(from) => {
                words.push(&from.image);
                words.extend(&from.name);
            }
            Kind::Run(run) => {
                let options = run.mounts.iter().flat_map(|mount| &mount.options);
                words.extend(options.filter_map(|(_, value)| value.as_ref()));
                words.extend(run.command.exec_words().unwrap_or_default());
            }
            Kind::Cmd(command) | Kind::Entrypoint(command) | Kind::Healthcheck(Some(command)) => {
                words.extend(command.exec_words().unwrap_or_default());
            }
            Kind::Expose(list) | Kind::Shell(list) | Kind::Volume(list) => words.extend(list),
            Kind::Maintainer(word)
            | Kind::Stopsignal(word)
            | Kind::User(word)
            | Kind::Workdir(word) => words.push(word),
            Kind::Healthcheck(None) | Kind::Onbuild(_) => {}
        }
        words
    }

    /// What it sets, for `ENV`, `ARG` and `LABEL`.
    pub fn pairs(&self) -> &[Pair] {
        match &self.kind {
            Kind::Arg(pairs) | Kind::Env(pairs) | Kind::Label(pairs) => pairs,
            _ => &[],
        }
    }
}

/// What an instruction says.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// `ADD` and `COPY`.
    Transfer(Transfer),
    /// `ARG`: names with their defaults.
    Arg(Vec<Pair>),
    /// `CMD`.
    Cmd(Command),
    /// `ENTRYPOINT`.
    Entrypoint(Command),
    /// `ENV`.
    Env(Vec<Pair>),
    /// `EXPOSE`: ports, ranges and protocols as written.
    Expose(Vec<Word>),
    /// `FROM`.
    From(From),
    /// `HEALTHCHECK NONE` (nothing) or `HEALTHCHECK CMD …`.
    Healthcheck(Option<Command>),
    /// `LABEL`.
    Label(Vec<Pair>),
    /// `MAINTAINER`.
    Maintainer(Word),
    /// `ONBUILD` and what it puts off.
    Onbuild(Box<Instruction>),
    /// `RUN`.
    Run(Run),
    /// `SHELL`.
    Shell(Vec<Word>),
    /// `STOPSIGNAL`.
    Stopsignal(Word),
    /// `USER`.
    User(Word),
    /// `VOLUME`.
    Volume(Vec<Word>),
    /// `WORKDIR`.
    Workdir(Word),
}

/// `--name` or `--name=value` in front of an instruction's arguments.
#[derive(Clone, Debug, PartialEq)]
pub struct Flag {
    /// Without its dashes, as written.
    pub name: String,
    /// Its value; nothing for `--link`.
    pub value: Option<Word>,
    /// All of it.
    pub span: Span,
}

/// `FROM image AS name`.
#[derive(Clone, Debug, PartialEq)]
pub struct From {
    /// The image or the stage.
    pub image: Word,
    /// The name of the new stage.
    pub name: Option<Word>,
    /// Where `AS` stands.
    pub as_span: Option<Span>,
}

/// `RUN`: what is run, and what is lent to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What is run; for `RUN <<EOF` alone the shell text is the heredoc's.
    pub command: Command,
    /// Its `--mount` flags, taken apart.
    pub mounts: Vec<Mount>,
}

/// One `--mount=type=…,target=…`.
#[derive(Clone, Debug, PartialEq)]
pub struct Mount {
    /// All of the flag.
    pub span: Span,
    /// `key=value` and bare `key`, in the order written, keys in lower case.
    pub options: Vec<(String, Option<Word>)>,
}

impl Mount {
    /// The value of an option, when it has one that is known.
    pub fn option(&self, key: &str) -> Option<&str> {
        let (_, value) = self.options.iter().find(|(name, _)| name == key)?;
        value.as_ref()?.value.as_deref()
    }

    /// The stage or image that it lends files of.
    pub fn lender(&self) -> Option<&Word> {
        let (_, value) = self.options.iter().find(|(name, _)| name == "from")?;
        value.as_ref()
    }

    /// `bind` unless it says otherwise.
    pub fn kind(&self) -> &str {
        self.option("type").unwrap_or("bind")
    }
}

/// `COPY` and `ADD`.
#[derive(Clone, Debug, PartialEq)]
pub struct Transfer {
    /// What is copied; heredocs are not among them.
    pub sources: Vec<Word>,
    /// Where it goes.
    pub destination: Word,
    /// `--from`: a stage, an image or a named context.
    pub from: Option<Word>,
    /// `--chown`.
    pub chown: Option<Word>,
}

/// `name=value` of `ENV`, `LABEL` and `ARG`.
#[derive(Clone, Debug, PartialEq)]
pub struct Pair {
    /// The name.
    pub name: Word,
    /// The value; nothing for a bare `ARG name`.
    pub value: Option<Word>,
    /// Whether it is written the old way, without `=` (`ENV name value`).
    pub legacy: bool,
}

/// What `RUN`, `CMD`, `ENTRYPOINT` and `HEALTHCHECK CMD` run.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    /// In which form it is written.
    pub form: Form,
    /// Where it stands, flags left out.
    pub span: Span,
    /// Whether it begins like an array, `[`, and is none: the builder takes it for the shell's, brackets and all.
    pub broken_array: bool,
}

impl Command {
    /// All that it runs, in one text; of the form with brackets, its words.
    pub fn text(&self) -> String {
        match &self.form {
            Form::Exec(words) => words.iter().map(Word::text).collect::<Vec<_>>().join(" "),
            Form::Shell(text) => text.text.clone(),
        }
    }

    /// The words of the exec form.
    pub fn exec_words(&self) -> Option<&[Word]> {
        match &self.form {
            Form::Exec(words) => Some(words),
            Form::Shell(_) => None,
        }
    }

    /// The text of the shell form.
    pub fn shell_text(&self) -> Option<&ShellText> {
        match &self.form {
            Form::Exec(_) => None,
            Form::Shell(text) => Some(text),
        }
    }
}

/// The two forms of a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Form {
    /// `["a", "b"]`: started as it is.
    Exec(Vec<Word>),
    /// Text for the shell.
    Shell(ShellText),
}

/// A shell's text: continuations joined and comment lines left out, as the shell gets it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShellText {
    /// The text; for a `RUN` that is nothing but a heredoc, the heredoc's.
    pub text: String,
    /// Where each stretch of `text` comes from: its first byte in `text`, and that byte's place in the file.
    /// Stretches are contiguous in both.
    pub origins: Vec<(usize, usize)>,
}

impl ShellText {
    /// The place in the file of the stretch `start..end` of [`ShellText::text`].
    pub fn place(&self, start: usize, end: usize) -> Span {
        // An empty stretch behind a break stands where the text in front of it ends.
        if start >= end {
            let at = match start.checked_sub(1) {
                Some(before) if start == self.text.len() => self.place(before, start).end,
                _ => self.place(start, start + 1).start,
            };
            return Span::new(at, at);
        }
        let at = |byte: usize| {
            let index = self.origins.partition_point(|&(from, _)| from <= byte);
            match index.checked_sub(1).and_then(|i| self.origins.get(i)) {
                Some(&(from, origin)) => origin + (byte - from),
                None => byte,
            }
        };
        Span::new(at(start), at(end - 1) + 1)
    }
}

/// A here-document.
#[derive(Clone, Debug, PartialEq)]
pub struct Heredoc {
    /// Its delimiter: `EOF`.
    pub name: String,
    /// Whether variables in it are put in (delimiter without quotes).
    pub expands: bool,
    /// Whether leading tabs are dropped (`<<-`).
    pub strips_tabs: bool,
    /// Where its text stands, delimiters left out.
    pub body: Span,
}
