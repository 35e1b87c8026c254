//! Health checks.

use std::time::Duration;

use super::Located;
use super::fields::{Fields, Read, invalid, text};
use crate::submission::location::Location;
use crate::submission::yaml::{Field, Node};

/// `healthcheck:` of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Healthcheck {
    /// Where the key is.
    pub location: Location,
    /// What is run; nothing: the image's own.
    pub test: Option<Located<Test>>,
    /// `disable: true`, or the test `NONE`.
    pub disable: bool,
    /// Time between two checks.
    pub interval: Option<Located<Duration>>,
    /// Time after which a check has failed.
    pub timeout: Option<Located<Duration>>,
    /// Time in which failures do not count.
    pub start_period: Option<Located<Duration>>,
    /// Time between two checks within the start period.
    pub start_interval: Option<Located<Duration>>,
    /// Failures in a row that make it unhealthy.
    pub retries: Option<Located<u64>>,
}

/// What a health check runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// `["NONE"]`: no check, not even the image's.
    None,
    /// `["CMD", …]`: without a shell.
    Cmd(Vec<String>),
    /// `["CMD-SHELL", …]` or a string: through the image's shell.
    Shell(String),
}

impl Healthcheck {
    pub(super) fn read(field: &Field) -> Read<Self> {
        let mut fields = Fields::of(&field.value);
        let test = match fields.node("test") {
            Some(node) => test(&node)?.map(|value| Located {
                value,
                location: node.location,
            }),
            None => None,
        };
        let none = matches!(&test, Some(test) if test.value == Test::None);
        let disable = fields.is("disable")?;
        Ok(Self {
            location: field.location.clone(),
            test,
            disable: disable || none,
            interval: fields.duration("interval")?,
            timeout: fields.duration("timeout")?,
            start_period: fields.duration("start_period")?,
            start_interval: fields.duration("start_interval")?,
            retries: fields.count("retries")?,
        })
    }
}

fn test(node: &Node) -> Read<Option<Test>> {
    let Some(items) = node.seq() else {
        return Ok(text(node).map(Test::Shell));
    };
    let words: Vec<String> = items.iter().filter_map(text).collect();
    let Some((first, rest)) = words.split_first() else {
        return Ok(None);
    };
    match first.as_str() {
        "NONE" => Ok(Some(Test::None)),
        "CMD" => Ok(Some(Test::Cmd(rest.to_vec()))),
        "CMD-SHELL" => Ok(Some(match rest {
            [line] => Test::Shell(line.clone()),
            // The engine hands all of them to the shell, which runs the first alone.
            _ => {
                let mut words = vec!["/bin/sh".to_owned(), "-c".to_owned()];
                words.extend_from_slice(rest);
                Test::Cmd(words)
            }
        })),
        _ => invalid(
            &node.location,
            format!(
                "la lista de `test` empieza por `{first}` y tiene que empezar por `CMD`, `CMD-SHELL` o `NONE`: escribe `[\"CMD\", \"{first}\", …]`"
            ),
        ),
    }
}
