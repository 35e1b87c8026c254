//! What builders say of a Dockerfile, traced back to its lines.

use super::instruction::{Instruction, Kind, Mount};
use super::stage::StageBase;
use super::word::Word;
use super::{Dockerfile, Location};

/// An image that a stage starts from, or takes files from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// The reference, arguments expanded with their defaults; nothing when that is not possible.
    pub image: Option<String>,
    /// The reference as written.
    pub written: String,
    /// Where.
    pub location: Location,
}

/// An instruction by its name among a build's steps.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub keyword: &'static str,
    /// In the builder's spelling: one line, single spaces.
    pub text: String,
    pub line: usize,
    pub heredocs: bool,
}

/// A step's instruction without the builder's numbering.
pub fn unnumbered(name: &str) -> &str {
    let inner = name
        .split_once("] ")
        .filter(|_| name.starts_with('['))
        .map_or(name, |(_, inner)| inner);
    let podman = inner.strip_prefix("STEP ");
    podman
        .and_then(|rest| rest.split_once(": "))
        .or_else(|| name.split_once("] "))
        .or_else(|| name.split_once(" : "))
        .map_or(name, |(_, text)| text)
}

impl Dockerfile {
    /// The images that the builder would fetch: those that stages start from, `COPY --from` and
    /// `RUN --mount=from=` take files from. Other stages and `scratch` are left out.
    #[must_use]
    pub fn bases(&self) -> Vec<Base> {
        let base = |word: &Word, image: Option<String>| Base {
            image,
            written: word.written.clone(),
            location: Location::line(&self.path, self.location(word.span).line),
        };
        let mut bases = Vec::new();
        for instruction in &self.instructions {
            let Some(index) = instruction.stage else {
                continue;
            };
            let lenders: Vec<&Word> = match &instruction.kind {
                Kind::From(from) => {
                    if let StageBase::Image(image) = &self.stages[index].base {
                        bases.push(base(&from.image, image.clone()));
                    }
                    continue;
                }
                Kind::Transfer(transfer) => transfer.from.iter().collect(),
                Kind::Run(run) => run.mounts.iter().filter_map(Mount::lender).collect(),
                _ => continue,
            };
            for lender in lenders {
                let name = lender.value.as_deref();
                let is_stage = name.is_some_and(|name| self.stage_named(name, index).is_some());
                if !is_stage && name != Some("scratch") {
                    bases.push(base(lender, lender.value.clone()));
                }
            }
        }
        bases
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
        let heredoc = self.heredoc().filter(|_| !knows_heredocs)?;
        let parsing = lower.contains("unknown instruction") || lower.contains("parse error");
        parsing.then(|| ("heredocs (`<<EOF`)".to_owned(), Some(heredoc)))
    }

    /// The first instruction that has a heredoc.
    fn heredoc(&self) -> Option<Location> {
        let has = |instruction: &Instruction| !instruction.heredocs.is_empty();
        let found = self.instructions.iter().find(|instruction| {
            has(instruction) || matches!(&instruction.kind, Kind::Onbuild(inner) if has(inner))
        })?;
        Some(Location::line(&self.path, self.location(found.span).line))
    }

    /// Whether something may be unpacked with the owners that an archive gives its files, by a builder that may just as
    /// well be the classic one.
    pub fn unpacks(&self) -> bool {
        let any = |holds: fn(&Instruction) -> bool| self.instructions.iter().any(holds);
        any(|one| one.is("ADD")) && !any(|one| one.flag("mount").is_some())
    }

    /// The lines on which the `FROM`s end: what is put behind them stands at the beginning of its stage.
    #[must_use]
    pub fn stage_starts(&self) -> Vec<usize> {
        let froms = self
            .instructions
            .iter()
            .filter(|instruction| matches!(instruction.kind, Kind::From(_)));
        froms.map(|from| self.end(from.span).0).collect()
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

    /// The line of a step as a builder names it: `[stage 2/5] RUN …`, `Step 2/5 : RUN …` or `STEP 2/5: RUN …`.
    pub fn step(&self, name: &str) -> Option<Location> {
        let text = squeeze(unnumbered(name));
        // Behind the line of a heredoc the builder puts the first line of its text.
        let step = self.steps.iter().find(|step| {
            let rest = text.strip_prefix(&step.text);
            rest.is_some_and(|rest| rest.is_empty() || (step.heredocs && rest.starts_with(" (")))
        })?;
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
    ///
    /// A comment ends the directives, so it goes below the others; all other lines stay where they are.
    #[must_use]
    pub fn without_syntax(&self) -> String {
        let Some(syntax) = self.directives.iter().find(|d| d.name == "syntax") else {
            return self.text.clone();
        };
        let last = self.directives.last().unwrap_or(syntax);
        let end = |from: usize| {
            let rest = &self.text[from..];
            from + rest.find('\n').map_or(rest.len(), |end| end + 1)
        };
        let (start, after, below) = (syntax.span.start, end(syntax.span.end), end(last.span.end));
        let mut line = self.text[start + 1..after].to_owned();
        let mut others = self.text[after..below].to_owned();
        if !others.is_empty() && !others.ends_with('\n') {
            others.push('\n');
            line.truncate(line.trim_end_matches(['\r', '\n']).len());
        }
        format!(
            "{}{others}#:{line}{}",
            &self.text[..start],
            &self.text[below..]
        )
    }
}

/// One line, single spaces: how builders name steps.
pub(super) fn squeeze(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
