//! The program `coherence`: its arguments, and its exit status.

use std::process::ExitCode;

use clap::Parser;

use crate::command::Command;
use crate::{output, run};

/// Coherent gradients: measure them, train with robust averages of them, and reproduce the papers
///
/// Results go to stdout, progress and errors to stderr.
///
/// Exit status: 0 when the command did what was asked and no claim fails; 1 when a claim fails (with
/// --strict also when one is undecided), or a file that was checked is not valid; 2 when something
/// could not run or was not measured, and for arguments that cannot be used.
#[derive(Debug, Parser)]
#[command(name = "coherence", version, propagate_version = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// Runs the program with the arguments of the process. Writes to stdout and stderr; ends the process where the
/// arguments cannot be used, with status 2, and after `--help` and `--version`.
pub fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let threads = run::check_threads().map_err(Into::into);
    output::exit(threads.and_then(|()| command.run()))
}
