//! `coherence run`.

use std::path::PathBuf;

use anyhow::ensure;
use clap::Args;

use coherence_lab::spec::Experiment;

use super::sitting::Sitting;
use crate::output::Status;

/// Run one experiment file, judge its claims and write a report
///
/// A finished run is not repeated and an interrupted one goes on where it stopped.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The experiment's file, for example experiments/B5.toml (`reproduce --only B5` takes names)
    #[arg(value_name = "EXPERIMENT.toml")]
    file: PathBuf,
    #[command(flatten)]
    sitting: Sitting,
}

impl Run {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        let experiment = Experiment::load(&self.file)?;
        let scale = self.sitting.scale();
        let file = self.file.display();
        ensure!(experiment.runs_at(scale), "{file} has no [scale.{scale}]; choose another --scale");
        self.sitting.run(vec![experiment])
    }
}
