use std::path::PathBuf;

use super::check::course;
use super::{exit, tell};
use crate::course::Course;
use crate::lab::engine::Engine;
use crate::lab::images::{self, BaseImage};

/// `muelle images`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    order: Order,
}

#[derive(Debug, clap::Subcommand)]
enum Order {
    /// Consigue cada imagen: si no está, la descarga, la carga de una carpeta o construye una sustituta
    #[command(visible_alias = "preparar")]
    Prepare {
        /// Carpeta con archivos .tar o .tar.gz de `docker save`
        #[arg(long, value_name = "CARPETA")]
        from: Option<PathBuf>,
    },
}

/// Prepares the base images of the whole course.
pub async fn run(args: Args) -> anyhow::Result<u8> {
    let Order::Prepare { from } = args.order;
    let images = of(&course()?);
    let say = |line: &str| tell::line(format_args!("· {line}"));
    let engine = match Engine::connect_to_prepare(&say).await {
        Ok(engine) => engine,
        Err(error) => {
            tell::error(error);
            return Ok(exit::MACHINE);
        }
    };
    let prepared = images::prepare(&engine, &images, from.as_deref(), &say).await;
    engine.stop().await;
    match prepared {
        Ok(prepared) => {
            for image in prepared {
                tell::line(format_args!("✓ {}: {}", image.reference, image.source));
            }
            Ok(exit::PASSED)
        }
        Err(error) => {
            tell::error(error);
            Ok(exit::MACHINE)
        }
    }
}

/// Every base image that an exercise of `course` allows, once.
pub(super) fn of(course: &Course) -> Vec<BaseImage> {
    let mut references: Vec<_> = course
        .exercises
        .iter()
        .flat_map(|exercise| exercise.images.iter().cloned())
        .collect();
    references.sort();
    references.dedup();
    references.into_iter().map(BaseImage::new).collect()
}
