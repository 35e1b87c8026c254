//! What is shown while a check runs: one live line on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use super::tell;
use crate::verdict::Event;

/// Shows events on standard error, which is never mixed with a report.
pub struct Live {
    bar: Option<ProgressBar>,
    quiet: bool,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    items: usize,
    decided: usize,
}

impl Live {
    /// A live line when standard error is a terminal; else plain lines, or none when `quiet`.
    pub fn new(quiet: bool) -> Self {
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let bar = (std::io::stderr().is_terminal() && !dumb).then(|| {
            let bar = ProgressBar::new_spinner();
            let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}");
            if let Ok(style) = style {
                bar.set_style(
                    style.tick_strings(&["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏", "·"]),
                );
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self {
            bar,
            quiet,
            seen: Mutex::default(),
        }
    }

    /// Takes in one event.
    pub fn show(&self, event: Event) {
        let Ok(mut seen) = self.seen.lock() else {
            return;
        };
        match event {
            Event::Started { title, items } => {
                *seen = Seen { items, decided: 0 };
                self.say(&format!("compruebo «{title}» ({items} puntos)"));
            }
            // The report tells them, in their place.
            Event::Read(_) => {}
            Event::Doing(what) => match &self.bar {
                Some(bar) => bar.set_message(format!("{}/{} · {what}", seen.decided, seen.items)),
                None => self.say(&what),
            },
            Event::Decided(_) => {
                seen.decided += 1;
                if let Some(bar) = &self.bar {
                    let message = bar.message();
                    let what = message
                        .split_once(" · ")
                        .map_or("", |(_, what)| what)
                        .to_owned();
                    bar.set_message(format!("{}/{} · {what}", seen.decided, seen.items));
                }
            }
        }
    }

    /// Says one line that stays.
    pub fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| tell::progress(line)),
            None if self.quiet => {}
            None => tell::progress(line),
        }
    }

    /// Prints something else without the live line getting in its way.
    pub fn pause<T>(&self, print: impl FnOnce() -> T) -> T {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the live line away.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
