//! `coherence reproduce`.

use anyhow::ensure;
use clap::Args;

use super::experiments::Experiments;
use super::sitting::Sitting;
use crate::output::Status;

/// Run the papers' experiments, judge their claims and write a report
///
/// Runs that are finished are not repeated, interrupted ones go on where they stopped. Writes
/// report.html, which opens offline, summary.json and the records.
///
/// With --device cuda:N networks are trained and measured on a GPU. Initial weights, order of the examples and noise are
/// those of the processor; the results differ from the processor's by rounding. The record names the GPU. Each of the
/// --jobs runs has its own queue on the GPU and a thread of the host that feeds it. A run may continue on another
/// device. If the GPU fails, the command ends with a message, and the same command continues from the last
/// checkpoints. Worked examples have no network: they are computed on the processor.
///
/// Exit status: 0 when no claim fails, 1 when one fails, 2 when something could not run or was not
/// measured. With --strict an undecided claim, or one that is not shown, gives 1 too.
#[derive(Debug, Args)]
pub(crate) struct Reproduce {
    /// Only these experiments, for example C1,C3
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    only: Vec<String>,
    #[command(flatten)]
    experiments: Experiments,
    #[command(flatten)]
    sitting: Sitting,
}

impl Reproduce {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        let scale = self.sitting.scale();
        let library = self.experiments.library();
        let mut experiments = library.load_all(&self.only)?;
        experiments.retain(|experiment| experiment.runs_at(scale));
        ensure!(!experiments.is_empty(), "nothing to run at scale {scale}; see `coherence list`");
        self.sitting.say(&format!("experiments: {library}"));
        self.sitting.run(experiments)
    }
}
