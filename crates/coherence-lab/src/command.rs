//! The subcommands, one file each.

use clap::Subcommand;

use crate::output::Status;

mod aggregate;
mod alpha;
mod check;
mod completions;
mod cost;
mod data;
mod device;
mod experiments;
mod interrupt;
mod list;
mod matrix;
mod measure;
mod new;
mod report;
mod reproduce;
mod run;
mod sitting;
mod source;
mod train;
mod trial;
mod workers;

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(list::List),
    New(new::New),
    Check(check::Check),
    Run(run::RunExperiment),
    Reproduce(reproduce::Reproduce),
    Report(report::Report),
    Measure(measure::Measure),
    Train(train::Train),
    Data(data::Data),
    Alpha(alpha::Alpha),
    Aggregate(aggregate::Aggregate),
    Completions(completions::Completions),
}

impl Command {
    /// Runs the command that was asked for.
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        match self {
            Self::List(command) => command.run(),
            Self::New(command) => command.run(),
            Self::Check(command) => command.run(),
            Self::Run(command) => command.run(),
            Self::Reproduce(command) => command.run(),
            Self::Report(command) => command.run(),
            Self::Measure(command) => command.run(),
            Self::Train(command) => command.run(),
            Self::Data(command) => command.run(),
            Self::Alpha(command) => command.run(),
            Self::Aggregate(command) => command.run(),
            Self::Completions(command) => command.run(),
        }
    }
}
