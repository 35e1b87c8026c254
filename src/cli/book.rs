use std::io::IsTerminal;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use clap::Subcommand;
use tokio::net::TcpListener;

use super::{check, exit, tell};
use crate::book::source::Source;
use crate::book::{build, serve};
use crate::course::find_folder;

/// Where the book is served unless someone else is there.
const PORT: u16 = 4040;

/// `muelle book`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    order: Option<Order>,
    /// Puerto de esta máquina en el que se sirve; si no se dice, el 4040 o uno libre
    #[arg(long, value_name = "N")]
    port: Option<u16>,
}

#[derive(Debug, Subcommand)]
enum Order {
    /// Construye el libro en una carpeta, para leerlo sin `muelle`
    #[command(visible_alias = "construir")]
    Build(BuildArgs),
}

#[derive(Debug, clap::Args)]
struct BuildArgs {
    /// Dónde
    #[arg(long, value_name = "CARPETA", default_value = "libro")]
    dest: PathBuf,
}

/// Serves the book, or builds it.
pub async fn run(args: Args) -> anyhow::Result<u8> {
    let here = std::env::current_dir()?;
    let source = Source::find(find_folder(&here).as_deref())?;
    let course = check::course()?;
    if let Some(Order::Build(BuildArgs { dest })) = args.order {
        build::build(&source, course, &dest)?;
        tell::line(format_args!("{}", dest.join("index.html").display()));
        return Ok(exit::PASSED);
    }
    let pages = tempfile::Builder::new().prefix("muelle-libro-").tempdir()?;
    build::build(&source, course, pages.path())?;
    let listener = match args.port {
        Some(port) => TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await,
        None => match TcpListener::bind((Ipv4Addr::LOCALHOST, PORT)).await {
            Ok(listener) => Ok(listener),
            Err(_) => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await,
        },
    };
    let listener = match listener {
        Ok(listener) => listener,
        Err(error) => {
            tell::error(format_args!(
                "no puedo servir el libro en ese puerto: {error}"
            ));
            return Ok(exit::USAGE);
        }
    };
    tell::line(format_args!(
        "El libro está en http://{}/",
        listener.local_addr()?
    ));
    if std::io::stderr().is_terminal() {
        tell::progress("Ctrl-C lo cierra");
    }
    tokio::select! {
        ended = serve::serve(listener, pages.path().to_owned()) => match ended? {},
        // Whoever closes it has read enough.
        _ = check::interrupted() => Ok(exit::PASSED),
    }
}
