//! Records: what was measured, as long rows, and a header that says how, when and where.
//!
//! A record is two files: `NAME.csv` (experiment, one column for each axis of the grid, seed, step, series,
//! value) and `NAME.toml` (the [`Header`]).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cell::{Axis, Cell};
use crate::id::Id;
use crate::made::Made;
use crate::scale::Scale;

mod csv;
mod stored;

pub use csv::RecordError;

/// One measured value.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Cell of the grid.
    pub cell: Cell,
    /// Seed of the run; 0 for a worked example, which has none.
    pub seed: u64,
    /// Step of training, 0 before the first.
    pub step: u64,
    /// What was measured, for example `test.accuracy`.
    pub series: String,
    /// The value, never NaN or infinite.
    pub value: f64,
}

/// How the rows were made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "stored::Stored")]
pub struct Header {
    /// Experiment, for example `C1`.
    pub experiment: Id,
    /// Scale.
    pub scale: Scale,
    /// Seeds, in order; empty for a worked example.
    pub seeds: Vec<u64>,
    /// Seconds in which any of the runs was at work, pauses between sittings left out.
    pub wall_seconds: f64,
    /// The grid.
    pub axes: Vec<Axis>,
    /// The settings in force, by name, as text to be shown.
    pub settings: BTreeMap<String, String>,
    /// What made the rows; at least one entry, by first day.
    pub made: Vec<Made>,
}

/// Rows and their header.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// How they were made.
    pub header: Header,
    /// The rows: by cell, seed and step.
    pub rows: Vec<Row>,
}

impl Record {
    /// The (step, value) pairs of one series of one run, in the order of the steps.
    pub fn series(&self, cell: &Cell, seed: u64, series: &str) -> Vec<(u64, f64)> {
        let of_run = |row: &&Row| row.seed == seed && row.series == series && row.cell == *cell;
        self.rows.iter().filter(of_run).map(|row| (row.step, row.value)).collect()
    }

    /// The cells that have rows, in the order in which they first appear.
    pub fn cells(&self) -> Vec<&Cell> {
        let mut cells: Vec<&Cell> = Vec::new();
        for row in &self.rows {
            if cells.last() != Some(&&row.cell) && !cells.contains(&&row.cell) {
                cells.push(&row.cell);
            }
        }
        cells
    }

    /// The seeds of the rows: those of the header, or only 0 for a worked example.
    pub fn seeds(&self) -> &[u64] {
        if self.header.seeds.is_empty() { &[0] } else { &self.header.seeds }
    }
}

/// Where the record of an experiment lies under the folder of a reproduction.
pub fn path_under(out: &Path, experiment: &Id) -> PathBuf {
    out.join("records").join(format!("{experiment}.csv"))
}
