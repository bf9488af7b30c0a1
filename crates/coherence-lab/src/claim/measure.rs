//! Reading numbers out of a record.

use super::{At, Quantity, Reading};
use crate::cell::{Axis, Cell};
use crate::record::Record;

/// Why a record has no value for a quantity.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Missing {
    /// The series was recorded to its end and never came to the level.
    NeverReached(String),
    /// The series, the step, the cell or the seed is not in the record, or the value is no number.
    NotMeasured(String),
}

/// The value of `quantity` in `cell` for one seed, or why there is none.
pub(super) fn measure(
    record: &Record,
    quantity: &Quantity,
    cell: &Cell,
    seed: u64,
) -> Result<f64, Missing> {
    let pair = |pair: &[Quantity; 2]| -> Result<[f64; 2], Missing> {
        Ok([measure(record, &pair[0], cell, seed)?, measure(record, &pair[1], cell, seed)?])
    };
    let value = match quantity {
        Quantity::Value(reading) => read(record, reading, cell, seed)?,
        Quantity::Difference(parts) => pair(parts).map(|[first, second]| first - second)?,
        Quantity::Ratio(parts) => pair(parts).map(|[first, second]| first / second)?,
    };
    let no_number = || Missing::NotMeasured(format!("seed {seed}: {quantity} is {value}"));
    value.is_finite().then_some(value).ok_or_else(no_number)
}

fn read(record: &Record, reading: &Reading, cell: &Cell, seed: u64) -> Result<f64, Missing> {
    let merged = reading.cell.iter().fold(cell.clone(), |cell, (axis, v)| cell.with(axis, v));
    let cell = in_order(&record.header.axes, &merged).map_err(Missing::NotMeasured)?;
    let mut rows = record.series(&cell, seed, &reading.series);
    rows.retain(|&(step, _)| reading.from <= step);
    let (first, last) = rows.first().zip(rows.last()).ok_or_else(|| {
        let series = &reading.series;
        Missing::NotMeasured(format!("the record has no {series} for cell {cell}, seed {seed}"))
    })?;
    let values = || rows.iter().map(|&(_, value)| value);
    let found = |time: Option<f64>, what: &str| {
        time.ok_or_else(|| {
            let (series, steps) = (&reading.series, last.0);
            Missing::NeverReached(format!(
                "cell {cell}, seed {seed}: {series} never {what} within {steps} steps"
            ))
        })
    };
    let max = values().fold(f64::NEG_INFINITY, f64::max);
    match reading.at {
        At::Start => Ok(first.1),
        At::End => Ok(last.1),
        At::Max => Ok(max),
        At::Min => Ok(values().fold(f64::INFINITY, f64::min)),
        At::Step(wanted) => {
            rows.iter().find(|(step, _)| *step == wanted).map(|row| row.1).ok_or_else(|| {
                let series = &reading.series;
                Missing::NotMeasured(format!(
                    "{series} was not recorded at step {wanted} in cell {cell}, seed {seed}"
                ))
            })
        }
        At::Reaches(level) => found(crossing(&rows, level, 1.0), &format!("reached {level}")),
        At::FallsTo(level) => found(crossing(&rows, level, -1.0), &format!("fell to {level}")),
        At::StepOfMax => {
            let largest = rows.iter().find(|row| row.1 == max);
            found(largest.map(|&(step, _)| step as f64), "had a maximum")
        }
    }
}

/// The time in steps at which the line through `rows` first comes to `level`, from below
/// (`sign` = 1) or from above (`sign` = −1); the first step if it starts there or beyond.
fn crossing(rows: &[(u64, f64)], level: f64, sign: f64) -> Option<f64> {
    let short = |value: f64| sign * (level - value);
    let after = rows.iter().position(|&(_, value)| short(value) <= 0.0)?;
    let (step, value) = rows[after];
    let Some(&(before, missing)) = after.checked_sub(1).map(|i| &rows[i]) else {
        return Some(step as f64);
    };
    let left = short(value) / (short(value) - short(missing)); // the line's part beyond the level
    Some(step as f64 - left * (step - before) as f64)
}

/// The cell with its pairs in the order of the record's axes, each axis given exactly once.
fn in_order(axes: &[Axis], cell: &Cell) -> Result<Cell, String> {
    if let Some((axis, _)) = cell.0.iter().find(|(name, _)| axes.iter().all(|a| a.name != *name)) {
        return Err(format!("the record has no axis {axis}"));
    }
    let pair = |axis: &Axis| {
        let value = cell.get(&axis.name);
        value
            .cloned()
            .map(|value| (axis.name.clone(), value))
            .ok_or_else(|| format!("the claim does not say which {} to read", axis.name))
    };
    axes.iter().map(pair).collect::<Result<_, _>>().map(Cell)
}
