//! Verdicts on the records that are committed with this program, for the scales that a run is not of.
//!
//! They are the output of `records/judge.py`, which shares no code with this crate; a test holds them
//! against [`crate::claim::judge`] on the same records.

use serde::Deserialize;

use crate::id::Id;
use crate::scale::Scale;
use crate::summary::Verdict;

/// What was found on one committed record.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filed {
    /// Experiment, for example `C1`.
    pub experiment: Id,
    /// Scale.
    pub scale: Scale,
    /// The record's CSV file under `records/`.
    pub record: String,
    /// The first day of its runs, ISO 8601.
    pub first: String,
    /// Its claims.
    pub claims: Vec<FiledClaim>,
}

/// One claim, judged on a committed record.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FiledClaim {
    /// Name within the experiment.
    pub id: Id,
    /// What was measured: a claim that measures something else is another claim.
    pub quantity: String,
    /// The verdict over all cells.
    pub verdict: Verdict,
    /// What was measured, cell by cell.
    pub cells: Vec<FiledCell>,
}

/// One measurement.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FiledCell {
    /// The cell or the pair of cells.
    pub label: String,
    /// Verdict of this measurement alone.
    pub verdict: Verdict,
    /// Mean over the seeds; absent when a value is censored or missing.
    pub mean: Option<f64>,
}

/// What was found on the committed records.
pub fn filed() -> Vec<Filed> {
    let text = include_str!("../../../records/verdicts.json");
    serde_json::from_str(text).expect("a test reads the file")
}
