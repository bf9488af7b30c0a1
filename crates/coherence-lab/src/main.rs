//! The command line `coherence`.

mod command;
mod output;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use coherence_lab::run;

use command::Command;

/// glibc hands big buffers back to the kernel after each step, and page faults dominate.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Coherent gradients: measure them, train with robust averages of them, and reproduce the papers
///
/// Results go to stdout, progress and errors to stderr.
///
/// Exit status: 0 when the command did what was asked and no claim fails; 1 when a claim fails (with
/// --strict also when one is undecided), or a file that was checked is not valid; 2 when something
/// could not run or was not measured, and for arguments that cannot be used.
#[derive(Debug, Parser)]
#[command(name = "coherence", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let threads = run::check_threads().map_err(Into::into);
    output::exit(threads.and_then(|()| command.run()))
}
