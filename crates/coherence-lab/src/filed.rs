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

/// What was found on the newest committed record of each experiment and scale, by experiment.
pub fn newest() -> Vec<Filed> {
    newest_of(filed())
}

fn newest_of(records: Vec<Filed>) -> Vec<Filed> {
    let mut newest: Vec<Filed> = Vec::new();
    for record in records {
        let same = |r: &&mut Filed| r.experiment == record.experiment && r.scale == record.scale;
        match newest.iter_mut().find(same) {
            Some(older) if older.first <= record.first => *older = record,
            Some(_) => {}
            None => newest.push(record),
        }
    }
    newest.sort_by(|a, b| a.experiment.cmp(&b.experiment));
    newest
}

/// What was found on all committed records.
pub fn filed() -> Vec<Filed> {
    let text = include_str!("../../../records/verdicts.json");
    serde_json::from_str(text).expect("a test reads the file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_record_takes_the_place_of_an_older_one_of_its_experiment_and_scale() {
        let record = |experiment, scale, first, record| Filed {
            experiment: Id::try_from(String::from(experiment)).unwrap(),
            scale,
            record: String::from(record),
            first: String::from(first),
            claims: Vec::new(),
        };
        let newest = newest_of(vec![
            record("C10", Scale::Desk, "2026-11-23", "f"),
            record("C1", Scale::Desk, "2026-11-23", "b"),
            record("C1", Scale::Desk, "2026-11-22", "a"),
            record("C1", Scale::Paper, "2026-11-22", "c"),
            record("C3", Scale::Desk, "2026-11-22", "d"),
            record("C3", Scale::Desk, "2026-11-27", "e"),
        ]);
        let names: Vec<&str> = newest.iter().map(|filed| &*filed.record).collect();
        assert_eq!(names, ["b", "c", "e", "f"], "by number");
    }
}
