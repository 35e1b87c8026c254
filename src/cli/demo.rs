use std::sync::Arc;

use super::check::{Checked, check_one, course, release};
use super::live::Live;
use super::{exit, tell};
use crate::lab::doctor;
use crate::lab::engine::Engine;
use crate::lab::images::BaseImage;
use crate::report;
use crate::submission::Snapshot;
use crate::verdict::Outcome;

/// The exercise that the demonstration is about.
const EXERCISE: &str = "proyecto-final";

/// `muelle demo`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Dice en qué se fue el tiempo
    #[arg(long)]
    timings: bool,
}

/// Prepares everything, then checks the solution and the lesson's own first draft.
///
/// The exit code is that of the solution's verdict; that the draft fails is what is to be shown.
pub async fn run(args: Args) -> anyhow::Result<u8> {
    let course = course()?;
    let exercise = course.find(EXERCISE)?;
    let images: Vec<_> = exercise.images.iter().map(BaseImage::new).collect();
    tell::line("Preparo lo necesario: motor de Docker e imágenes base.");
    let prepared = doctor::fix(&images, None, &|line| tell::line(format_args!("· {line}"))).await;
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(error) => {
            tell::error(error);
            return Ok(exit::MACHINE);
        }
    };
    for image in prepared {
        tell::line(format_args!("· {}: {}", image.reference, image.source));
    }
    let live = Live::new(false);
    let engine = Arc::new(Engine::connect(&|line| live.say(line)).await?);
    let mut code = exit::PASSED;
    for (heading, files) in [
        ("1 de 2 · La solución del curso", &exercise.solution),
        (
            "2 de 2 · El primer borrador de la lección, con lo justo para que se construya",
            &exercise.starter,
        ),
    ] {
        let folder = written(files)?;
        let verdict = match check_one(&engine, exercise, folder.path(), &live).await? {
            Checked::Verdict(verdict) => *verdict,
            Checked::Unreadable(why) => anyhow::bail!(why),
            Checked::Interrupted(code) => {
                live.end();
                release(engine).await;
                return Ok(code);
            }
        };
        let mut verdict = verdict;
        if !args.timings {
            verdict.timings.clear();
        }
        live.pause(|| {
            tell::line(format_args!("\n== {heading} =="));
            tell::written(report::terminal::print(std::slice::from_ref(&verdict)))
        })?;
        if files == &exercise.solution || verdict.outcome == Outcome::Error {
            code = code.max(exit::of(&verdict));
        }
    }
    live.end();
    tell::line(format_args!(
        "\nPara comprobar tu propia carpeta: muelle check --exercise {EXERCISE} RUTA"
    ));
    release(engine).await;
    Ok(code)
}

/// `files` in a folder of their own.
fn written(files: &Snapshot) -> anyhow::Result<tempfile::TempDir> {
    let folder = tempfile::Builder::new().prefix("muelle-demo-").tempdir()?;
    files.write(folder.path())?;
    Ok(folder)
}
