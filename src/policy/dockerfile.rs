//! What of a Dockerfile may reach the builder. The *engine* fetches what `FROM`, `COPY --from`, `--mount=from=`,
//! `# syntax=` and `ADD` name, from its own place in the network.

use super::{Allowance, Refusal, Review, refuse};
use crate::submission::Location;
use crate::submission::dockerfile::{Base, Dockerfile, Instruction, Kind, Word};

/// Letters in which a name may differ from a stage's to be taken for a slip of the pen.
const MOST_SLIPS: usize = 2;

/// What the only known frontend is called; any tag of it is stripped before the text is sent.
const FRONTEND: &str = "docker/dockerfile";

/// What addresses begin with, for the builder.
const REMOTE: [&str; 6] = [
    "http://",
    "https://",
    "git://",
    "ssh://",
    "git@",
    "github.com/",
];

/// How an image that the builder would fetch stands to the exercise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// One of the exercise's.
    Allowed,
    /// No image: a stage's name, misspelled.
    Slip(String),
    /// Not one of the exercise's.
    Foreign,
    /// Not to be known before the build.
    Unknown,
    /// The builder refuses the line before it fetches anything.
    Faulty,
}

/// How `base` stands.
pub fn standing(dockerfile: &Dockerfile, base: &Base, allowed: &Allowance) -> Standing {
    let Some(image) = &base.image else {
        let faulty = dockerfile
            .faults
            .iter()
            .any(|fault| dockerfile.location(fault.instruction).line == base.location.line);
        return if faulty {
            Standing::Faulty
        } else {
            Standing::Unknown
        };
    };
    if allowed.has(image) {
        return Standing::Allowed;
    }
    let mut names = dockerfile
        .stages
        .iter()
        .filter_map(|stage| stage.name.as_deref());
    match names.find(|name| strsim::osa_distance(name, image) <= MOST_SLIPS) {
        Some(name) => Standing::Slip(name.to_owned()),
        None => Standing::Foreign,
    }
}

pub(super) fn review(dockerfile: &Dockerfile, allowed: &Allowance) -> Review {
    syntax(dockerfile)?;
    for base in dockerfile.bases() {
        match standing(dockerfile, &base, allowed) {
            // Both are told, as faults, before anything is built.
            Standing::Allowed | Standing::Slip(_) | Standing::Faulty => {}
            Standing::Foreign => return Err(foreign(&base.written, &base.location, allowed)),
            Standing::Unknown => {
                return refuse(
                    &base.location,
                    format!(
                        "`{}`: no puedo saber qué imagen es antes de construir. Dale a la variable un valor con `ARG NOMBRE=valor`",
                        base.written
                    ),
                );
            }
        }
    }
    for instruction in &dockerfile.instructions {
        one(dockerfile, instruction, allowed, false)?;
    }
    Ok(())
}

fn foreign(written: &str, at: &Location, allowed: &Allowance) -> Refusal {
    Refusal {
        message: format!(
            "`{written}`: este ejercicio no admite esa imagen. Admite: {}",
            allowed.images.join(", ")
        ),
        location: at.clone(),
    }
}

/// One instruction; `put_off`: it is an `ONBUILD`'s.
fn one(
    dockerfile: &Dockerfile,
    instruction: &Instruction,
    allowed: &Allowance,
    put_off: bool,
) -> Review {
    let at = |word: &Word| dockerfile.location(word.span);
    match &instruction.kind {
        Kind::Onbuild(inner) => return one(dockerfile, inner, allowed, true),
        Kind::Run(run) => {
            for flag in &instruction.flags {
                let name = flag.name.to_lowercase();
                let value = flag.value.as_ref().map_or("", Word::text).to_lowercase();
                let location = dockerfile.location(flag.span);
                match name.as_str() {
                    "network" if !matches!(value.as_str(), "" | "default" | "none") => {
                        return refuse(
                            &location,
                            format!(
                                "`RUN --network={value}` usa la red de la máquina que construye y aquí no se admite: quita la opción"
                            ),
                        );
                    }
                    "security" if !matches!(value.as_str(), "" | "sandbox") => {
                        return refuse(
                            &location,
                            "`RUN --security` da a la construcción los derechos de la máquina y aquí no se admite: quita la opción",
                        );
                    }
                    "device" => {
                        return refuse(
                            &location,
                            "`RUN --device` alcanza los dispositivos de la máquina y aquí no se admite: quita la opción",
                        );
                    }
                    _ => {}
                }
            }
            for mount in &run.mounts {
                for (key, value) in &mount.options {
                    let Some(word) = value else { continue };
                    match key.as_str() {
                        "type" => kind_of_mount(dockerfile, word, put_off)?,
                        "from" => lender(dockerfile, instruction, word, allowed, put_off)?,
                        _ => {}
                    }
                }
            }
        }
        Kind::Transfer(transfer) => {
            if let Some(from) = &transfer.from {
                lender(dockerfile, instruction, from, allowed, put_off)?;
            }
            for source in &transfer.sources {
                if instruction.is("ADD") && fetches(source, put_off) {
                    return added(source, &at(source), allowed);
                }
            }
        }
        _ => {}
    }
    Ok(())
}

