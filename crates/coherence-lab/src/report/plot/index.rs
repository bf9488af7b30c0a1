//! A record's values by cell and series: for each step, one value a seed.

use std::collections::BTreeMap;

use crate::cell::Cell;
use crate::figure::operands;
use crate::interval::Interval;
use crate::record::Record;

/// Values by (seed, step).
type Runs = BTreeMap<(u64, u64), f64>;

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

    /// The mean curve of a series, or of a difference `a - b` taken run by run and step by step.
    pub(super) fn curve(&self, cell: usize, entry: &str) -> Vec<Point> {
        let mut steps: BTreeMap<u64, Vec<(u64, f64)>> = BTreeMap::new();
        for (&(seed, step), value) in &self.difference(cell, entry) {
            steps.entry(step).or_default().push((seed, *value));
        }
        let point = |(step, seeds): (u64, Vec<(u64, f64)>)| {
            let values: Vec<f64> = seeds.iter().map(|(_, value)| *value).collect();
            Interval::from_values(&values).map(|value| Point { step, value, seeds })
        };
        steps.into_iter().filter_map(point).collect()
    }

    /// Whether there is any row to draw a series from.
    pub(super) fn has(&self, cell: usize, entry: &str) -> bool {
        let (a, b) = operands(entry);
        std::iter::once(a).chain(b).all(|name| self.runs.contains_key(&(cell, name)))
    }

    /// The last point of the mean curve.
    pub(super) fn last(&self, cell: usize, entry: &str) -> Option<Point> {
        self.curve(cell, entry).pop()
    }

    fn difference(&self, cell: usize, entry: &str) -> Runs {
        let (a, b) = operands(entry);
        let runs = |name| self.runs.get(&(cell, name)).cloned().unwrap_or_default();
        let Some(b) = b.map(runs) else { return runs(a) };
        runs(a).into_iter().filter_map(|(at, a)| Some((at, a - b.get(&at)?))).collect()
    }
}
