use super::{exit, tell};
use crate::lab::engine::Engine;
use crate::lab::reaper;

/// `muelle clean` takes nothing.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Removes what killed checks left on the engine.
pub async fn run(_: Args) -> anyhow::Result<u8> {
    Engine::sweep_private();
    let engine = match Engine::connect(&|line| tell::progress(line)).await {
        Ok(engine) => engine,
        Err(error) => {
            tell::error(error);
            return Ok(exit::MACHINE);
        }
    };
    let reaped = reaper::reap(engine.docker()).await?;
    match reaped.runs {
        0 => tell::line("No había nada que limpiar."),
        1 => tell::line("Quité lo que dejó 1 comprobación interrumpida."),
        runs => tell::line(format_args!(
            "Quité lo que dejaron {runs} comprobaciones interrumpidas."
        )),
    }
    engine.stop().await;
    Ok(exit::PASSED)
}
