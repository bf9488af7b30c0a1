//! Lines: means over the seeds with their 95 % intervals, panel by panel.

use super::abscissa::X;
use super::curves::{Curve, curves};
use super::facets::{Values, shown, with_curves};
use super::index::Index;
use super::thin::thin;
use super::{Axis, Key, Line, Lines, Panel, nothing};
use crate::cell::Cell;
use crate::claim::Quantity;
use crate::figure::Figure;
use crate::record::Record;
use crate::report::json::short;
use crate::report::names;

pub(super) fn plot(figure: &Figure, record: &Record, epoch: Option<u64>) -> Result<Lines, String> {
    let index = Index::new(record);
    let cells = shown(figure, &index);
    let x = X::from_figure(figure, &cells);
    let cells = if x.grid().is_some() { cells } else { with_curves(figure, &index, cells) };
    let rows = Values::from_cells(figure.rows.as_deref(), &cells);
    let columns = Values::from_cells(figure.columns.as_deref(), &cells);
    let curves = curves(figure, &cells, x.grid());
    let (colors, dashes) = keys(figure, &cells, &curves);
    let mut panels: Vec<Panel> = Vec::new();
    for curve in &curves {
        let mut line = x.line(&index, &cells, curve);
        if line.x.is_empty() {
            continue;
        }
        mark(&mut line, figure, curve, &colors, &dashes);
        let (row, column) = (rows.place(curve.place), columns.place(curve.place));
        match panels.iter_mut().find(|panel| (panel.row, panel.column) == (row, column)) {
            Some(panel) => panel.lines.push(line),
            None => {
                let levels = levels(figure, curve.place, &line);
                panels.push(Panel { row, column, lines: [levels, vec![line]].concat() });
            }
        }
    }
    if panels.is_empty() {
        return Err(nothing(figure));
    }
    panels.sort_by_key(|panel| (panel.row, panel.column));
    let thinned = thin(&mut panels);
    let y = Axis {
        label: figure.y_label.clone(),
        log: figure.log_y,
        min: figure.y_min,
        max: figure.y_max,
        ticks: Vec::new(),
    };
    let (rows, columns) = (rows.titles(), columns.titles());
    let seeds = record.seeds().len();
    let epoch = epoch.filter(|_| matches!(x, X::Step));
    let x = x.axis(figure);
    Ok(Lines { x, y, rows, columns, colors, dashes, panels, seeds, epoch, thinned })
}

/// The horizontal lines of a panel, each a reference with one point.
fn levels(figure: &Figure, cell: &Cell, beside: &Line) -> Vec<Line> {
    let level = |(name, formula): (&String, &Quantity)| {
        let y = vec![short(formula.constant(cell)?)];
        Some(Line { reference: Some(name.clone()), x: vec![beside.x[0]], y, ..Line::default() })
    };
    figure.levels.iter().filter_map(level).collect()
}

/// The name of a series or of a reference, short beside those of the figure's others.
fn name(figure: &Figure, entry: &str) -> String {
    let all: Vec<&String> = figure.series.iter().chain(&figure.reference).collect();
    let at = all.iter().position(|known| *known == entry).unwrap_or(0);
    let entries: Vec<String> = all.into_iter().cloned().collect();
    names::legend(&entries).swap_remove(at)
}

/// The meanings of colours and dashes: colours stand for groups if there are several, else for series.
fn keys(figure: &Figure, cells: &[(usize, &Cell)], curves: &[Curve<'_>]) -> (Key, Key) {
    let items = figure.series.iter().map(|entry| name(figure, entry)).collect();
    let series = Key { items, ..Key::default() };
    let mut groups: Vec<String> = Vec::new();
    for curve in curves {
        if !groups.contains(&curve.group) {
            groups.push(curve.group.clone());
        }
    }
    if groups.len() < 2 {
        return (series, Key::default());
    }
    let axis = Values::from_cells(figure.color.as_deref(), cells);
    let ordered = axis.numeric() && axis.values.len() == groups.len();
    let items = if ordered { axis.keys() } else { groups };
    let groups = Key { name: axis.title().to_owned(), items, ordered };
    (groups, if figure.series.len() > 1 { series } else { Key::default() })
}

/// Gives a line its colour and dashes, or its name as a reference.
fn mark(line: &mut Line, figure: &Figure, curve: &Curve<'_>, colors: &Key, dashes: &Key) {
    if curve.reference {
        line.reference = Some(name(figure, curve.entry));
        return;
    }
    let series = figure.series.iter().position(|entry| entry == curve.entry).unwrap_or(0);
    match colors.items.iter().position(|item| *item == curve.group) {
        Some(group) => (line.color, line.dash) = (group, series.min(dashes.items.len())),
        None => line.color = series,
    }
}
