use super::check::course;
use super::{exit, images, tell};
use crate::lab::doctor::{self, Status};

/// `muelle doctor`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Arregla lo que pueda: instala el motor (Debian y Ubuntu, como root) y prepara las imágenes
    #[arg(long)]
    fix: bool,
}

/// Looks at everything that checking needs; with `--fix`, mends it first.
pub async fn run(args: Args) -> anyhow::Result<u8> {
    let images = images::of(&course()?);
    if args.fix {
        match doctor::fix(&images, None, &|line| tell::line(format_args!("· {line}"))).await {
            Ok(prepared) => {
                for image in prepared {
                    tell::line(format_args!("· {}: {}", image.reference, image.source));
                }
            }
            Err(error) => {
                tell::error(error);
                return Ok(exit::MACHINE);
            }
        }
    }
    let checks = doctor::examine(&images).await;
    for check in &checks {
        let mark = match check.status {
            Status::Ok => "✓ OK",
            Status::Warn => "! OJO",
            Status::Fail => "✗ FALTA",
        };
        tell::line(format_args!("{mark:<8} {}: {}", check.name, check.detail));
        for line in check.fix.iter().flat_map(|fix| fix.lines()) {
            tell::line(format_args!("         {line}"));
        }
    }
    let ready = checks.iter().all(|check| check.status != Status::Fail);
    Ok(if ready { exit::PASSED } else { exit::MACHINE })
}
