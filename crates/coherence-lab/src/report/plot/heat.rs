//! Heat maps: the last value of a series over two axes of the grid.

use super::facets::{Values, rest, shown, varying};
use super::index::{Index, Point};
use super::{Axis, Heat, HeatPanel, Played, nothing};
use crate::cell::Cell;
use crate::figure::Figure;
use crate::record::Record;
use crate::report::json::short;
use crate::report::names;

pub(super) fn plot(figure: &Figure, record: &Record) -> Result<Heat, String> {
    let index = Index::new(record);
    let cells = shown(figure, &index);
    let x = Values::from_cells(figure.columns.as_deref(), &cells);
    let y = Values::from_cells(figure.rows.as_deref(), &cells);
    let names = names::legend(&figure.series);
    let mut panels = Vec::new();
    for (group, members) in groups(figure, &cells) {
        for (entry, name) in figure.series.iter().zip(&names) {
            let point = |i: usize, j: usize| {
                let at = |cell: &Cell| (x.place(cell), y.place(cell)) == (i, j);
                let (cell, _) = members.iter().find(|(_, cell)| at(cell))?;
                index.last(*cell, entry)
            };
            let name = if names.len() > 1 { name.as_str() } else { "" };
            let title = [name, &group].into_iter().filter(|word| !word.is_empty());
            let title = title.collect::<Vec<_>>().join(", ");
            panels.extend(panel(title, x.values.len(), y.values.len(), point));
        }
    }
    if panels.is_empty() {
        return Err(nothing(figure));
    }
    let label = if names.len() > 1 { "value".to_owned() } else { names.concat() };
    let (log, min, max) = (figure.log_y, figure.y_min, figure.y_max);
    let value = Axis { label, log, min, max, ..Axis::default() };
    let x_label = figure.x_label.clone().unwrap_or_else(|| x.name.clone());
    let seeds = record.seeds().len();
    let settings = record.header.settings.clone();
    let play = figure.play.map(|model| Played { model, settings });
    let (x, y) = (axis(x_label, &x), axis(figure.y_label.clone(), &y));
    Ok(Heat { x, y, value, panels, seeds, play })
}

fn axis(label: String, values: &Values) -> Axis {
    Axis { label, ticks: values.words(), ..Axis::default() }
}

/// Cells that differ only in x and y, grouped by their other settings.
fn groups<'r>(
    figure: &Figure,
    cells: &[(usize, &'r Cell)],
) -> Vec<(String, Vec<(usize, &'r Cell)>)> {
    let placed = [figure.rows.as_deref(), figure.columns.as_deref()];
    let varying = varying(cells);
    let mut groups: Vec<(String, Vec<(usize, &'r Cell)>)> = Vec::new();
    for &(i, cell) in cells {
        let name = rest(cell, &placed, &varying);
        match groups.iter_mut().find(|(group, _)| *group == name) {
            Some((_, members)) => members.push((i, cell)),
            None => groups.push((name, vec![(i, cell)])),
        }
    }
    groups
}

/// One panel; `None` when it has no value at all.
fn panel(
    title: String,
    columns: usize,
    rows: usize,
    point: impl Fn(usize, usize) -> Option<Point>,
) -> Option<HeatPanel> {
    let (columns, rows) = (columns.max(1), rows.max(1));
    let table = |value: &dyn Fn(Point) -> f64| -> Vec<Vec<Option<f64>>> {
        let row = |j| (0..columns).map(|i| point(i, j).map(|p| short(value(p)))).collect();
        (0..rows).map(row).collect()
    };
    let mean = table(&|point| point.value.mean);
    let mut half = table(&|point| point.value.high - point.value.mean);
    if half.iter().flatten().flatten().all(|half| *half == 0.0) {
        half.clear();
    }
    let empty = mean.iter().flatten().all(Option::is_none);
    (!empty).then_some(HeatPanel { title, mean, half })
}
