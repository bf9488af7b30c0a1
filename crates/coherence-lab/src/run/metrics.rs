//! From the run folders' `metrics.csv` and `single.csv` to the rows of a record.

use std::fs::File;
use std::path::Path;

use serde::Deserialize;

use super::{PlannedRun, RunError, bound, single};
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
    let rows: Vec<Vec<Row>> = runs.iter().map(|run| of_run(run, out)).collect::<Result<_, _>>()?;
    Ok(rows.concat())
}

/// What was measured in a run, and what follows from it.
fn of_run(run: &PlannedRun, out: &Path) -> Result<Vec<Row>, RunError> {
    let folder = run.folder(out);
    let mut rows = read(run, &folder.join("metrics.csv"))?;
    if run.settings.single.is_some() {
        rows.extend(read(run, &folder.join(single::FILE))?);
    }
    rows.extend(bound::rows(run, &rows)?);
    Ok(rows)
}

fn read(run: &PlannedRun, path: &Path) -> Result<Vec<Row>, RunError> {
    let damaged = |reason: &dyn std::fmt::Display| RunError::Damaged {
        path: path.to_owned(),
        reason: reason.to_string(),
    };
    let file = File::open(path).map_err(|e| damaged(&e))?;
    let row = |line: Result<Line, csv::Error>| {
        let Line { step, series, value } = line.map_err(|e| damaged(&e))?;
        Ok(Row { cell: run.cell.clone(), seed: run.seed, step, series, value })
    };
    csv::Reader::from_reader(file).into_deserialize().map(row).collect()
}
