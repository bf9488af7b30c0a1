//! Verdicts: what the seeds' values say about a claim.

use super::measure::{Missing, measure};
use super::{Claim, Expect};
use crate::cell::{Cell, Setting};
use crate::interval::Interval;
use crate::record::Record;
use crate::summary::{ClaimSummary, Measurement, Verdict};

/// Seeds that an interval needs before a claim about training is decided.
const SEEDS_NEEDED: usize = 3;

/// Judges one claim of a record's experiment, at the record's scale.
pub fn judge(claim: &Claim, record: &Record) -> ClaimSummary {
    let applies = claim.applies_at(record.header.scale);
    let measurements = if applies { measurements(claim, record) } else { Vec::new() };
    let reason = if applies { too_few_seeds(record) } else { claim.otherwise.clone() };
    ClaimSummary {
        id: format!("{}.{}", record.header.experiment, claim.id),
        statement: claim.statement.clone(),
        source: claim.source.clone(),
        condition: claim.condition(),
        verdict: if applies { overall(&measurements) } else { Verdict::NotApplicable },
        reason,
        measurements,
    }
}

fn too_few_seeds(record: &Record) -> Option<String> {
    let n = record.header.seeds.len();
    let too_few = 0 < n && n < SEEDS_NEEDED;
    too_few.then(|| format!("{n} of the {SEEDS_NEEDED} seeds that a 95 % interval needs here"))
}

/// The worst verdict; a claim without any measurement was not measured.
fn overall(measurements: &[Measurement]) -> Verdict {
    let any = |verdict: &Verdict| measurements.iter().any(|m| m.verdict == *verdict);
    Verdict::ALL.into_iter().find(any).unwrap_or(Verdict::NotMeasured)
}

fn measurements(claim: &Claim, record: &Record) -> Vec<Measurement> {
    let cells = claim.cells();
    match claim.along() {
        None => cells.iter().map(|cell| in_cell(claim, record, cell)).collect(),
        Some(axis) => {
            let steps = along(record, axis).windows(2);
            let pairs = steps.flat_map(|pair| cells.iter().map(move |cell| (cell, pair)));
            pairs.map(|(cell, pair)| between(claim, record, axis, cell, pair)).collect()
        }
    }
}

/// The values along which an ordering walks: those of the record's axis.
fn along<'a>(record: &'a Record, axis: &str) -> &'a [Setting] {
    let found = record.header.axes.iter().find(|known| known.name == axis);
    found.map_or(&[], |axis| &axis.values)
}

fn in_cell(claim: &Claim, record: &Record, cell: &Cell) -> Measurement {
    let value = |&seed: &u64| measure(record, &claim.quantity, cell, seed);
    let values = record.seeds().iter().map(value).collect();
    measurement(cell.to_string(), values, claim, record)
}

/// The quantity at the second value of the axis minus that at the first, seed by seed.
fn between(
    claim: &Claim,
    record: &Record,
    axis: &str,
    cell: &Cell,
    pair: &[Setting],
) -> Measurement {
    let (from, to) = (cell.with(axis, &pair[0]), cell.with(axis, &pair[1]));
    let value = |&seed: &u64| {
        let first = measure(record, &claim.quantity, &from, seed)?;
        Ok(measure(record, &claim.quantity, &to, seed)? - first)
    };
    let values = record.seeds().iter().map(value).collect();
    measurement(format!("({to}) - ({from})"), values, claim, record)
}

fn measurement(
    label: String,
    values: Result<Vec<f64>, Missing>,
    claim: &Claim,
    record: &Record,
) -> Measurement {
    let values = match values {
        Ok(values) => values,
        Err(missing) => return without_value(label, missing),
    };
    let interval = Interval::from_values(&values);
    let verdict = interval.map_or(Verdict::NotMeasured, |interval| claim.expect.verdict(interval));
    let few = too_few_seeds(record).is_some() && verdict == Verdict::Holds;
    let verdict = if few { Verdict::Undecided } else { verdict };
    Measurement { label, values, interval, verdict, reason: None }
}

/// That a level was never reached is an observation: there is no such time, and the claim fails.
/// Whatever else is missing was not measured.
fn without_value(label: String, missing: Missing) -> Measurement {
    let (verdict, reason) = match missing {
        Missing::NeverReached(reason) => (Verdict::Fails, reason),
        Missing::NotMeasured(reason) => (Verdict::NotMeasured, reason),
    };
    Measurement { label, values: Vec::new(), interval: None, verdict, reason: Some(reason) }
}

impl Expect {
    /// Holds when the whole interval satisfies the bound, fails when none of it does.
    fn verdict(&self, interval: Interval) -> Verdict {
        let (all, some) = match *self {
            Self::AtLeast(bound) => (bound <= interval.low, bound <= interval.high),
            Self::AtMost(bound) => (interval.high <= bound, interval.low <= bound),
            Self::Between([low, high]) => within(interval, low, high),
            Self::Equals { value, tolerance } => {
                within(interval, value - tolerance, value + tolerance)
            }
            Self::RisesAlong(_) => (0.0 < interval.low, 0.0 < interval.high),
            Self::FallsAlong(_) => (interval.high < 0.0, interval.low < 0.0),
        };
        match (all, some) {
            (true, _) => Verdict::Holds,
            (false, true) => Verdict::Undecided,
            (false, false) => Verdict::Fails,
        }
    }
}

fn within(interval: Interval, low: f64, high: f64) -> (bool, bool) {
    let all = low <= interval.low && interval.high <= high;
    (all, low <= interval.high && interval.low <= high)
}
