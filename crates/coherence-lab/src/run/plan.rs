//! The runs of an experiment: grid × seeds.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::cell::Cell;
use crate::id::Id;
use crate::scale::Scale;
use crate::spec::{Experiment, Training};

/// Settings that say which seeds are run, and nothing of a single run.
pub const OF_SEEDS: [&str; 2] = ["seeds", "first_seed"];

/// A network to train: a cell of an experiment's grid and a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedRun {
    /// Experiment.
    pub experiment: Id,
    /// Cell of the grid.
    pub cell: Cell,
    /// Seed of everything random in the run.
    pub seed: u64,
    /// Of the networks that find the difficulty of examples the number of this one, which gives it initial weights
    /// of its own; `None` for the runs that are measured.
    pub initialisation: Option<usize>,
    /// The settings of the cell.
    pub settings: Training,
    /// Whether it is a run of a [trial](super::Trial): of no record, and its steps are too few to tell easy examples
    /// from hard ones, so that half of the examples count as each.
    pub trial: bool,
}

impl PlannedRun {
    /// The run's folder: `out/<experiment>/<cell>/seed-<n>`.
    pub fn folder(&self, out: &Path) -> PathBuf {
        out.join(&*self.experiment).join(self.cell.to_string()).join(format!("seed-{}", self.seed))
    }
}

impl fmt::Display for PlannedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} seed {}", self.experiment, self.cell, self.seed)
    }
}

/// The runs of an experiment at a scale, seed by seed, so that an interrupted sitting leaves whole
/// grids. Empty for a worked example and where the experiment does not run.
pub fn plan(experiment: &Experiment, scale: Scale, seeds: Option<u64>) -> Vec<PlannedRun> {
    let Some(training) = experiment.scales.get(&scale) else {
        return Vec::new();
    };
    let cells = experiment.cells(scale);
    let run = |seed: u64, cell: &Cell| PlannedRun {
        experiment: experiment.id.clone(),
        cell: cell.clone(),
        seed,
        initialisation: None,
        settings: training.with_cell(cell).expect("a cell of this grid"),
        trial: false,
    };
    let count = usize::try_from(seeds.unwrap_or(training.seeds)).unwrap_or(usize::MAX);
    let seeds = (training.first_seed..=u64::MAX).take(count);
    seeds.flat_map(|seed| cells.iter().map(move |cell| run(seed, cell))).collect()
}
