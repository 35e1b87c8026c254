//! The command line: one file per subcommand, all of one shape.

mod book;
mod check;
mod clean;
mod demo;
mod dev;
mod doctor;
pub mod exit;
mod explain;
mod images;
mod live;
mod mdbook;
mod spanish;
mod static_check;
mod tell;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "muelle",
    version,
    about = "Curso interactivo de Docker: construye, arranca y rompe cada entrega para comprobarla",
    subcommand_required = true,
    arg_required_else_help = true,
    disable_help_subcommand = true
)]
struct Cli {
    #[command(subcommand)]
    order: Order,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
enum Order {
    /// Comprueba ejercicios: los construye, los arranca y experimenta con ellos
    #[command(visible_alias = "verificar")]
    Check(check::Args),
    /// Prepara todo y comprueba dos entregas del proyecto final: la solución y el primer borrador
    #[command(visible_alias = "demostracion")]
    Demo(demo::Args),
    /// Prepara las imágenes base que usa el curso
    #[command(visible_alias = "imagenes")]
    Images(images::Args),
    /// Mira si todo está listo: motor, imágenes, disco
    #[command(visible_alias = "diagnostico")]
    Doctor(doctor::Args),
    /// Explica una regla o un punto: por qué importa, qué hacer y dónde está en el libro
    #[command(visible_alias = "explica")]
    Explain(explain::Args),
    /// Quita del motor lo que dejó una comprobación interrumpida
    #[command(visible_alias = "limpiar")]
    Clean(clean::Args),
    /// Sirve el libro del curso a esta máquina, o lo construye en una carpeta
    #[command(visible_alias = "libro")]
    Book(book::Args),
    /// Para quien escribe ejercicios
    #[command(visible_alias = "autor")]
    Dev(dev::Args),
    /// El preprocesador con el que `mdbook build` hace el libro
    #[command(hide = true)]
    Mdbook(mdbook::Args),
}

/// Runs the command line and gives the process's exit code, see [`exit`].
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = spanish::localize(Cli::command());
    let parsed = command
        .try_get_matches_from(args)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
        Ok(cli) => cli,
        Err(error) => return spanish::report(&error),
    };
    // What needs no engine needs no runtime either: it is there at once.
    match &cli.order {
        Order::Check(args) if args.is_static() => return ended(check::read(args)),
        Order::Explain(args) => return ended(explain::run(args)),
        Order::Mdbook(args) => return ended(mdbook::run(args)),
        _ => {}
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            tell::error(format_args!("no puedo arrancar: {error}"));
            return ExitCode::from(exit::MACHINE);
        }
    };
    let code = runtime.block_on(async {
        match cli.order {
            Order::Check(args) => check::run(args).await,
            Order::Demo(args) => demo::run(args).await,
            Order::Images(args) => images::run(args).await,
            Order::Doctor(args) => doctor::run(args).await,
            Order::Clean(args) => clean::run(args).await,
            Order::Book(args) => book::run(args).await,
            Order::Dev(args) => dev::run(args).await,
            Order::Explain(args) => explain::run(&args),
            Order::Mdbook(args) => mdbook::run(&args),
        }
    });
    // A read of a terminal or a name look-up may still hang in a thread of its own.
    runtime.shutdown_background();
    ended(code)
}

fn ended(code: anyhow::Result<u8>) -> ExitCode {
    ExitCode::from(code.unwrap_or_else(|error| {
        tell::error(format_args!("{error:#}"));
        exit::MACHINE
    }))
}
