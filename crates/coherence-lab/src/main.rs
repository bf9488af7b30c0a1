//! The command line `coherence`.

mod command;
mod output;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use command::Command;

/// glibc hands big buffers back to the kernel after each step, and page faults dominate.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Coherent gradients: experiments of the papers, run, judged and reported
///
/// Results go to stdout, progress to stderr. Exit status: 0 when every claim that applies holds,
/// 1 when one does not, 2 when something could not run.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    output::exit(Arguments::parse().command.run())
}
