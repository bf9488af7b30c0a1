//! Which cells a figure shows, and the values of the grid's axes among them.

use std::cmp::Ordering;

use super::index::Index;
use crate::cell::{Cell, Setting};
use crate::figure::Figure;
use crate::report::words;

/// The values of one axis of the grid among the cells shown, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Values {
    pub(super) name: String,
    pub(super) values: Vec<Setting>,
}

impl Values {
    /// The values of `axis` among `cells`: numbers by size, words in order of appearance.
    ///
    /// Without an axis there is a single place without a name.
    pub(super) fn from_cells(axis: Option<&str>, cells: &[(usize, &Cell)]) -> Self {
        let Some(name) = axis else { return Self::default() };
        let mut values: Vec<Setting> = Vec::new();
        for value in cells.iter().filter_map(|(_, cell)| cell.get(name)) {
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        values.sort_by(by_size);
        Self { name: name.to_owned(), values }
    }

    /// The place of a cell, 0 where there is no axis.
    pub(super) fn place(&self, cell: &Cell) -> usize {
        let value = cell.get(&self.name);
        self.values.iter().position(|v| Some(v) == value).unwrap_or(0)
    }

    /// `25 % noise`, `50 % noise`, …; nothing for one place.
    pub(super) fn titles(&self) -> Vec<String> {
        self.values.iter().map(|value| words::setting(&self.name, value)).collect()
    }

    /// What a key of colours calls the axis: `c` for `clip`.
    pub(super) fn title(&self) -> &str {
        words::name(&self.name)
    }

    /// The values in a key of colours, under the title: `25 %` of noise.
    pub(super) fn keys(&self) -> Vec<String> {
        self.values.iter().map(|value| words::value(&self.name, value)).collect()
    }

    pub(super) fn words(&self) -> Vec<String> {
        self.values.iter().map(Setting::to_string).collect()
    }

    pub(super) fn numeric(&self) -> bool {
        self.values.iter().all(|value| matches!(value, Setting::Number(_)))
    }
}

/// The cells that fulfil the figure's condition and have rows of its series.
pub(super) fn shown<'r>(figure: &Figure, index: &Index<'r>) -> Vec<(usize, &'r Cell)> {
    let wanted = Cell(figure.only.clone().into_iter().collect());
    let measured = |i| figure.series.iter().any(|entry| index.has(i, entry));
    index.cells().filter(|(i, cell)| cell.contains(&wanted) && measured(*i)).collect()
}

/// The cells measured at several steps, or all of them where each was measured at one step alone.
pub(super) fn with_curves<'r>(
    figure: &Figure,
    index: &Index<'r>,
    cells: Vec<(usize, &'r Cell)>,
) -> Vec<(usize, &'r Cell)> {
    let long = |i| figure.series.iter().any(|entry| index.curve(i, entry).len() > 1);
    let curves: Vec<(usize, &Cell)> = cells.iter().copied().filter(|(i, _)| long(*i)).collect();
    if curves.is_empty() { cells } else { curves }
}

/// The settings of a cell that the figure places nowhere, as `c = 2, real`; empty when there
/// are none.
pub(super) fn rest(cell: &Cell, placed: &[Option<&str>], varying: &[String]) -> String {
    let free = |axis: &str| !placed.contains(&Some(axis)) && varying.iter().any(|v| v == axis);
    let pairs = cell.0.iter().filter(|(axis, _)| free(axis));
    pairs.map(|(axis, value)| words::setting(axis, value)).collect::<Vec<_>>().join(", ")
}

/// The axes that have more than one value among `cells`.
pub(super) fn varying(cells: &[(usize, &Cell)]) -> Vec<String> {
    let Some((_, first)) = cells.first() else { return Vec::new() };
    let several = |axis: &str| cells.iter().any(|(_, cell)| cell.get(axis) != first.get(axis));
    let names = first.0.iter().map(|(axis, _)| axis.clone());
    names.filter(|axis| several(axis)).collect()
}

/// Numbers by size; words keep their order.
fn by_size(a: &Setting, b: &Setting) -> Ordering {
    match (a, b) {
        (Setting::Number(a), Setting::Number(b)) => a.total_cmp(b),
        _ => Ordering::Equal,
    }
}
