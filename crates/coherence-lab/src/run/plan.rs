//! The runs of an experiment: grid × seeds.

use std::path::{Path, PathBuf};

use crate::cell::Cell;
use crate::scale::Scale;
use crate::spec::{Experiment, Training};

/// One training run.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Experiment.
    pub experiment: String,
    /// Cell of the grid.
    pub cell: Cell,
    /// Seed of everything random in the run.
    pub seed: u64,
    /// The settings of the cell.
    pub settings: Training,
}

impl Run {
    /// The run's folder: `out/<experiment>/<cell>/seed-<n>`.
    pub fn folder(&self, out: &Path) -> PathBuf {
        out.join(&self.experiment).join(self.cell.to_string()).join(format!("seed-{}", self.seed))
    }
}

/// The runs of an experiment at a scale, seed by seed, so that an interrupted sitting leaves whole
/// grids. Empty for a worked example and where the experiment does not run.
pub fn plan(experiment: &Experiment, scale: Scale, seeds: Option<u64>) -> Vec<Run> {
    let Some(training) = experiment.scales.get(&scale) else {
        return Vec::new();
    };
    let cells = experiment.cells(scale);
    let run = |seed: u64, cell: &Cell| Run {
        experiment: experiment.id.clone(),
        cell: cell.clone(),
        seed,
        settings: training.at(cell).expect("a cell of this grid"),
    };
    let seeds = 1..=seeds.unwrap_or(training.seeds);
    seeds.flat_map(|seed| cells.iter().map(move |cell| run(seed, cell))).collect()
}
