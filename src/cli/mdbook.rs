use std::io::{stdin, stdout};

use clap::Subcommand;
use mdbook_preprocessor::{Preprocessor, parse_input};

use super::{exit, tell};
use crate::book::Muelle;
use crate::course::{Course, find_folder};
use crate::experiments;

/// `muelle mdbook`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    order: Option<Order>,
}

#[derive(Debug, Subcommand)]
enum Order {
    /// Dice con el código de salida si sirve para ese formato
    Supports {
        /// El formato: `html`
        renderer: String,
    },
}

/// The preprocessor as the stock `mdbook` runs it: a book on standard input, the same with all it asks for on standard
/// output.
pub fn run(args: &Args) -> anyhow::Result<u8> {
    // The pages of a course's folder tell of that course's exercises.
    let course = |folder: &std::path::Path| {
        let specs = experiments::specs();
        match find_folder(folder) {
            Some(root) => Course::in_folder(&root, &specs),
            None => Course::embedded(&specs),
        }
    };
    if let Some(Order::Supports { renderer }) = &args.order {
        let muelle = Muelle::new(Course { exercises: vec![] });
        return Ok(if muelle.supports_renderer(renderer)? {
            exit::PASSED
        } else {
            exit::FAILED
        });
    }
    let (context, book) = parse_input(stdin().lock())?;
    let book = Muelle::new(course(&context.root)?).run(&context, book)?;
    tell::written(serde_json::to_writer(stdout().lock(), &book).map_err(Into::into))?;
    Ok(exit::PASSED)
}
