//! What a shell's text says: its simple commands, each with its words and places.
//!
//! A splitter of our own: `brush-parser`, the best-kept crate for it, gives nothing at all where one thing is wrong,
//! descends without a limit on the stack, keeps a cache of what it read for as long as the process lives, and brings
//! a snapshot-testing crate into the program. Rules only ask which commands are run, how they are joined, and with which
//! words. Where a text is not understood to its end, none of its commands is given.

mod reader;
#[cfg(test)]
mod tests;
mod words;
mod wrappers;

use super::dockerfile::instruction::{Command, Form, ShellText};
use super::dockerfile::{Dockerfile, Instruction, Kind, StageBase, Word};
use super::location::Span;
use reader::Place;

/// What an instruction runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// Its simple commands in the order written; what stands in `$(…)` in front of the command it stands in.
    pub commands: Vec<Simple>,
    /// Its comments.
    pub comments: Vec<Span>,
    /// Whether all of it was understood; when not, there are no commands.
    pub understood: bool,
    /// Whether it goes through a shell: not in the exec form.
    pub through_shell: bool,
    /// Whether the shell stops at the first command that fails (`set -e`, `bash -e`).
    pub stops_at_failure: bool,
    /// Whether a pipe fails when any of its commands does.
    pub pipefail: bool,
}

/// A simple command: assignments, words, redirections.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Simple {
    /// `A=1` in front of it.
    pub assignments: Vec<ShellWord>,
    /// Its words, the program's name first.
    pub words: Vec<ShellWord>,
    /// Its redirections.
    pub redirects: Vec<Redirect>,
    /// How it hangs together with the one in front of it.
    pub joined: Joined,
    /// In how many blocks, subshells and `$(…)` it stands.
    pub depth: usize,
    /// Whether it stands in `$(…)`.
    pub substituted: bool,
    /// From its first to its last word.
    pub span: Span,
    /// Which of the words is the program, `env`, `exec`, `sudo`… left out.
    program: usize,
}

/// What stands between a command and the one in front of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Joined {
    /// Nothing: it is the first, or the first of its block.
    #[default]
    First,
    /// `&&`.
    And,
    /// `||`.
    Or,
    /// `;`, `&` or a line end.
    Then,
    /// `|`.
    Pipe,
}

/// A word of a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShellWord {
    /// Without its quotes; what is put in by the shell stands as written.
    pub text: String,
    /// Whether the shell puts something in: `$A`, `$(…)`.
    pub expands: bool,
    /// Whether any of it is quoted or escaped.
    pub quoted: bool,
    /// Its place in the file.
    pub span: Span,
}

/// `> file`, `2>&1`, `<<EOF`.
#[derive(Clone, Debug, PartialEq)]
pub struct Redirect {
    /// `>`, `>>`, `<`, `<<`…
    pub operator: &'static str,
    /// Behind it.
    pub target: ShellWord,
}

/// Which shell runs the texts of a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shell {
    /// Whether it is one whose language is read here.
    pub known: bool,
    /// Whether it is bash, which replaces itself by a single simple command.
    pub is_bash: bool,
    /// Whether `SHELL` gives it `-e`.
    pub stops_at_failure: bool,
    /// Whether `SHELL` gives it `-o pipefail`.
    pub pipefail: bool,
}

impl Default for Shell {
    fn default() -> Self {
        Self {
            known: true,
            is_bash: false,
            stops_at_failure: false,
            pipefail: false,
        }
    }
}

impl Shell {
    /// The shell that `SHELL [...]` asks for.
    fn of(words: &[Word]) -> Self {
        let name = words.first().map_or("", |word| base_name(word.text()));
        let options: Vec<&str> = words.iter().skip(1).map(Word::text).collect();
        let short = |letter| {
            options
                .iter()
                .any(|o| o.starts_with('-') && !o.starts_with("--") && o.contains(letter))
        };
        Self {
            known: ["sh", "bash", "dash", "ash"].contains(&name),
            is_bash: name == "bash",
            stops_at_failure: short('e'),
            pipefail: options.contains(&"pipefail"),
        }
    }
}

/// What every instruction of `dockerfile` runs, in their order; empty for those that run nothing.
#[must_use]
pub fn of_dockerfile(dockerfile: &Dockerfile) -> Vec<Script> {
    let mut shells: Vec<Shell> = Vec::new();
    let mut scripts = Vec::new();
    for instruction in &dockerfile.instructions {
        if let (Kind::From(_), Some(index)) = (&instruction.kind, instruction.stage) {
            let base = dockerfile.stages.get(index).map(|stage| &stage.base);
            shells.push(match base {
                Some(StageBase::Stage(base)) => shells.get(*base).copied().unwrap_or_default(),
                _ => Shell::default(),
            });
        }
        if let (Kind::Shell(words), Some(shell)) = (&instruction.kind, shells.last_mut()) {
            *shell = Shell::of(words);
        }
        let shell = shells.last().copied().unwrap_or_default();
        let script = instruction
            .command()
            .map(|command| of_command(instruction, command, shell));
        scripts.push(script.unwrap_or_default());
    }
    scripts
}

