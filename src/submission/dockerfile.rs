//! A Dockerfile as far as the checker reads it: its instructions with their lines, and the images it starts from.

use std::collections::BTreeMap;

use parse_dockerfile::{Instruction, Source};

use super::Location;

/// A Dockerfile that could be read.
#[derive(Clone, Debug)]
pub struct Dockerfile {
    /// Its path, for locations.
    pub path: String,
    /// Its text, without a byte order mark.
    pub text: String,
    /// stub
    pub faults: Vec<Fault>,
    /// stub
    pub stages: Vec<Stage>,
    steps: Vec<StepLine>,
    bases: Vec<Base>,
    heredoc: Option<Location>,
}
/// stub
#[derive(Clone, Debug)]
pub struct Fault {
    /// s
    pub span: super::location::Span,
    /// m
    pub message: String,
}
/// stub
#[derive(Clone, Debug)]
pub struct Stage {
    /// n
    pub name: Option<String>,
}

/// Why the file is no Dockerfile at all; what the builder itself would refuse is left to the builder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct NotADockerfile {
    /// In Spanish, with the way out.
    pub message: String,
    /// Where it stops being one.
    pub location: Location,
}

/// An image that a stage starts from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The reference, arguments expanded with their defaults; nothing when that is not possible.
    pub image: Option<String>,
    /// The reference as written.
    pub written: String,
    /// Where.
    pub location: Location,
}

#[derive(Clone, Debug)]
struct StepLine {
    keyword: &'static str,
    /// The instruction in the builder's spelling: one line, single spaces.
    text: String,
    line: usize,
}

