//! `muelle`: the interactive Docker course and its checker.

use std::process::ExitCode;

fn main() -> ExitCode {
    muelle::cli::run(std::env::args_os())
}
