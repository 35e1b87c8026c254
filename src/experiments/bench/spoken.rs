//! What the app alone writes to its log when it is given something to tell.

use std::time::{Duration, Instant, SystemTime};

use serde_json::{Map, Value};

use super::{Bench, wait_for_answer};
use crate::lab::container::{Container, GLANCE};
use crate::lab::http::Request;
use crate::lab::stack::no_health;
use crate::lab::token;
use crate::verdict::Finding;

/// How long a line may take from the app to the engine's log.
const LOG_LIMIT: Duration = Duration::from_secs(2);

/// A time zone five hours behind UTC, written so that no image needs a table of zones.
const ZONE: &str = "TZ=AULA5";

/// The function of the course's app that raises the exception: whoever shows the trace names it.
pub const RAISER: &str = "tropezar";

/// A log, with the words that only the checker knew and that are to be found in it.
pub struct Spoken {
    /// What the container printed.
    pub log: String,
    /// In the address of a page that was there.
    pub page: String,
    /// In the address of one that was not, beside quotes (the log puts others around every request).
    pub missing: String,
    /// What the exception said: it has an ñ and an accent.
    pub flaw: String,
    /// When the container was started and when its log was read.
    pub span: (SystemTime, SystemTime),
}

/// A line of a log that is a JSON object.
pub struct Entry<'a> {
    /// Its number, from 1.
    pub number: usize,
    /// As it was written.
    pub raw: &'a str,
    /// What it says.
    pub object: Map<String, Value>,
}

impl Entry<'_> {
    /// The text of `field`, where it is one and says something.
    pub fn text(&self, field: &str) -> Option<&str> {
        let text = self.object.get(field)?.as_str()?;
        (!text.trim().is_empty()).then_some(text)
    }

    /// Whether `word` is in any of its texts, however deep.
    pub fn says(&self, word: &str) -> bool {
        self.object.values().any(|value| says(value, word))
    }
}

fn says(value: &Value, word: &str) -> bool {
    match value {
        Value::String(text) => text.contains(word),
        Value::Array(values) => values.iter().any(|value| says(value, word)),
        Value::Object(values) => values
            .iter()
            .any(|(key, value)| key.contains(word) || says(value, word)),
        _ => false,
    }
}

impl Spoken {
    /// Its lines that say something, with their numbers.
    pub fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        lines(&self.log)
    }

    /// Its lines that are JSON objects.
    pub fn entries(&self) -> Vec<Entry<'_>> {
        let entries = self.lines().filter_map(|(number, raw)| {
            let object = serde_json::from_str(raw).ok()?;
            Some(Entry {
                number,
                raw,
                object,
            })
        });
        entries.collect()
    }
}

/// The lines of `log` that say something, with their numbers.
pub fn lines(log: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = log.lines().enumerate();
    lines
        .map(|(index, line)| (index + 1, line))
        .filter(|(_, line)| !line.trim().is_empty())
}

/// The first line of `log` that is no JSON object, with its number.
pub fn first_not_json(log: &str) -> Option<(usize, &str)> {
    lines(log).find(|(_, line)| serde_json::from_str::<Map<String, Value>>(line).is_err())
}

impl Bench<'_> {
    /// The app alone at level INFO, heard once.
    ///
    /// # Errors
    /// The finding that says why there is nothing to hear.
    pub async fn spoken(&self) -> Result<&Spoken, Finding> {
        let spoken = self.spoken.get_or_init(|| {
            self.lab.timed("oír a la app", async {
                let spoken = self.hear("habla", "INFO").await;
                spoken.unwrap_or_else(|error| Err(Finding::error(format!("{error:#}"))))
            })
        });
        spoken.await.as_ref().map_err(Clone::clone)
    }

    /// Starts the image alone as `name` at log level `level`, asks it for a page, for one that is not there and for an
    /// exception, and reads its log.
    ///
    /// # Errors
    /// The outer error is the machine's; the inner one says why there is nothing to hear.
    pub async fn hear(&self, name: &str, level: &str) -> anyhow::Result<Result<Spoken, Finding>> {
        let image = match self.image().await {
            Ok(image) => image,
            Err(finding) => return Ok(Err(finding)),
        };
        let environment = [
            &format!("AULA_CLAVE={}", self.switch_key),
            &format!("LOG_LEVEL={level}"),
            "LOG_FORMAT=json",
            // Whether lines come at once is another exercise's matter.
            "PYTHONUNBUFFERED=1",
            ZONE,
        ];
        let environment = environment.map(str::to_owned).to_vec();
        let begun = SystemTime::now();
        let ports = [self.port()];
        let started = self.start(name, image, environment, Some(no_health()), &ports);
        let container = match started.await? {
            Ok(container) => container,
            Err(trouble) => return Ok(Err(Finding::failed(trouble))),
        };
        if let Some(trouble) = wait_for_answer(&container, self.port()).await? {
            return Ok(Err(Finding::failed(trouble)));
        }
        let (page, missing, flaw) = (token(12), token(12), token(12));
        for path in [
            format!("/?pagina={page}"),
            format!("/no-existe-{missing}?q=%22comillas%22"),
            format!("/falla?motivo=%C3%B1and%C3%BA-{flaw}"),
        ] {
            container.ask(self.port(), &Request::get(&path)).await?;
        }
        let log = settled(&container, [&page, &missing, &flaw]).await?;
        let span = (begun, SystemTime::now());
        container.remove().await?;
        Ok(Ok(Spoken {
            log,
            page,
            missing,
            flaw: format!("ñandú-{flaw}"),
            span,
        }))
    }
}

/// The container's log, once it has all of `words` or nothing more can be expected.
async fn settled(container: &Container<'_>, words: [&String; 3]) -> anyhow::Result<String> {
    let begun = Instant::now();
    loop {
        let log = container.logs().await?;
        if words.iter().all(|word| log.contains(*word)) || begun.elapsed() > LOG_LIMIT {
            // The exception's line may still be on its way behind its access.
            tokio::time::sleep(GLANCE).await;
            return container.logs().await;
        }
        tokio::time::sleep(GLANCE).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_json_but_no_object_is_no_entry() {
        let log = "{\"a\": 1}\n\n\"texto\"\n";
        assert_eq!(first_not_json(log), Some((3, "\"texto\"")));
        assert_eq!(first_not_json("{}\n{\"b\": []}\n"), None);
    }

    #[test]
    fn a_word_is_found_however_deep_it_is() {
        let object = serde_json::json!({"exc": {"traza": [{"en": "tropezar"}]}, "n": 1});
        let entry = Entry {
            number: 1,
            raw: "",
            object: object.as_object().cloned().unwrap_or_default(),
        };
        assert!(entry.says("tropezar"));
        assert!(!entry.says("main"));
        assert_eq!(entry.text("n"), None);
    }
}
