//! `coherence list`.

use clap::Args;

use crate::output::{self, Status};

/// List the experiments
#[derive(Debug, Args)]
pub(crate) struct List {
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl List {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        output::result(self.json, &"")?;
        Ok(Status::Holds)
    }
}
