//! Programs that print and end, and what they have said.

use std::time::{Duration, Instant};

use crate::lab::container::{Container, GLANCE};

/// Longest wait for what a program of the course prints; it needs a fraction of a second.
pub const SAY_LIMIT: Duration = Duration::from_secs(10);

/// What a container has printed, and whether it has ended.
#[derive(Clone, Debug)]
pub struct Said {
    /// All of it.
    pub log: String,
    /// Its exit code; nothing while it runs.
    pub code: Option<i64>,
}

impl Said {
    /// What to show of it, as the end of a sentence: «imprimió: …».
    pub fn told(&self) -> String {
        let lines: Vec<_> = self.log.lines().collect();
        let tail = lines[lines.len().saturating_sub(5)..].join("\n");
        match (self.code, tail.trim().is_empty()) {
            (None, true) => "sigue en marcha y no ha impreso nada".to_owned(),
            (Some(code), true) => format!("terminó con código {code} sin imprimir nada"),
            (None, false) => format!("sigue en marcha y ha impreso:\n{tail}"),
            (Some(code), false) => {
                format!("terminó con código {code} y esto es lo último que imprimió:\n{tail}")
            }
        }
    }
}

/// Waits until what `container` printed is `enough`, it has ended, or `limit` is over.
///
/// # Errors
/// When the engine does not answer.
pub async fn listen(
    container: &Container<'_>,
    limit: Duration,
    enough: impl Fn(&str) -> bool,
) -> anyhow::Result<Said> {
    let begun = Instant::now();
    loop {
        // First whether it has ended: what it printed until then is then complete.
        let state = container.state().await?;
        let ended = state.running != Some(true) && state.restarting != Some(true);
        let said = Said {
            log: container.logs().await?,
            code: ended.then(|| state.exit_code.unwrap_or(-1)),
        };
        if ended || enough(&said.log) || begun.elapsed() > limit {
            return Ok(said);
        }
        tokio::time::sleep(GLANCE).await;
    }
}

/// The numbers that stand at `{n}` of `line` in those lines of `log` that fit it, with `word` at `{palabra}`.
pub fn counted(line: &str, word: &str, log: &str) -> Vec<u64> {
    let line = line.replace("{palabra}", word);
    let Some((head, tail)) = line.split_once("{n}") else {
        return Vec::new();
    };
    let number = |line: &str| {
        let middle = line.trim().strip_prefix(head)?.strip_suffix(tail)?;
        middle.parse().ok()
    };
    log.lines().filter_map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn only_lines_with_the_word_are_counted() {
        let line = "visitas {n} semilla {palabra}";
        let log = "visitas 1 semilla a\nvisitas 7 semilla b\nvisitas x semilla a\n visitas 2 semilla a\r\n";
        assert_eq!(counted(line, "a", log), [1, 2]);
        assert_eq!(counted("visitas", "a", log), Vec::<u64>::new());
        assert_eq!(counted("{palabra}: época {n}", "a", "a: época 3\n"), [3]);
    }
}