/// The shell that holds for an instruction.
#[must_use]
pub fn shell_at(dockerfile: &Dockerfile, instruction: &Instruction) -> Shell {
    let Some(stage) = instruction.stage else {
        return Shell::default();
    };
    let mut stages = vec![stage];
    stages.extend(dockerfile.lineage(stage).map(|stage| stage.index));
    for (index, stage) in stages.into_iter().enumerate() {
        let above = dockerfile
            .stage_instructions(stage)
            .filter(|other| index > 0 || other.span < instruction.span);
        if let Some(words) = above
            .filter_map(|other| match &other.kind {
                Kind::Shell(words) => Some(words),
                _ => None,
            })
            .last()
        {
            return Shell::of(words);
        }
    }
    Shell::default()
}

fn of_command(instruction: &Instruction, command: &Command, shell: Shell) -> Script {
    match &command.form {
        Form::Exec(words) => of_words(words),
        Form::Shell(text) => {
            let whole =
                matches!(instruction.kind, Kind::Run(_)) && !instruction.heredocs.is_empty();
            let mut shell = shell;
            if let (true, Some(rest)) = (whole, text.text.trim_start().strip_prefix("#!")) {
                let line = rest.lines().next().unwrap_or_default();
                let mut words = line.split_whitespace();
                let mut name = base_name(words.next().unwrap_or_default());
                if name == "env" {
                    name = words.next().unwrap_or_default();
                }
                shell.known = ["sh", "bash", "dash", "ash"].contains(&name);
                shell.stops_at_failure = words.any(|o| o.starts_with('-') && o.contains('e'));
            }
            of_text(text, shell)
        }
    }
}

/// Reads a shell's text.
fn of_text(text: &ShellText, shell: Shell) -> Script {
    let read = shell
        .known
        .then(|| reader::read(&text.text, Place::Text(text, 0), 0))
        .flatten();
    let understood = read.is_some();
    let (commands, comments) = read.map_or_else(Default::default, |r| (r.commands, r.comments));
    let mut script = Script {
        commands,
        comments,
        understood,
        through_shell: true,
        stops_at_failure: shell.stops_at_failure,
        pipefail: shell.pipefail,
    };
    let first = script
        .commands
        .first()
        .filter(|first| first.program() == Some("set"));
    for word in first.map_or(&[][..], Simple::args) {
        let short = word.text.starts_with('-');
        script.stops_at_failure |= short && word.text.contains('e') || word.text == "errexit";
        script.pipefail |= word.text == "pipefail";
    }
    script
}

/// The exec form: one command, its words as they are.
fn of_words(words: &[Word]) -> Script {
    let mut commands = Vec::new();
    if let (Some(first), Some(last)) = (words.first(), words.last()) {
        let words = words.iter().map(|word| ShellWord {
            text: word.text().to_owned(),
            expands: false,
            quoted: true,
            span: word.span,
        });
        let simple = Simple {
            words: words.collect(),
            span: first.span.to(last.span),
            ..Simple::default()
        };
        reader::push(simple, &mut commands, 0);
    }
    Script {
        commands,
        comments: Vec::new(),
        understood: true,
        through_shell: false,
        stops_at_failure: false,
        pipefail: false,
    }
}

impl Simple {
    /// The program that is started in the end, folders left out; nothing when that is not known.
    #[must_use]
    pub fn program(&self) -> Option<&str> {
        let word = self.words.get(self.program)?;
        (!word.expands).then(|| base_name(&word.text))
    }

    /// The word that names the program.
    #[must_use]
    pub fn program_word(&self) -> Option<&ShellWord> {
        self.words.get(self.program)
    }

    /// What is given to the program.
    #[must_use]
    pub fn args(&self) -> &[ShellWord] {
        self.words.get(self.program + 1..).unwrap_or_default()
    }

    /// Whether it is that program with that first argument that is no option: `apt-get`, `install`.
    #[must_use]
    pub fn is(&self, program: &str, verb: &str) -> bool {
        self.program() == Some(program) && self.verb() == Some(verb)
    }

    /// The first argument that is no option.
    #[must_use]
    pub fn verb(&self) -> Option<&str> {
        self.args()
            .iter()
            .map(|word| word.text.as_str())
            .find(|text| !text.starts_with('-'))
    }

    /// Whether one of the arguments is exactly that.
    #[must_use]
    pub fn has_arg(&self, text: &str) -> bool {
        self.args().iter().any(|word| word.text == text)
    }

    /// Whether a short option with that letter is among the arguments, alone or with others: `-y`, `-qy`.
    #[must_use]
    pub fn has_short(&self, letter: char) -> bool {
        self.args().iter().any(|word| {
            word.text.strip_prefix('-').is_some_and(|rest| {
                rest.chars().all(|c| c.is_ascii_alphabetic()) && rest.contains(letter)
            })
        })
    }

    /// The value of `--name value` or `--name=value`.
    #[must_use]
    pub fn option(&self, name: &str) -> Option<&ShellWord> {
        let args = self.args();
        args.iter().enumerate().find_map(|(index, word)| {
            if word.text == name {
                return args.get(index + 1);
            }
            word.text
                .strip_prefix(name)?
                .starts_with('=')
                .then_some(word)
        })
    }

    /// Whether `exec` puts it in the shell's place.
    #[must_use]
    pub fn is_exec(&self) -> bool {
        self.words[..self.program.min(self.words.len())]
            .iter()
            .any(|word| word.text == "exec")
    }

    /// Whether it runs through `sudo`.
    #[must_use]
    pub fn sudo(&self) -> Option<&ShellWord> {
        let through = self.words.get(..=self.program).unwrap_or_default();
        through.iter().find(|word| word.text == "sudo")
    }
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
