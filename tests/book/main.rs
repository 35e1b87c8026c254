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

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use libtest_mimic::{Arguments, Trial};
use muelle::course::Course;
use muelle::experiments;

use engine::Bench;
use page::Page;

/// Pages at once: their blocks wait for the engine more than they compute.
const AT_ONCE: usize = 4;

fn main() -> ExitCode {
    let mut args = Arguments::from_args();
    args.test_threads.get_or_insert(AT_ONCE);
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
    let bench: Arc<OnceLock<Bench>> = Arc::default();
    let ports: BTreeSet<u16> = pages.iter().flat_map(|page| page.ports()).collect();
    let ports: BTreeMap<u16, Mutex<()>> = ports
        .into_iter()
        .map(|port| (port, Mutex::default()))
        .collect();
    let ports = Arc::new(ports);
    for page in pages.iter().filter(|page| page.needs_engine()) {
        let (one, course) = (page.clone(), course.clone());
        let (bench, ports) = (bench.clone(), ports.clone());
        trials.push(Trial::test(
            format!("{} · lo que se ejecuta", page.name),
            move || {
                let bench = bench.get_or_init(|| Bench::open(&course));
                // A port of the machine is one page's at a time; always asked for in the same order.
                let own = one.ports();
                let _turns: Vec<_> = own
                    .iter()
                    .map(|port| ports[port].lock().unwrap_or_else(PoisonError::into_inner))
                    .collect();
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
    let bench = Arc::into_inner(bench).and_then(OnceLock::into_inner);
    if let Some(bench) = bench
        && let Err(left) = bench.close()
    {
        eprintln!("the engine is not as it was: {left}");
        return ExitCode::FAILURE;
    }
    conclusion.exit_code()
}