impl Dockerfile {
    /// Reads `bytes` as the Dockerfile at `path`; `args` are the build arguments.
    ///
    /// # Errors
    /// When it is not text at all.
    pub fn read(
        path: &str,
        bytes: &[u8],
        args: &BTreeMap<String, String>,
    ) -> Result<Self, NotADockerfile> {
        let refuse = |message: &str, at: usize| NotADockerfile {
            message: message.to_owned(),
            location: Location::line(
                path,
                bytes[..at].iter().filter(|&&b| b == b'\n').count() + 1,
            ),
        };
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        if let Some(at) = bytes.iter().position(|&b| b == 0) {
            return Err(refuse(
                "el archivo no es texto: parece un binario con nombre de Dockerfile. Escribe ahí las instrucciones",
                at,
            ));
        }
        let text = std::str::from_utf8(bytes).map_err(|error| {
            refuse(
                "el archivo no está en UTF-8: guárdalo con esa codificación",
                error.valid_up_to(),
            )
        })?;
        if text
            .lines()
            .all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'))
        {
            return Err(refuse(
                "el Dockerfile está vacío: empieza por una línea `FROM`",
                0,
            ));
        }
        let mut dockerfile = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            faults: Vec::new(),
            stages: Vec::new(),
            steps: Vec::new(),
            bases: Vec::new(),
            heredoc: None,
        };
        dockerfile.collect(args);
        Ok(dockerfile)
    }

    /// Goes through the instructions up to the first that the parser does not know.
    fn collect(&mut self, args: &BTreeMap<String, String>) {
        let text = self.text.clone();
        let Ok(instructions) = parse_dockerfile::parse_iter(&text) else {
            return;
        };
        let instructions: Vec<_> = instructions.map_while(Result::ok).collect();
        let starts: Vec<_> = instructions.iter().map(start).collect();
        let mut globals = BTreeMap::new();
        let mut stages: Vec<String> = Vec::new();
        for (index, instruction) in instructions.iter().enumerate() {
            let (keyword, at) = starts[index];
            let end = starts.get(index + 1).map_or(text.len(), |&(_, next)| next);
            let line = text[..at].matches('\n').count() + 1;
            self.steps.push(StepLine {
                keyword,
                text: squeeze(&text[at..end]),
                line,
            });
            if has_heredoc(instruction) {
                let at = Location::line(&self.path, line);
                self.heredoc.get_or_insert(at);
            }
            match instruction {
                Instruction::Arg(arg) if stages.is_empty() => {
                    for pair in arg.arguments.value.split_whitespace() {
                        let (name, default) = pair.split_once('=').unwrap_or((pair, ""));
                        let value = args.get(name).cloned();
                        let default = default.trim_matches(['"', '\'']);
                        let value = value.or_else(|| expand(default, &globals));
                        globals.insert(name.to_owned(), value.unwrap_or_default());
                    }
                }
                Instruction::From(from) => {
                    let written = from.image.value.to_string();
                    let image = expand(&written, &globals);
                    let is_stage = image
                        .as_ref()
                        .is_some_and(|image| stages.contains(&image.to_lowercase()));
                    if !is_stage && image.as_deref() != Some("scratch") {
                        self.bases.push(Base {
                            image,
                            written,
                            location: Location::line(&self.path, line),
                        });
                    }
                    let name = from.as_.as_ref().map(|(_, name)| name.value.to_lowercase());
                    stages.push(name.unwrap_or_else(|| stages.len().to_string()));
                }
                _ => {}
            }
        }
    }

    /// stub
    pub fn location(&self, span: super::location::Span) -> Location {
        Location::of_byte(&self.path, &self.text, span.start)
    }
    /// stub
    pub fn end(&self, span: super::location::Span) -> (usize, usize) {
        let l = Location::of_byte(&self.path, &self.text, span.end);
        (l.line, l.column)
    }
    /// The images that its stages start from, other stages and `scratch` left out.
    pub fn bases(&self) -> &[Base] {
        &self.bases
    }

    /// What of it the builder does not know, going by its `message`, though newer ones do: the part
    /// of the language, and where it stands.
    ///
    /// Docker Engine 20.10's builder knows no heredocs, `COPY --link`, `HEALTHCHECK --start-interval`…
    /// (measured). Flags are refused by name; a builder that `knows_heredocs` means what it says when it
    /// does not know an instruction.
    pub fn beyond(
        &self,
        message: &str,
        knows_heredocs: bool,
    ) -> Option<(String, Option<Location>)> {
        const FLAGS: [&str; 11] = [
            "checksum",
            "chmod",
            "device",
            "exclude",
            "keep-git-dir",
            "link",
            "mount",
            "network",
            "parents",
            "security",
            "start-interval",
        ];
        let lower = message.to_lowercase();
        if let Some((_, rest)) = lower.split_once("unknown flag: ") {
            let flag: String = rest
                .trim_start_matches('-')
                .chars()
                .take_while(|c| c.is_ascii_lowercase() || *c == '-')
                .collect();
            if FLAGS.contains(&flag.as_str()) {
                return Some((format!("`--{flag}`"), self.blamed(message)));
            }
        }
        if lower.contains("the --mount option requires buildkit")
            || lower.contains("the --chmod option requires buildkit")
        {
            return Some((
                "una opción propia de BuildKit".to_owned(),
                self.blamed(message),
            ));
        }
        if lower.contains("unsupported modifier") {
            return Some(("esa forma de `${…}`".to_owned(), self.blamed(message)));
        }
        let heredoc = self.heredoc.clone().filter(|_| !knows_heredocs)?;
        let parsing = lower.contains("unknown instruction") || lower.contains("parse error");
        parsing.then(|| ("heredocs (`<<EOF`)".to_owned(), Some(heredoc)))
    }

    /// The line of the last instruction `keyword` (upper case).
    pub fn last(&self, keyword: &str) -> Option<Location> {
        let step = self
            .steps
            .iter()
            .rev()
            .find(|step| step.keyword == keyword)?;
        Some(Location::line(&self.path, step.line))
    }

    /// The line of a step as a builder names it: `[stage 2/5] RUN …` or `Step 2/5 : RUN …`.
    pub fn step(&self, name: &str) -> Option<Location> {
        let text = match name.split_once("] ").or_else(|| name.split_once(" : ")) {
            Some((_, text)) => squeeze(text),
            None => squeeze(name),
        };
        let step = self.steps.iter().find(|step| step.text == text)?;
        Some(Location::line(&self.path, step.line))
    }

    /// The line that an engine's message speaks of: `… parse error line 3: …`, `… on line 3: …`.
    pub fn blamed(&self, message: &str) -> Option<Location> {
        let (_, rest) = message.split_once("line ")?;
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        Some(Location::line(&self.path, digits.parse().ok()?))
    }

    /// The text to send to the builder: a `# syntax=` line is made an ordinary comment, since its
    /// frontend would have to be pulled from a registry and the checker never pulls.
    pub fn without_syntax(&self) -> String {
        let Some(rest) = self.text.strip_prefix('#') else {
            return self.text.clone();
        };
        if rest.trim_start().to_lowercase().starts_with("syntax")
            && rest.lines().next().is_some_and(|l| l.contains('='))
        {
            return format!("#:{rest}");
        }
        self.text.clone()
    }
}

