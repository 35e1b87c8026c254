//! How much a Dockerfile asks of the builder.

use std::collections::BTreeMap;

use super::{EXPOSED, HEALTHCHECK, INSTRUCTIONS, LAYERS, LINE, NESTING, STAGES, WORD, WORDS};
use crate::policy::{Review, refuse};
use crate::submission::Location;
use crate::submission::dockerfile::{Dockerfile, Instruction, Kind, StageBase, Word};

/// Bytes that a variable of the base image is taken to have; a long `PATH` has some hundred.
const UNKNOWN: u64 = 512;

/// How long what is set is.
type Lengths = BTreeMap<String, u64>;

pub(in crate::policy) fn review(
    dockerfile: &Dockerfile,
    args: &BTreeMap<String, String>,
) -> Review {
    let at = |line: usize| Location::line(&dockerfile.path, line);
    let long = dockerfile.text.lines().position(|line| line.len() > LINE);
    if let Some(index) = long {
        return refuse(
            &at(index + 1),
            format!(
                "la línea pasa de {LINE} bytes, y el motor no lee líneas tan largas: pártela con `\\`, o guarda los datos en un archivo y cópialo"
            ),
        );
    }
    if let Some(one) = dockerfile.instructions.get(INSTRUCTIONS) {
        return refuse(
            &dockerfile.location(one.span),
            format!(
                "el Dockerfile tiene más de {INSTRUCTIONS} instrucciones: une las que van juntas"
            ),
        );
    }
    if let Some(stage) = dockerfile.stages.get(STAGES) {
        return refuse(
            &dockerfile.location(stage.span),
            format!("el Dockerfile tiene más de {STAGES} etapas: deja las que usas"),
        );
    }
    layers(dockerfile)?;
    words(dockerfile, args)
}

fn layers(dockerfile: &Dockerfile) -> Review {
    let mut below: Vec<usize> = Vec::new();
    for stage in &dockerfile.stages {
        let mut count = match stage.base {
            StageBase::Stage(index) => below.get(index).copied().unwrap_or_default(),
            _ => 0,
        };
        for instruction in dockerfile.stage_instructions(stage.index) {
            let inner = match &instruction.kind {
                Kind::Onbuild(inner) => inner,
                _ => instruction,
            };
            if matches!(
                inner.kind,
                Kind::Run(_) | Kind::Transfer(_) | Kind::Workdir(_)
            ) {
                count += 1;
            }
            if count > LAYERS {
                return refuse(
                    &dockerfile.location(instruction.span),
                    format!(
                        "la imagen pasaría de {LAYERS} capas, y ningún motor guarda muchas más: une órdenes con `&&` y copia varias rutas en un solo `COPY`"
                    ),
                );
            }
        }
        below.push(count);
    }
    Ok(())
}

/// Counts how long every word gets, without ever making it.
fn words(dockerfile: &Dockerfile, args: &BTreeMap<String, String>) -> Review {
    let mut counter = Counter {
        dockerfile,
        args,
        globals: Lengths::new(),
        stages: Vec::new(),
        left: WORDS,
    };
    dockerfile
        .instructions
        .iter()
        .try_for_each(|instruction| counter.instruction(instruction))
}

struct Counter<'d> {
    dockerfile: &'d Dockerfile,
    args: &'d BTreeMap<String, String>,
    globals: Lengths,
    stages: Vec<Lengths>,
    left: u64,
}

