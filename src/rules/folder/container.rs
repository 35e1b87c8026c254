//! One container: what starts it, and what its image, its service and its health check say of it.

use super::built::{Built, built, kept};
use crate::submission::Reading;
use crate::submission::compose::{self, Service};
use crate::submission::dockerfile::{Dockerfile, Form, Instruction, Kind};
use crate::submission::location::Location;
use crate::submission::reading::ImageBuild;

/// A port, and where it is written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) port: u16,
    pub(super) location: Location,
}

/// One container: what starts it, with what is asked of it.
pub(in crate::rules) struct Container<'r> {
    pub(super) dockerfile: &'r Dockerfile,
    pub(super) kept: Vec<&'r Instruction>,
    pub(in crate::rules) service: Option<&'r Service>,
    /// The compose project it is one of.
    pub(in crate::rules) names: Vec<&'r str>,
}

pub(in crate::rules) fn containers(reading: &Reading) -> Vec<Container<'_>> {
    let mut containers: Vec<Container<'_>> =
        built(reading).iter().map(Container::of_service).collect();
    for build in reading
        .builds
        .iter()
        .filter(|build| build.service.is_none())
    {
        containers.push(Container::alone(reading, build));
    }
    containers
}

impl<'r> Container<'r> {
    fn of_service(built: &Built<'r>) -> Self {
        Self {
            dockerfile: built.dockerfile,
            kept: built.kept(),
            service: Some(built.service),
            names: built
                .loaded
                .project
                .services
                .keys()
                .map(String::as_str)
                .collect(),
        }
    }

    fn alone(reading: &'r Reading, build: &ImageBuild) -> Self {
        let dockerfile = &reading.dockerfiles[build.dockerfile];
        Self {
            dockerfile,
            kept: kept(dockerfile, build),
            service: None,
            names: Vec::new(),
        }
    }

    fn last(&self, keyword: &str) -> Option<&'r Instruction> {
        self.kept.iter().rfind(|one| one.is(keyword)).copied()
    }

    /// The words of what is started, each with its place; nothing when they cannot be known.
    pub(super) fn command(&self) -> Option<Vec<(String, Location)>> {
        let of_image = |instruction: Option<&Instruction>| -> Option<Vec<(String, Location)>> {
            let Some(instruction) = instruction else {
                return Some(Vec::new());
            };
            let command = instruction.command()?;
            match &command.form {
                Form::Exec(words) => words
                    .iter()
                    .map(|word| Some((word.value.clone()?, self.dockerfile.location(word.span))))
                    .collect(),
                Form::Shell(text) => {
                    let simple = !text
                        .text
                        .contains([';', '|', '&', '<', '>', '(', '`', '\n']);
                    simple.then(|| {
                        let words = text.text.split_whitespace();
                        let at = self.dockerfile.location(command.span);
                        words
                            .map(|word| (word.trim_matches(['"', '\'']).to_owned(), at.clone()))
                            .collect()
                    })
                }
            }
        };
        let of_compose = |command: &compose::Command| {
            let words = command.words.iter();
            words
                .map(|word| (word.clone(), command.location.clone()))
                .collect::<Vec<_>>()
        };
        let written = |command: &Option<compose::Command>| {
            command
                .as_ref()
                .filter(|command| command.form != compose::CommandForm::Null)
                .map(of_compose)
        };
        let entrypoint = match self
            .service
            .and_then(|service| written(&service.entrypoint))
        {
            Some(words) => {
                return Some([words, written(&self.service?.command).unwrap_or_default()].concat());
            }
            None => self.last("ENTRYPOINT"),
        };
        let mut words = of_image(entrypoint)?;
        let shell =
            entrypoint.is_some_and(|one| one.command().is_some_and(|c| c.shell_text().is_some()));
        // An entrypoint in shell form takes no arguments.
        if !shell {
            words.extend(
                match self.service.and_then(|service| written(&service.command)) {
                    Some(words) => words,
                    None => of_image(self.last("CMD"))?,
                },
            );
        }
        Some(words)
    }

    /// The ports of `EXPOSE`; nothing when there is none or one of them is not certain.
    pub(super) fn exposed(&self) -> Option<Vec<Written>> {
        let mut ports = Vec::new();
        for instruction in &self.kept {
            let Kind::Expose(words) = &instruction.kind else {
                continue;
            };
            for word in words {
                let value = word.value.as_deref()?;
                let value = value.strip_suffix("/tcp").unwrap_or(value);
                ports.push(Written {
                    port: value.parse().ok()?,
                    location: self.dockerfile.location(word.span),
                });
            }
        }
        (!ports.is_empty()).then_some(ports)
    }

    /// What the health check runs, and where it is written.
    pub(in crate::rules) fn probe(&self) -> Option<(String, Location)> {
        if let Some(healthcheck) = self
            .service
            .and_then(|service| service.healthcheck.as_ref())
        {
            if healthcheck.disable {
                return None;
            }
            if let Some(test) = &healthcheck.test {
                let text = match &test.value {
                    compose::Test::None => return None,
                    compose::Test::Cmd(words) => words.join(" "),
                    compose::Test::Shell(text) => text.clone(),
                };
                return Some((text, test.location.clone()));
            }
        }
        let instruction = self.last("HEALTHCHECK")?;
        let command = instruction.command()?;
        Some((command.text(), self.dockerfile.location(command.span)))
    }

    /// The value of `PORT` that holds at the end.
    pub(super) fn port_variable(&self) -> Option<Written> {
        if let Some(value) = self
            .service
            .and_then(|service| service.environment.get("PORT"))
        {
            return Some(Written {
                port: value.value.as_ref()?.parse().ok()?,
                location: value.location.clone(),
            });
        }
        let mut pairs = self
            .kept
            .iter()
            .filter(|one| one.is("ENV"))
            .flat_map(|one| one.pairs());
        let pair = pairs.rfind(|pair| pair.name.text() == "PORT")?;
        let word = pair.value.as_ref()?;
        Some(Written {
            port: word.value.as_deref()?.parse().ok()?,
            location: self.dockerfile.location(pair.name.span),
        })
    }
}