fn has_heredoc(instruction: &Instruction<'_>) -> bool {
    let sources = match instruction {
        Instruction::Run(run) => return !run.here_docs.is_empty(),
        Instruction::Copy(copy) => &copy.src,
        Instruction::Add(add) => &add.src,
        _ => return false,
    };
    sources
        .iter()
        .any(|source| matches!(source, Source::HereDoc(_)))
}

/// Keyword and position of an instruction.
fn start(instruction: &Instruction<'_>) -> (&'static str, usize) {
    match instruction {
        Instruction::Add(i) => ("ADD", i.add.span.start),
        Instruction::Arg(i) => ("ARG", i.arg.span.start),
        Instruction::Cmd(i) => ("CMD", i.cmd.span.start),
        Instruction::Copy(i) => ("COPY", i.copy.span.start),
        Instruction::Entrypoint(i) => ("ENTRYPOINT", i.entrypoint.span.start),
        Instruction::Env(i) => ("ENV", i.env.span.start),
        Instruction::Expose(i) => ("EXPOSE", i.expose.span.start),
        Instruction::From(i) => ("FROM", i.from.span.start),
        Instruction::Healthcheck(i) => ("HEALTHCHECK", i.healthcheck.span.start),
        Instruction::Label(i) => ("LABEL", i.label.span.start),
        Instruction::Maintainer(i) => ("MAINTAINER", i.maintainer.span.start),
        Instruction::Onbuild(i) => ("ONBUILD", i.onbuild.span.start),
        Instruction::Run(i) => ("RUN", i.run.span.start),
        Instruction::Shell(i) => ("SHELL", i.shell.span.start),
        Instruction::Stopsignal(i) => ("STOPSIGNAL", i.stopsignal.span.start),
        Instruction::User(i) => ("USER", i.user.span.start),
        Instruction::Volume(i) => ("VOLUME", i.volume.span.start),
        Instruction::Workdir(i) => ("WORKDIR", i.workdir.span.start),
        _ => ("", 0),
    }
}

/// One line, single spaces, continuations joined and comments dropped: how builders name steps.
fn squeeze(text: &str) -> String {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .map(|line| line.trim_end().trim_end_matches('\\'));
    lines
        .flat_map(str::split_whitespace)
        .collect::<Vec<_>>()
        .join(" ")
}

