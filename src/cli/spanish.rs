//! clap's own words, in Spanish.

use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, Command};

use super::{exit, tell};

const TEMPLATE: &str = "{about}\n\nUso: {usage}\n\n{all-args}{after-help}";

/// `command` and all below it with Spanish headings and help.
pub fn localize(command: Command) -> Command {
    let is_leaf = !command.has_subcommands();
    let version = command.get_version().is_some();
    let mut command = command
        .help_template(TEMPLATE)
        .subcommand_help_heading("Órdenes")
        .subcommand_value_name("ORDEN")
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(
            Arg::new("help")
                .long("help")
                .visible_alias("ayuda")
                .short('h')
                .action(ArgAction::Help)
                .help_heading("Opciones")
                .help("Muestra esta ayuda"),
        );
    if version {
        command = command.arg(
            Arg::new("version")
                .long("version")
                .short('V')
                .action(ArgAction::Version)
                .help_heading("Opciones")
                .help("Muestra la versión"),
        );
    }
    if is_leaf {
        command = command.mut_args(|arg| {
            let heading = if arg.is_positional() {
                "Argumentos"
            } else {
                "Opciones"
            };
            arg.help_heading(heading)
        });
    }
    let names: Vec<String> = command
        .get_subcommands()
        .map(|sub| sub.get_name().to_owned())
        .collect();
    names.into_iter().fold(command, |command, name| {
        command.mut_subcommand(name, localize)
    })
}

/// Prints help or version where it was asked for, else what was wrong and the way out.
pub fn report(error: &clap::Error) -> ExitCode {
    use std::io::Write;
    let help = || translated(&error.render().ansi().to_string());
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            // A closed pipe is no reason to complain.
            let _ = anstream::stdout().write_all(help().as_bytes());
            return ExitCode::SUCCESS;
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            let _ = anstream::stderr().write_all(help().as_bytes());
            return ExitCode::from(exit::USAGE);
        }
        _ => {}
    }
    tell::error(message(error) + "\n\nPara ver qué se puede pedir: muelle --help");
    ExitCode::from(exit::USAGE)
}

/// The words that clap has no setting for.
fn translated(help: &str) -> String {
    [
        ("[OPTIONS]", "[OPCIONES]"),
        ("Possible values:", "Valores:"),
        ("[possible values: ", "[valores: "),
        ("[default: ", "[si no se dice: "),
        ("[aliases: ", "[también: "),
        ("[alias: ", "[también: "),
    ]
    .iter()
    .fold(help.to_owned(), |help, (english, spanish)| {
        help.replace(english, spanish)
    })
}

fn message(error: &clap::Error) -> String {
    let get = |kind| error.get(kind).map(text).unwrap_or_default();
    let arg = get(ContextKind::InvalidArg);
    let value = get(ContextKind::InvalidValue);
    let suggestion = |kind| {
        let near = get(kind);
        if near.is_empty() {
            String::new()
        } else {
            format!("; ¿quisiste decir {near}?")
        }
    };
    match error.kind() {
        ErrorKind::UnknownArgument => {
            format!(
                "no conozco la opción {arg}{}",
                suggestion(ContextKind::SuggestedArg)
            )
        }
        ErrorKind::InvalidSubcommand => format!(
            "no conozco la orden {}{}",
            get(ContextKind::InvalidSubcommand),
            suggestion(ContextKind::SuggestedSubcommand)
        ),
        ErrorKind::InvalidValue if value.is_empty() || value == "``" => {
            format!("a {arg} le falta su valor")
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let valid = get(ContextKind::ValidValue);
            let valid = if valid.is_empty() {
                valid
            } else {
                format!("; vale {valid}")
            };
            format!(
                "{value} no vale para {arg}{valid}{}",
                suggestion(ContextKind::SuggestedValue)
            )
        }
        ErrorKind::MissingRequiredArgument => format!("falta {arg}"),
        ErrorKind::ArgumentConflict => {
            format!("{arg} no va junto con {}", get(ContextKind::PriorArg))
        }
        ErrorKind::TooManyValues => format!("sobra {value} en {arg}"),
        _ => error.to_string(),
    }
}

fn text(value: &ContextValue) -> String {
    match value {
        ContextValue::String(one) => format!("`{one}`"),
        ContextValue::Strings(many) => many
            .iter()
            .map(|one| format!("`{one}`"))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    }
}
