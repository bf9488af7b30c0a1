//! From the run folders' `metrics.csv` to the rows of a record.

use std::fs::File;
use std::path::Path;

use serde::Deserialize;

use super::{PlannedRun, RunError};
use crate::record::Row;

/// A line of `metrics.csv`.
#[derive(Deserialize)]
struct Line {
    step: u64,
    series: String,
    value: f64,
}

/// The rows of finished runs, in the order of the runs.
pub(super) fn gather(runs: &[PlannedRun], out: &Path) -> Result<Vec<Row>, RunError> {
    let rows: Vec<Vec<Row>> = runs.iter().map(|run| read(run, out)).collect::<Result<_, _>>()?;
    Ok(rows.concat())
}

fn read(run: &PlannedRun, out: &Path) -> Result<Vec<Row>, RunError> {
    let path = run.folder(out).join("metrics.csv");
    let damaged = |reason: &dyn std::fmt::Display| RunError::Damaged {
        path: path.clone(),
        reason: reason.to_string(),
    };
    let file = File::open(&path).map_err(|e| damaged(&e))?;
    let row = |line: Result<Line, csv::Error>| {
        let Line { step, series, value } = line.map_err(|e| damaged(&e))?;
        Ok(Row { cell: run.cell.clone(), seed: run.seed, step, series, value })
    };
    csv::Reader::from_reader(file).into_deserialize().map(row).collect()
}
