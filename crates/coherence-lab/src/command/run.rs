//! `coherence run`.

use anyhow::ensure;
use clap::Args;

use super::experiments::Experiments;
use super::sitting::Sitting;
use crate::output::Status;

/// Run one experiment, judge its claims and write a report
///
/// A finished run is not repeated and an interrupted one goes on where it stopped.
///
/// Several processes: with a program built with --features mpi, `mpirun -np P coherence run …` trains every P-th
/// network of the experiment in each process, in one folder that all of them see. The first process judges and
/// writes the report. --jobs and --threads are those of each process.
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
pub(crate) struct RunExperiment {
    /// A file, for example my/C9.toml, or an identifier, for example C3 (see `coherence list`)
    #[arg(value_name = "EXPERIMENT")]
    name: String,
    #[command(flatten)]
    experiments: Experiments,
    #[command(flatten)]
    sitting: Sitting,
}

impl RunExperiment {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        let experiment = self.experiments.load(&self.name)?;
        let (name, scale) = (&self.name, self.sitting.scale());
        ensure!(experiment.runs_at(scale), "{name} has no [scale.{scale}]; choose another --scale");
        self.sitting.run(vec![experiment])
    }
}