fn kind_of_mount(dockerfile: &Dockerfile, word: &Word, put_off: bool) -> Review {
    let known = word
        .value
        .as_deref()
        .filter(|_| !put_off || word.variables.is_empty());
    match known.map(str::to_lowercase).as_deref() {
        Some("bind" | "cache" | "tmpfs" | "secret") => Ok(()),
        Some("ssh") => refuse(
            &dockerfile.location(word.span),
            "`--mount=type=ssh` pide tus llaves de SSH y aquí no se admite: copia en la entrega lo que necesites",
        ),
        Some(_) if !dockerfile.faults.is_empty() => Ok(()),
        _ => refuse(
            &dockerfile.location(word.span),
            format!(
                "`--mount=type={}`: no puedo saber qué tipo es antes de construir. Escríbelo sin variables",
                word.written
            ),
        ),
    }
}

/// What files are taken from: of several `from` the builder heeds the last, so each is looked at.
fn lender(
    dockerfile: &Dockerfile,
    instruction: &Instruction,
    word: &Word,
    allowed: &Allowance,
    put_off: bool,
) -> Review {
    let name = word.text();
    let stage = instruction.stage.unwrap_or_default();
    // An `ONBUILD` runs in a later stage, and sees the names above that one.
    let above = if put_off {
        dockerfile.stages.len()
    } else {
        stage
    };
    let known =
        name == "scratch" || allowed.has(name) || dockerfile.stage_named(name, above).is_some();
    if known {
        return Ok(());
    }
    let location = Location::line(&dockerfile.path, dockerfile.location(word.span).line);
    let base = Base {
        image: word.value.clone(),
        written: word.written.clone(),
        location,
    };
    match standing(dockerfile, &base, allowed) {
        Standing::Slip(_) | Standing::Faulty if !put_off => Ok(()),
        _ => Err(foreign(&base.written, &base.location, allowed)),
    }
}

/// Whether the builder would, or might, fetch what `ADD` names.
fn fetches(source: &Word, put_off: bool) -> bool {
    let is_remote = |text: &str| {
        let lower = text.to_lowercase();
        let user = lower
            .split_once(':')
            .and_then(|(front, _)| front.split_once('@'));
        lower.contains("://")
            || REMOTE.iter().any(|start| lower.starts_with(start))
            || user.is_some_and(|(user, host)| !user.contains('/') && !host.contains('/'))
    };
    match &source.value {
        Some(value) if !put_off || source.variables.is_empty() => is_remote(value),
        _ => {
            // What stands in front of the first variable settles it, or does not.
            let literal = source.written.split('$').next().unwrap_or_default();
            let literal = literal.trim_matches(['"', '\'']).to_lowercase();
            is_remote(&literal)
                || literal.is_empty()
                || REMOTE.iter().any(|start| start.starts_with(&literal))
        }
    }
}

fn added(source: &Word, at: &Location, allowed: &Allowance) -> Review {
    let value = source.value.as_deref().unwrap_or_default();
    let fits = |start: &String| {
        value == start || (start.ends_with('/') && value.starts_with(start.as_str()))
    };
    if allowed.add_urls.iter().any(fits) {
        return Ok(());
    }
    refuse(
        at,
        format!(
            "`ADD {}`: lo descargaría el propio motor, y en este ejercicio no se descarga nada así. Pon el archivo en la entrega y cópialo con `COPY`",
            source.written
        ),
    )
}

/// Whoever reads the Dockerfile is a program from a registry: only the known one, which is not fetched either.
fn syntax(dockerfile: &Dockerfile) -> Review {
    for (index, line) in dockerfile.text.lines().enumerate() {
        let line = line.trim();
        let comment = line.strip_prefix("//").or_else(|| line.strip_prefix('#'));
        let Some(comment) = comment else {
            if line.is_empty() {
                continue;
            }
            break;
        };
        let Some((name, value)) = comment.split_once('=') else {
            continue;
        };
        if !name.trim().eq_ignore_ascii_case("syntax") {
            continue;
        }
        let value = value.trim();
        let at = Location::line(&dockerfile.path, index + 1);
        let image = value.strip_prefix("docker.io/").unwrap_or(value);
        let image = image.split(['@', ':']).next().unwrap_or_default();
        if image != FRONTEND {
            return refuse(
                &at,
                format!(
                    "`syntax={value}`: ese programa leería tu Dockerfile en lugar del motor, y no se conoce. Usa `# syntax=docker/dockerfile:1`, o quita la línea"
                ),
            );
        }
        let heeded = dockerfile.directives.iter().any(|directive| {
            directive.name == "syntax" && dockerfile.location(directive.span).line == index + 1
        });
        // Where only some builders heed it, it would not be taken out of what is sent.
        if !heeded && (line.starts_with("//") || dockerfile.text.starts_with("#!")) {
            return refuse(
                &at,
                "la línea `syntax=` solo vale como primera línea y con `#`: escríbela así, o quítala",
            );
        }
    }
    if dockerfile.text.trim_start().starts_with('{') {
        return refuse(
            &Location::line(&dockerfile.path, 1),
            "el Dockerfile empieza por `{`, y algunos motores buscarían ahí otro programa que lo leyera: empieza por `FROM`",
        );
    }
    Ok(())
}
