//! A record's values by cell and series: for each step, one value a seed.

use std::collections::BTreeMap;

use crate::cell::{Cell, Setting};
use crate::claim::formula::{Formula, parse_curve};
use crate::interval::Interval;
use crate::record::Record;

/// Values by (seed, step).
type Runs = BTreeMap<(u64, u64), f64>;

/// The value of a formula: the same at every step of every run, or where all of its series were measured.
enum Curve {
    Number(f64),
    Runs(Runs),
}

/// The rows of a record, found by cell and series.
pub(super) struct Index<'r> {
    cells: Vec<&'r Cell>,
    runs: BTreeMap<(usize, &'r str), Runs>,
}

/// A step, the mean over the seeds of what was measured there, and the value of each seed.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) step: u64,
    pub(super) value: Interval,
    pub(super) seeds: Vec<(u64, f64)>,
}

impl<'r> Index<'r> {
    /// Non-finite values are left out: a missing point is a gap in the line.
    pub(super) fn new(record: &'r Record) -> Self {
        let mut index = Self { cells: record.cells(), runs: BTreeMap::new() };
        let mut last = 0; // rows of a cell stand together
        for row in record.rows.iter().filter(|row| row.value.is_finite()) {
            if *index.cells[last] != row.cell {
                last = index.cells.iter().position(|cell| **cell == row.cell).unwrap_or(last);
            }
            let runs = index.runs.entry((last, &row.series)).or_default();
            runs.insert((row.seed, row.step), row.value);
        }
        index
    }

    /// The cells that have rows, in the order of the record.
    pub(super) fn cells(&self) -> impl Iterator<Item = (usize, &'r Cell)> + use<'_, 'r> {
        self.cells.iter().copied().enumerate()
    }

    /// The mean curve of a formula over series and axes, taken run by run and step by step.
    pub(super) fn curve(&self, cell: usize, entry: &str) -> Vec<Point> {
        let mut steps: BTreeMap<u64, Vec<(u64, f64)>> = BTreeMap::new();
        let formula = parse_curve(entry).ok();
        if let Some(Curve::Runs(runs)) = formula.map(|formula| self.evaluate(cell, &formula)) {
            for ((seed, step), value) in runs.into_iter().filter(|(_, value)| value.is_finite()) {
                steps.entry(step).or_default().push((seed, value));
            }
        }
        let point = |(step, seeds): (u64, Vec<(u64, f64)>)| {
            let values: Vec<f64> = seeds.iter().map(|(_, value)| *value).collect();
            Interval::from_values(&values).map(|value| Point { step, value, seeds })
        };
        steps.into_iter().filter_map(point).collect()
    }

    /// Whether there are rows of every series of a formula.
    pub(super) fn has(&self, cell: usize, entry: &str) -> bool {
        let is_there = |name: &str| {
            self.setting(cell, name).is_some() || self.runs.contains_key(&(cell, name))
        };
        parse_curve(entry).is_ok_and(|curve| curve.axes().into_iter().all(is_there))
    }

    /// The last point of the mean curve.
    pub(super) fn last(&self, cell: usize, entry: &str) -> Option<Point> {
        self.curve(cell, entry).pop()
    }

    /// The number that a cell has on an axis.
    fn setting(&self, cell: usize, axis: &str) -> Option<f64> {
        match self.cells[cell].get(axis)? {
            Setting::Number(number) => Some(*number),
            Setting::Text(_) => None,
        }
    }

    fn evaluate(&self, cell: usize, formula: &Formula) -> Curve {
        match formula {
            Formula::Number(number) => Curve::Number(*number),
            Formula::Name(name) => match self.setting(cell, name) {
                Some(number) => Curve::Number(number),
                None => Curve::Runs(self.runs.get(&(cell, &**name)).cloned().unwrap_or_default()),
            },
            // A curve has none.
            Formula::Reading(_) => Curve::Runs(Runs::new()),
            Formula::Operation(sides, operator) => {
                let [left, right] = sides.each_ref().map(|side| self.evaluate(cell, side));
                left.combine(right, |a, b| operator.apply(a, b))
            }
        }
    }
}

impl Curve {
    fn combine(self, other: Self, apply: impl Fn(f64, f64) -> f64) -> Self {
        let mapped = |runs: Runs, f: &dyn Fn(f64) -> f64| {
            Self::Runs(runs.into_iter().map(|(at, value)| (at, f(value))).collect())
        };
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Self::Number(apply(a, b)),
            (Self::Number(a), Self::Runs(b)) => mapped(b, &|b| apply(a, b)),
            (Self::Runs(a), Self::Number(b)) => mapped(a, &|a| apply(a, b)),
            (Self::Runs(a), Self::Runs(b)) => {
                let both = |(at, a): ((u64, u64), f64)| Some((at, apply(a, *b.get(&at)?)));
                Self::Runs(a.into_iter().filter_map(both).collect())
            }
        }
    }
}
