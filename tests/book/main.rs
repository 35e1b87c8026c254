//! The book holds: every block does what its info string says, every link leads somewhere, every page ends with its
//! exercises, and the pages are built without a warning.
//!
//! Blocks that need an engine run on the real one. Those that call `docker compose` need that plugin: without it (in
//! the `PATH` of plugins, or named by `MUELLE_COMPOSE`) they are counted and left out, unless `MUELLE_BOOK_ALL` is set.
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests stop the test, as the tests do"
)]

mod console;
mod engine;
mod page;
mod reading;
mod site;

use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use libtest_mimic::{Arguments, Trial};
use muelle::course::Course;
use muelle::experiments;

use engine::Bench;
use page::Page;

fn main() -> ExitCode {
    let args = Arguments::from_args();
    let pages: Vec<Arc<Page>> = Page::all().into_iter().map(Arc::new).collect();
    let course = Arc::new(Course::embedded(&experiments::specs()).expect("the course is right"));
    let mut trials = Vec::new();
    for page in &pages {
        let one = page.clone();
        trials.push(Trial::test(
            format!("{} · lo que se lee", page.name),
            move || Ok(reading::check(&one)?),
        ));
    }
    // Its blocks use the names and ports that the book teaches: one page at a time.
    let bench: Arc<Mutex<Option<Bench>>> = Arc::default();
    for page in pages.iter().filter(|page| page.needs_engine()) {
        let (one, bench, course) = (page.clone(), bench.clone(), course.clone());
        trials.push(Trial::test(
            format!("{} · lo que se ejecuta", page.name),
            move || {
                let mut bench = bench
                    .lock()
                    .unwrap_or_else(|poisoned| poisoned.into_inner());
                let bench = bench.get_or_insert_with(|| Bench::open(&course));
                Ok(bench.try_page(&one)?)
            },
        ));
    }
    let all = pages.clone();
    let of_course = course.clone();
    trials.push(Trial::test(
        "cada lección termina con sus ejercicios",
        move || Ok(site::exercises(&all, &of_course)?),
    ));
    let of_course = course.clone();
    trials.push(Trial::test(
        "se construye sin avisos y nada lleva a ninguna parte",
        move || Ok(site::check(&of_course)?),
    ));
    let of_course = course.clone();
    trials.push(Trial::test(
        "mdbook con `muelle mdbook` hace las mismas páginas",
        move || Ok(site::same_by_command(&of_course)?),
    ));
    let conclusion = libtest_mimic::run(&args, trials);
    let bench = bench
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .take();
    if let Some(bench) = bench
        && let Err(left) = bench.close()
    {
        eprintln!("the engine is not as it was: {left}");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}
