//! The subcommands, one file each.

use clap::Subcommand;

use crate::output::Status;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::List),
}

impl Command {
    /// Runs the command that was asked for.
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        match self {
            Self::List(command) => command.run(),
        }
    }
}

mod list;
