//! What runs along x: the step, a series, or an axis of the grid.

use std::collections::BTreeSet;

use super::curves::Curve;
use super::facets::Values;
use super::index::{Index, Point};
use super::{Axis, Line};
use crate::cell::{Cell, Setting};
use crate::claim::formula::parse_curve;
use crate::figure::Figure;
use crate::report::json::short;

/// What runs along x.
pub(super) enum X {
    Step,
    /// Another series, at equal steps.
    Series(String),
    /// An axis of the grid: one point for each cell, at its last step.
    Grid(Values),
}

impl X {
    pub(super) fn from_figure(figure: &Figure, cells: &[(usize, &Cell)]) -> Self {
        match &figure.x {
            None => Self::Step,
            Some(name) if cells.iter().any(|(_, cell)| cell.get(name).is_some()) => {
                Self::Grid(Values::from_cells(Some(name), cells))
            }
            Some(name) => Self::Series(name.clone()),
        }
    }

    /// The grid axis along x, if it is one.
    pub(super) fn grid(&self) -> Option<&str> {
        match self {
            Self::Grid(values) => Some(&values.name),
            _ => None,
        }
    }

    pub(super) fn axis(&self, figure: &Figure) -> Axis {
        let name = figure.x.as_deref().unwrap_or("step");
        let label = figure.x_label.clone().unwrap_or_else(|| name.replace(['.', '_'], " "));
        let ticks = match self {
            Self::Grid(values) if !values.numeric() => values.words(),
            _ => Vec::new(),
        };
        Axis { label, log: figure.log_x, ticks, ..Axis::default() }
    }

    pub(super) fn line(
        &self,
        index: &Index<'_>,
        cells: &[(usize, &Cell)],
        curve: &Curve<'_>,
    ) -> Line {
        let mut line = self.points(index, cells, curve);
        line.series = series(curve.entry);
        if line.cells.is_empty() {
            line.cells.push(curve.place.to_string());
        }
        line
    }

    fn points(&self, index: &Index<'_>, cells: &[(usize, &Cell)], curve: &Curve<'_>) -> Line {
        match self {
            Self::Step => {
                let points = index.curve(curve.cell, curve.entry);
                line(points.into_iter().map(|point| (point.step as f64, point)), false)
            }
            Self::Series(name) => {
                let x = index.curve(curve.cell, name);
                let at = |step| x.iter().find(|point| point.step == step).map(|p| p.value.mean);
                let points = index.curve(curve.cell, curve.entry).into_iter();
                let line = line(points.filter_map(|point| Some((at(point.step)?, point))), true);
                // A seed has an x of its own, which is not this one.
                Line { seeds: Vec::new(), ..line }
            }
            Self::Grid(values) => {
                let mut names = Vec::new();
                let points = values.values.iter().enumerate().filter_map(|(i, value)| {
                    let wanted = curve.place.with(&values.name, value);
                    let (cell, _) = cells.iter().find(|(_, cell)| **cell == wanted)?;
                    let point = index.last(*cell, curve.entry)?;
                    names.push(wanted.to_string());
                    Some((position(&values.values, i), point))
                });
                let line = line(points, true);
                Line { cells: names, ..line }
            }
        }
    }
}

/// The names in an entry of a figure: the series that it draws, and axes.
fn series(entry: &str) -> Vec<String> {
    let curve = parse_curve(entry);
    curve.iter().flat_map(|curve| curve.axes()).map(str::to_owned).collect()
}

/// Position of the i-th value: the value itself if all are numbers, else i.
fn position(values: &[Setting], i: usize) -> f64 {
    match &values[i] {
        Setting::Number(size) if values.iter().all(|v| matches!(v, Setting::Number(_))) => *size,
        _ => i as f64,
    }
}

fn line(points: impl Iterator<Item = (f64, Point)>, steps: bool) -> Line {
    let mut line = Line::default();
    let points: Vec<(f64, Point)> = points.collect();
    for (x, point) in &points {
        line.x.push(short(*x));
        line.y.push(short(point.value.mean));
        line.low.push(short(point.value.low));
        line.high.push(short(point.value.high));
        line.steps.push(point.step);
    }
    if line.low == line.high {
        (line.low, line.high) = Default::default();
    }
    if !steps {
        line.steps.clear();
    }
    line.seeds = seeds(&points);
    line
}

/// One list of values for each seed, where there are several.
fn seeds(points: &[(f64, Point)]) -> Vec<Vec<Option<f64>>> {
    let of_point = |(_, point): &(f64, Point)| point.seeds.clone();
    let all: BTreeSet<u64> = points.iter().flat_map(of_point).map(|(seed, _)| seed).collect();
    let value = |wanted: u64, (_, point): &(f64, Point)| {
        point.seeds.iter().find(|(seed, _)| *seed == wanted).map(|(_, value)| short(*value))
    };
    let list = |seed: &u64| points.iter().map(|point| value(*seed, point)).collect();
    if all.len() < 2 { Vec::new() } else { all.iter().map(list).collect() }
}