impl Counter<'_> {
    fn instruction(&mut self, instruction: &Instruction) -> Review {
        if let Kind::From(_) = instruction.kind {
            self.count(instruction)?;
            let base = instruction
                .stage
                .and_then(|index| self.dockerfile.stages.get(index));
            let inherited = match base.map(|stage| &stage.base) {
                Some(StageBase::Stage(index)) => self.stages.get(*index).cloned(),
                _ => None,
            };
            self.stages.push(inherited.unwrap_or_default());
            return Ok(());
        }
        self.count(instruction)
    }

    fn count(&mut self, instruction: &Instruction) -> Review {
        // An `ONBUILD` is counted as if it ran here: one that doubles does so here as well.
        if let Kind::Onbuild(inner) = &instruction.kind {
            return self.count(inner);
        }
        let global = matches!(instruction.kind, Kind::From(_));
        let declares = matches!(instruction.kind, Kind::Arg(_) | Kind::Env(_));
        if declares {
            // In a row each may see the one before.
            for pair in instruction.pairs() {
                self.word(&pair.name, global)?;
                let name = pair.name.text();
                let length = match (&pair.value, instruction.is("ARG")) {
                    (Some(value), true) => self.word(value, global)?.max(self.given(name)),
                    (Some(value), false) => self.word(value, global)?,
                    (None, _) => self
                        .given(name)
                        .max(self.globals.get(name).copied().unwrap_or(0)),
                };
                let set = self.stages.last_mut().unwrap_or(&mut self.globals);
                let known = set.entry(name.to_owned()).or_default();
                *known = if pair.value.is_some() {
                    length
                } else {
                    length.max(*known)
                };
            }
            return Ok(());
        }
        for word in instruction.words() {
            self.word(word, global)?;
        }
        for heredoc in instruction
            .heredocs
            .iter()
            .filter(|heredoc| heredoc.expands)
        {
            let body = self
                .dockerfile
                .text
                .get(heredoc.body.start..heredoc.body.end);
            if matches!(instruction.kind, Kind::Transfer(_)) {
                let body = body.unwrap_or_default();
                let put_in: u64 = names_in(body)
                    .map(|name| self.length(name, false))
                    .fold(0, u64::saturating_add);
                self.spend(instruction, (body.len() as u64).saturating_add(put_in))?;
            }
        }
        if let Kind::Expose(ports) = &instruction.kind
            && ports.iter().map(|word| exposed(word.text())).sum::<u32>() > EXPOSED
        {
            return refuse(
                &self.dockerfile.location(instruction.span),
                format!("`EXPOSE` nombra más de {EXPOSED} puertos: deja los que usa la aplicación"),
            );
        }
        if let Kind::Healthcheck(Some(command)) = &instruction.kind
            && command.text().len() > HEALTHCHECK
        {
            return refuse(
                &self.dockerfile.location(instruction.span),
                format!(
                    "la orden del `HEALTHCHECK` pasa de {} KiB: guárdala en un archivo y llámalo",
                    HEALTHCHECK >> 10
                ),
            );
        }
        Ok(())
    }

    /// How long the word gets.
    fn word(&mut self, word: &Word, global: bool) -> Result<u64, crate::policy::Refusal> {
        let location = || self.dockerfile.location(word.span);
        if nesting(&word.written) > NESTING {
            refuse(
                &location(),
                format!(
                    "hay más de {NESTING} variables una dentro de otra: usa valores más sencillos"
                ),
            )?;
        }
        // Whatever is read of it, the text itself may name more than was noted before the reader gave up.
        let put_in = names_in(&word.written)
            .map(|name| self.length(name, global))
            .fold(0, u64::saturating_add);
        let length = (word.written.len() as u64).saturating_add(put_in);
        if put_in > 0 && length > WORD || length > u64::MAX / 4 {
            refuse(
                &location(),
                format!(
                    "con sus variables puestas, esto pasa de {} KiB: las variables crecen unas dentro de otras. Escribe valores cortos, o guarda los datos en un archivo",
                    WORD >> 10
                ),
            )?;
        }
        self.take(length, || self.dockerfile.location(word.span))?;
        Ok(length)
    }

    fn spend(&mut self, instruction: &Instruction, length: u64) -> Review {
        self.take(length, || self.dockerfile.location(instruction.span))
    }

    fn take(&mut self, length: u64, at: impl Fn() -> Location) -> Review {
        match self.left.checked_sub(length) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => refuse(
                &at(),
                format!(
                    "con todas sus variables puestas, el Dockerfile pasa de {} MiB: guarda los datos en archivos y cópialos",
                    WORDS >> 20
                ),
            ),
        }
    }

    fn given(&self, name: &str) -> u64 {
        self.args.get(name).map_or(0, |value| value.len() as u64)
    }

    /// How long a variable is; one that is set nowhere may be the base image's.
    fn length(&self, name: &str, global: bool) -> u64 {
        let stage = self.stages.last().filter(|_| !global);
        let known = match stage {
            Some(set) => set.get(name),
            None => self.globals.get(name),
        };
        known
            .copied()
            .unwrap_or(if stage.is_some() { UNKNOWN } else { 0 })
    }
}

/// How many ports `8000`, `8000-8010/udp` names.
fn exposed(written: &str) -> u32 {
    let ports = written.split('/').next().unwrap_or_default();
    let Some((first, last)) = ports.split_once('-') else {
        return 1;
    };
    match (first.parse::<u16>(), last.parse::<u16>()) {
        (Ok(first), Ok(last)) => u32::from(last.saturating_sub(first)) + 1,
        _ => 1,
    }
}

/// The names behind every `$` and `${`.
fn names_in(text: &str) -> impl Iterator<Item = &str> {
    text.split('$').skip(1).filter_map(|rest| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        (end > 0).then(|| &rest[..end])
    })
}

/// How deep `${` lie in each other, at most.
fn nesting(text: &str) -> usize {
    let (mut depth, mut most) = (0usize, 0);
    let bytes = text.as_bytes();
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            b'{' if at > 0 && bytes[at - 1] == b'$' => {
                depth += 1;
                most = most.max(depth);
            }
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    most
}