/// `$VAR`, `${VAR}` and `${VAR:-default}` expanded; nothing when a form is not one of these.
fn expand(text: &str, vars: &BTreeMap<String, String>) -> Option<String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        if let Some(after) = after.strip_prefix('{') {
            let (inner, tail) = after.split_once('}')?;
            let (name, default) = inner.split_once(":-").unwrap_or((inner, ""));
            if !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                return None;
            }
            let value = vars
                .get(name)
                .map(String::as_str)
                .filter(|value| !value.is_empty());
            out.push_str(value.unwrap_or(default));
            rest = tail;
        } else {
            let end = after
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
                .unwrap_or(after.len());
            out.push_str(vars.get(&after[..end]).map_or("", String::as_str));
            rest = &after[end..];
        }
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Dockerfile {
        Dockerfile::read("Dockerfile", text.as_bytes(), &BTreeMap::new()).expect("reads")
    }

    #[test]
    fn stages_are_no_base_images_and_arguments_are_expanded() {
        let file = read(
            "ARG VERSION=3.11\nARG BASE=python:${VERSION}-slim\nFROM ${BASE} AS Base\nFROM base\nFROM scratch\nFROM python:$VERSION\n",
        );
        let images: Vec<_> = file
            .bases()
            .iter()
            .map(|base| base.image.as_deref())
            .collect();
        assert_eq!(images, [Some("python:3.11-slim"), Some("python:3.11")]);
        assert_eq!(file.bases()[1].location.line, 6);
    }

    #[test]
    fn a_step_is_found_by_the_name_that_either_builder_gives_it() {
        let file = read("FROM x\n# nota\nRUN apt-get update \\\n # y esto\n  && true\nUSER 1\n");
        let line = |name| file.step(name).map(|at| at.line);
        assert_eq!(line("[2/3] RUN apt-get update   && true"), Some(3));
        assert_eq!(line("Step 3/3 : USER 1"), Some(6));
        assert_eq!(line("Step 3/3 : USER 2"), None);
        assert_eq!(file.last("USER").map(|at| at.line), Some(6));
    }

    #[test]
    fn a_binary_file_is_told_from_a_dockerfile_that_the_builder_refuses() {
        let read = |bytes: &[u8]| Dockerfile::read("Dockerfile", bytes, &BTreeMap::new());
        assert!(read(b"\x7fELF\x00\x01").is_err());
        assert!(read(b"FROM x\nRUN \xff\n").is_err_and(|e| e.location.line == 2));
        assert!(read(b"# nada\n").is_err());
        assert!(read(b"FORM x\n").is_ok());
    }

    #[test]
    fn what_only_newer_builders_know_is_no_fault_of_the_file() {
        let file = read("FROM x\nRUN <<EOF\necho hola\nEOF\nCOPIA a b\n");
        let (what, at) = file
            .beyond(
                "dockerfile parse error line 3: unknown instruction: ECHO",
                false,
            )
            .expect("beyond");
        assert!(what.contains("heredocs"));
        assert_eq!(at.map(|at| at.line), Some(2));

        let newer = "dockerfile parse error line 5: unknown instruction: COPIA";
        assert!(file.beyond(newer, true).is_none());

        let file = read("FROM x\nCOPY --link a b\nCOPY --lonk a b\n");
        assert!(
            file.beyond("dockerfile parse error line 2: Unknown flag: link", false)
                .is_some()
        );
        assert!(
            file.beyond("dockerfile parse error line 3: Unknown flag: lonk", false)
                .is_none()
        );
        assert!(
            file.beyond(
                "dockerfile parse error line 3: unknown instruction: COPIA",
                false
            )
            .is_none()
        );
        assert!(
            file.beyond(
                "executor failed running [/bin/sh -c false]: exit code: 1",
                false
            )
            .is_none()
        );
    }

    #[test]
    fn a_syntax_line_loses_its_power_and_nothing_else_changes() {
        let file = read("# syntax=docker/dockerfile:1\nFROM x\n");
        assert_eq!(
            file.without_syntax(),
            "#: syntax=docker/dockerfile:1\nFROM x\n"
        );
        let file = read("# syntax importa\nFROM x\n");
        assert_eq!(file.without_syntax(), "# syntax importa\nFROM x\n");
    }
}
