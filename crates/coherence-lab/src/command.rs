//! The subcommands, one file each.

use clap::Subcommand;

use crate::output::Status;

mod check;
mod experiments;
mod list;
mod report;
mod reproduce;
mod run;
mod sitting;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::List),
    Check(check::Check),
    Run(run::Run),
    Reproduce(reproduce::Reproduce),
    Report(report::Report),
}

impl Command {
    /// Runs the command that was asked for.
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        match self {
            Self::List(command) => command.run(),
            Self::Check(command) => command.run(),
            Self::Run(command) => command.run(),
            Self::Reproduce(command) => command.run(),
            Self::Report(command) => command.run(),
        }
    }
}
