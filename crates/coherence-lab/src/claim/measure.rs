//! Evaluating formulas on a record.

use super::Quantity;
use super::formula::{Comparison, Formula, Operator, Place, Reading};
use super::value::{Censored, Value};
use crate::cell::{Axis, Cell, Setting};
use crate::record::Record;

/// Where a formula is evaluated.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    pub(super) record: &'a Record,
    /// Values of axes and of the claim's own names.
    pub(super) cell: &'a Cell,
    pub(super) seed: u64,
}

impl Scope<'_> {
    /// The value of a quantity, or why the record does not have it.
    pub(super) fn measure(&self, quantity: &Quantity) -> Result<Value, String> {
        let left = self.evaluate(quantity.formula())?;
        let value = match quantity.compared() {
            None => left,
            Some((sign, right)) => {
                let right = self.evaluate(right)?;
                match sign {
                    Comparison::Greater => outcome(left, right),
                    Comparison::Less => outcome(right, left),
                }
            }
        };
        match value.exact() {
            Some(value) if !value.is_finite() => {
                Err(format!("{quantity} is {value} in cell {}, seed {}", self.cell, self.seed))
            }
            _ => Ok(value),
        }
    }

    fn evaluate(&self, formula: &Formula) -> Result<Value, String> {
        match formula {
            Formula::Number(number) => Ok(Value::Exact(*number)),
            Formula::Name(axis) => self.setting(axis).map(Value::Exact),
            Formula::Reading(reading) => self.read(reading),
            Formula::Operation(sides, operator) => {
                Ok(self.evaluate(&sides[0])?.combine(*operator, self.evaluate(&sides[1])?))
            }
        }
    }

    /// The number that the cell has on an axis.
    fn setting(&self, axis: &str) -> Result<f64, String> {
        match self.cell.get(axis) {
            Some(Setting::Number(number)) => Ok(*number),
            Some(Setting::Text(word)) => Err(format!("{axis} is {word}, which is no number")),
            None => Err(format!("the claim does not say which {axis} to read")),
        }
    }

    fn read(&self, reading: &Reading) -> Result<Value, String> {
        let cell = self.cell_of(reading)?;
        let mut rows = self.curve(&reading.curve, &cell)?;
        rows.retain(|&(step, _)| reading.from <= step);
        self.place(reading, &cell, &rows, self.argument(reading)?)
    }

    /// The cell of the record to read from: that of the scope with the reading's own settings.
    pub(super) fn cell_of(&self, reading: &Reading) -> Result<Cell, String> {
        let axes = &self.record.header.axes;
        let known = |(axis, _): &&(String, Setting)| axes.iter().any(|a| a.name == *axis);
        let own = Cell(self.cell.0.iter().filter(known).cloned().collect());
        let merged = reading.cell.iter().fold(own, |cell, (axis, v)| cell.with(axis, v));
        in_order(axes, &merged)
    }

    /// The step or the level; 0 where the place has none.
    pub(super) fn argument(&self, reading: &Reading) -> Result<f64, String> {
        match &reading.argument {
            None => Ok(0.0),
            Some(Formula::Name(axis)) => self.setting(axis),
            Some(Formula::Number(number)) => Ok(*number),
            Some(_) => Err("an argument is a number or an axis".to_owned()),
        }
    }

    fn place(
        &self,
        reading: &Reading,
        cell: &Cell,
        rows: &[(u64, f64)],
        argument: f64,
    ) -> Result<Value, String> {
        let missing = |what: &str| {
            let series = reading.series().join(", ");
            format!("the record has no {series}{what} for cell {cell}, seed {}", self.seed)
        };
        let (first, last) = rows.first().zip(rows.last()).ok_or_else(|| missing(""))?;
        let is_of_one_step = matches!(reading.place, Place::Start | Place::End | Place::At);
        if let Some((step, _)) = rows.iter().find(|row| row.1.is_nan() && !is_of_one_step) {
            return Err(missing(&format!(" that is a number at step {step}")));
        }
        let max = || rows.iter().map(|row| row.1).fold(f64::NEG_INFINITY, f64::max);
        let time = |time: Option<f64>| match time {
            Some(time) => Value::Exact(time),
            None => Value::Censored(Censored::Above(last.0 as f64)),
        };
        Ok(match reading.place {
            Place::Start => Value::Exact(first.1),
            Place::End => Value::Exact(last.1),
            Place::Max => Value::Exact(max()),
            Place::Min => Value::Exact(rows.iter().map(|row| row.1).fold(f64::INFINITY, f64::min)),
            Place::StepOfMax => {
                let max = max();
                time(rows.iter().find(|row| row.1 == max).map(|row| row.0 as f64))
            }
            Place::At => {
                let row = rows.iter().find(|row| row.0 as f64 == argument);
                Value::Exact(row.ok_or_else(|| missing(&format!(" at step {argument}")))?.1)
            }
            Place::Sum => {
                let until = rows.iter().take_while(|row| row.0 as f64 <= argument);
                Value::Exact(until.map(|row| row.1).sum())
            }
            Place::Reaches => time(crossing(rows, argument, 1.0)),
            Place::FallsTo => time(crossing(rows, argument, -1.0)),
        })
    }

    /// The curve at the steps at which all of its series were measured.
    fn curve(&self, curve: &Formula, cell: &Cell) -> Result<Vec<(u64, f64)>, String> {
        match curve {
            Formula::Name(series) => {
                let rows = self.record.series(cell, self.seed, series);
                let missing =
                    || format!("the record has no {series} for cell {cell}, seed {}", self.seed);
                if rows.is_empty() { Err(missing()) } else { Ok(rows) }
            }
            Formula::Operation(sides, operator) => match &**sides {
                [Formula::Number(a), right] => {
                    Ok(mapped(self.curve(right, cell)?, |b| operator.apply(*a, b)))
                }
                [left, Formula::Number(b)] => {
                    Ok(mapped(self.curve(left, cell)?, |a| operator.apply(a, *b)))
                }
                [left, right] => {
                    Ok(joined(&self.curve(left, cell)?, &self.curve(right, cell)?, *operator))
                }
            },
            Formula::Number(_) | Formula::Reading(_) => Err("a curve is made of series".to_owned()),
        }
    }
}

/// Whether the first value is certainly above the second, as 1 or 0; unknown where a bound of a
/// censored value does not tell.
fn outcome(left: Value, right: Value) -> Value {
    let difference = left.combine(Operator::Minus, right);
    if difference.is_above(0.0) {
        Value::Exact(1.0)
    } else if difference.negated().is_at_least(0.0) {
        Value::Exact(0.0)
    } else {
        Value::Censored(Censored::Unknown)
    }
}

fn mapped(rows: Vec<(u64, f64)>, f: impl Fn(f64) -> f64) -> Vec<(u64, f64)> {
    rows.into_iter().map(|(step, value)| (step, f(value))).collect()
}

/// Both are in the order of the steps.
fn joined(left: &[(u64, f64)], right: &[(u64, f64)], operator: Operator) -> Vec<(u64, f64)> {
    let other = |step: u64| right.binary_search_by_key(&step, |row| row.0).ok();
    let join = |&(step, a): &(u64, f64)| Some((step, operator.apply(a, right[other(step)?].1)));
    left.iter().filter_map(join).collect()
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
