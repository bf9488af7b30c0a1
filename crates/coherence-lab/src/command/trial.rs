//! Trials of experiments: the answer to `--trial`.

use std::fmt;

use anyhow::ensure;
use serde::Serialize;

use crate::cell::Cell;
use crate::run::{Change, Changed, Options, RunError, Trial, Tried};
use crate::scale::Scale;
use crate::spec::Experiment;
use coherence_nn::device::Device;

use crate::output::{self, Status};
use crate::watch::{self, Progress};

/// How the trials of some experiments ended.
#[derive(Serialize)]
struct Trials {
    scale: Scale,
    trials: Vec<One>,
}

#[derive(Serialize)]
struct One {
    id: String,
    /// What was lowered.
    changed: Vec<Changed>,
    /// The networks; empty if one could not run to its end.
    ran: Vec<Tried>,
    failure: Option<String>,
}

/// Tries the experiments, prints how that ended, and says on stderr what it lowers. Worked examples are left out.
pub(super) fn run<D: Device<f32>>(
    json: bool,
    experiments: &[Experiment],
    options: &Options<'_, D>,
    steps: u64,
    progress: &Progress,
) -> anyhow::Result<Status> {
    let (is_first, is_alone) = (options.processes.rank() == 0, options.processes.size() == 1);
    let trained: Vec<_> =
        experiments.iter().filter(|experiment| experiment.worked.is_none()).collect();
    ensure!(!trained.is_empty(), "worked examples need no data: run them without --trial");
    let mut trials = Vec::new();
    for experiment in trained {
        let mut changed = Vec::new();
        let ran = Trial::new(experiment, options, steps).and_then(|trial| {
            changed.clone_from(&trial.changed);
            if is_first {
                changed.iter().for_each(|of| watch::line(&told(experiment, of, changed.len())));
            }
            trial.run(experiment, options, progress)
        });
        let (ran, failure) = match ran {
            Ok(ran) => (ran, None),
            Err(e @ RunError::Interrupted) => return Err(e.into()),
            // Processes that share runs go through the experiments together.
            Err(e) if !is_alone => return Err(e.into()),
            Err(e) => (Vec::new(), Some(e.to_string())),
        };
        trials.push(One { id: experiment.id.to_string(), changed, ran, failure });
    }
    if !is_first {
        return Ok(Status::Holds);
    }
    let all = Trials { scale: options.scale, trials };
    output::result(json, &all)?;
    let failed = all.trials.iter().any(|trial| trial.failure.is_some());
    Ok(if failed { Status::CouldNotRun } else { Status::Holds })
}

/// `D1: lowered for this trial: batch 256 to 6, steps 450360 to 3`, with the cells where they differ.
fn told(experiment: &Experiment, Changed { cells, changes }: &Changed, kinds: usize) -> String {
    let of = match kinds {
        1 => String::new(),
        _ => format!(" {}", cells.iter().map(Cell::to_string).collect::<Vec<_>>().join("; ")),
    };
    let change = |Change { key, from, to }: &Change| format!("{key} {from} to {to}");
    let changes: Vec<String> = changes.iter().map(change).collect();
    match &changes[..] {
        [] => format!("{}{of}: nothing is lowered for this trial", experiment.id),
        changes => format!("{}{of}: lowered for this trial: {}", experiment.id, changes.join(", ")),
    }
}

impl fmt::Display for Trials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for One { id, ran, failure, .. } in &self.trials {
            if let Some(failure) = failure {
                writeln!(f, "{id} at scale {}: failed: {failure}", self.scale)?;
                continue;
            }
            writeln!(f, "{id} at scale {}: all {} networks ran", self.scale, ran.len())?;
            for Tried { cell, seed, steps, seconds } in ran {
                writeln!(f, "  {cell} seed {seed}: {steps} steps, {seconds:.1} s in all")?;
            }
        }
        writeln!(f, "a trial: nothing is recorded and no claim is judged")
    }
}
