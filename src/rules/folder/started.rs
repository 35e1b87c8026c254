//! The script that starts a container, and how it gets there.

use super::copies::{self, InImage};
use crate::rules::compose::official;
use crate::submission::Reading;
use crate::submission::dockerfile::{Dockerfile, Instruction, Kind};
use crate::submission::location::Span;
use crate::submission::reading::ImageBuild;
use crate::submission::shell::{Script, Simple};
use crate::submission::snapshot::Entry;

/// How a script is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// As it is, by the kernel.
    Kernel,
    /// By name from a shell, which runs what the kernel does not know itself.
    Shell,
    /// Given to a shell as its argument.
    Interpreter,
}

/// A file of the context that starts the container.
pub(super) struct Started<'r> {
    pub(super) dockerfile: &'r Dockerfile,
    build: &'r ImageBuild,
    /// Where it is named.
    pub(super) span: Span,
    pub(super) by: By,
    pub(super) file: InImage<'r>,
    pub(super) bytes: &'r [u8],
    pub(super) executable: bool,
}

impl Started<'_> {
    pub(super) fn name(&self) -> &str {
        self.file.path.rsplit('/').next().unwrap_or(&self.file.path)
    }

    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes).into_owned()
    }

    /// Whether a `RUN` may change what is asked of it with one of `programs`.
    pub(super) fn is_changed_by(&self, reading: &Reading, programs: &[&str]) -> bool {
        let scripts = &reading.scripts[self.build.dockerfile];
        let kept = copies::stages_kept(self.dockerfile, self.build);
        let runs = self.dockerfile.instructions.iter().zip(scripts);
        runs.filter(|(instruction, _)| {
            matches!(instruction.kind, Kind::Run(_))
                && instruction.stage.is_some_and(|stage| kept.contains(&stage))
                && self.file.instruction.span < instruction.span
        })
        .any(|(_, script)| {
            !script.understood
                || script.commands.iter().any(|command| {
                    // Who changes one file, whatever it is called, may well change this one.
                    matches!(command.program(), None | Some("find" | "xargs" | "make"))
                        || command.program().is_some_and(|program| {
                            programs.contains(&program) && self.may_be_meant(command)
                        })
                })
        })
    }

    fn may_be_meant(&self, command: &Simple) -> bool {
        command.args().iter().any(|word| {
            word.expands
                || word.text.contains('*')
                || word.text.ends_with(self.name())
                || word.text == "-R"
                || word.text == "--recursive"
        })
    }
}

pub(super) fn started(reading: &Reading) -> Vec<Started<'_>> {
    let found = reading.builds.iter().filter_map(|build| {
        let dockerfile = &reading.dockerfiles[build.dockerfile];
        let (instruction, script) = starter(reading, dockerfile, build)?;
        let service = build.service.as_ref().and_then(|(project, name)| {
            reading
                .services()
                .find(|(index, _, service)| index == project && service.name == *name)
                .map(|(_, _, service)| service)
        });
        let replaced = service.is_some_and(|service| {
            service.entrypoint.is_some()
                || (instruction.is("CMD") && service.command.is_some())
                || service.working_dir.is_some()
        });
        let (word, by) = named(&script)?;
        // The images of `node` and distroless hand such a `CMD` to their own program, which needs no permission.
        let own = instruction.is("CMD")
            && by == By::Kernel
            && !official::build_is(reading, build, "ENTRYPOINT", |image| {
                image.has_no_entrypoint()
            });
        if replaced || own {
            return None;
        }
        let (text, span) = (word.0, word.1);
        let workdir = copies::workdir_of(dockerfile, copies::last_stage(dockerfile, build)?);
        let candidates: Vec<String> = if text.contains('/') || by == By::Interpreter {
            copies::absolute(&text, workdir.as_deref())
                .into_iter()
                .collect()
        } else {
            let folders = [
                "/usr/local/sbin",
                "/usr/local/bin",
                "/usr/sbin",
                "/usr/bin",
                "/sbin",
                "/bin",
            ];
            folders.map(|folder| format!("{folder}/{text}")).to_vec()
        };
        let mut files = copies::image_files(reading, build);
        let at = candidates.into_iter().find(|at| files.contains_key(at))?;
        let mounted = service.is_some_and(|service| {
            service
                .volumes
                .iter()
                .any(|mount| copies::is_below(&at, mount.target.trim_end_matches('/')))
        });
        let file = files.remove(&at).filter(|_| !mounted)?;
        let Some(Entry::File { bytes, executable }) = reading.snapshot.entry(&file.path) else {
            return None;
        };
        let executable = *executable;
        Some(Started {
            dockerfile,
            build,
            span,
            by,
            file,
            bytes,
            executable,
        })
    });
    found.collect()
}

/// What starts the image, and what it runs.
fn starter<'r>(
    reading: &Reading,
    dockerfile: &'r Dockerfile,
    build: &ImageBuild,
) -> Option<(&'r Instruction, Script)> {
    let kept = copies::stages_kept(dockerfile, build);
    let last = |keyword: &str| {
        kept.iter().find_map(|stage| {
            let instructions = dockerfile.stage_instructions(*stage);
            instructions.filter(|one| one.is(keyword)).last()
        })
    };
    let instruction = last("ENTRYPOINT").or_else(|| last("CMD"))?;
    let index = dockerfile
        .instructions
        .iter()
        .position(|one| std::ptr::eq(one, instruction))?;
    let script = reading.scripts[build.dockerfile].get(index)?.clone();
    Some((instruction, script))
}

/// The script that a command starts, and how.
fn named(script: &Script) -> Option<((String, Span), By)> {
    let [command] = script.commands.as_slice() else {
        return None;
    };
    let mut words = command.words.iter().skip_while(|word| word.text == "exec");
    let mut word = words.next()?;
    let base = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
    let mut by = if script.through_shell {
        By::Shell
    } else {
        By::Kernel
    };
    if matches!(base(&word.text).as_str(), "tini" | "dumb-init") {
        word = words.find(|word| !word.text.starts_with('-'))?;
        by = By::Kernel;
    }
    if matches!(base(&word.text).as_str(), "sh" | "bash" | "dash" | "ash") {
        word = words.next()?;
        while word.text.starts_with('-') && !word.text.contains('c') {
            word = words.next()?;
        }
        if word.text.starts_with('-') {
            return None;
        }
        by = By::Interpreter;
    }
    (!word.expands).then(|| ((word.text.clone(), word.span), by))
}
