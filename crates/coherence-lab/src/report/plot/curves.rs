//! What a figure of lines draws: each series of each cell shown, and what tells them apart.

use super::facets::{rest, varying};
use crate::cell::Cell;
use crate::figure::Figure;
use crate::report::words;

/// One thing to draw: a cell's series with its place, colour and dashes.
pub(super) struct Curve<'a> {
    pub(super) cell: usize,
    pub(super) place: &'a Cell,
    pub(super) entry: &'a str,
    pub(super) reference: bool,
    /// What tells it from the other lines of its panel, besides the series.
    pub(super) group: String,
}

/// All curves; with an axis of the grid along x, one curve for the cells that differ in it alone.
pub(super) fn curves<'a>(
    figure: &'a Figure,
    cells: &[(usize, &'a Cell)],
    along_x: Option<&str>,
) -> Vec<Curve<'a>> {
    let placed = [figure.rows.as_deref(), figure.columns.as_deref(), along_x];
    let varying = varying(cells);
    let mut curves: Vec<Curve<'a>> = Vec::new();
    for &(cell, place) in cells {
        let group = group(figure, place, &placed, &varying);
        let drawn = |curve: &Curve<'_>| along_x.is_some_and(|x| same_but(x, curve.place, place));
        if curves.iter().any(drawn) {
            continue;
        }
        let series = figure.series.iter().map(|entry| (entry, false));
        let all = series.chain(figure.reference.iter().map(|entry| (entry, true)));
        curves.extend(all.map(|(entry, reference)| Curve {
            cell,
            place,
            entry,
            reference,
            group: group.clone(),
        }));
    }
    curves
}

/// Name of a group of curves: the value on the colour axis and every setting that the figure does not
/// place elsewhere.
fn group(figure: &Figure, cell: &Cell, placed: &[Option<&str>], varying: &[String]) -> String {
    let color = figure.color.as_deref();
    let others: Vec<Option<&str>> = placed.iter().copied().chain([color]).collect();
    let value = color.and_then(|axis| Some(words::value(axis, cell.get(axis)?)));
    let words = [value.unwrap_or_default(), rest(cell, &others, varying)];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(", ")
}

fn same_but(axis: &str, a: &Cell, b: &Cell) -> bool {
    a.0.iter().zip(&b.0).all(|(a, b)| a == b || a.0 == axis)
}
