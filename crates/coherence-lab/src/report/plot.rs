//! What a figure shows, computed from a record: the data that the page's scripts draw.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::figure::{Figure, Kind, Play};
use crate::record::Record;

mod abscissa;
mod curves;
mod facets;
mod heat;
mod index;
mod lines;
mod thin;

#[cfg(test)]
mod tests;

/// A figure's data, as embedded in the page.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum Plot {
    /// Lines with their intervals.
    Lines(Lines),
    /// Colours over two axes of the grid.
    Heat(Heat),
}

/// Panels of lines on common axes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Lines {
    x: Axis,
    y: Axis,
    /// Titles of the rows and of the columns of panels; empty where there is but one.
    rows: Vec<String>,
    columns: Vec<String>,
    /// What the colours and the dashes mean.
    colors: Key,
    dashes: Key,
    panels: Vec<Panel>,
    /// Seeds behind a mean.
    seeds: usize,
    /// Steps of an epoch, where x is the step and all cells agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
    /// Number of points left out between two that are drawn; 0 when all are drawn.
    thinned: usize,
}

/// Panels of coloured cells on common axes and one colour scale.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Heat {
    x: Axis,
    y: Axis,
    /// The scale of the colours.
    value: Axis,
    panels: Vec<HeatPanel>,
    seeds: usize,
    /// The model that can be trained from a point, with its settings.
    #[serde(skip_serializing_if = "Option::is_none")]
    play: Option<Played>,
}

/// A model to train in the page: gradient descent with these settings.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Played {
    model: Play,
    settings: BTreeMap<String, String>,
}

/// One axis.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Axis {
    label: String,
    log: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    min: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max: Option<f64>,
    /// Words at 0, 1, 2, … where the axis is a list of values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ticks: Vec<String>,
}

/// The meaning of a colour or of a dash pattern.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Key {
    /// The grid axis; empty for series.
    name: String,
    items: Vec<String>,
    /// Whether the items are numbers in order: then the colours are a scale.
    ordered: bool,
}

/// One panel: its place in the grid of panels and its lines.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Panel {
    row: usize,
    column: usize,
    lines: Vec<Line>,
}

/// A mean with its interval, point by point.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
struct Line {
    /// Index into [`Lines::colors`] and [`Lines::dashes`].
    color: usize,
    dash: usize,
    /// The name of a reference; such a line is dashed grey.
    #[serde(skip_serializing_if = "Option::is_none")]
    reference: Option<String>,
    /// The series that are drawn, by which a claim finds what it reads.
    series: Vec<String>,
    /// The cell of each point; a single one where all points are of one cell.
    cells: Vec<String>,
    x: Vec<f64>,
    y: Vec<f64>,
    /// Ends of the 95 % interval; empty with a single seed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    low: Vec<f64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    high: Vec<f64>,
    /// The values of each seed; empty with a single one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    seeds: Vec<Vec<Option<f64>>>,
    /// The step of each point, where x is something else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    steps: Vec<u64>,
}

/// One panel of a heat map; `mean[j][i]` belongs to x value i and y value j.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct HeatPanel {
    title: String,
    mean: Vec<Vec<Option<f64>>>,
    /// Half width of the 95 % interval; empty with one seed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    half: Vec<Vec<Option<f64>>>,
}

impl Plot {
    /// Whether it draws lines.
    pub(super) fn is_lines(&self) -> bool {
        matches!(self, Self::Lines(_))
    }
}

/// The figure's data, `Err` with a reason for the reader when the record has nothing to draw; `epoch`
/// is the number of steps of an epoch.
pub(super) fn plot(figure: &Figure, record: &Record, epoch: Option<u64>) -> Result<Plot, String> {
    match figure.kind {
        Kind::Lines => lines::plot(figure, record, epoch).map(Plot::Lines),
        Kind::HeatMap => heat::plot(figure, record).map(Plot::Heat),
    }
}

/// The reason given when the record has no rows for a figure.
fn nothing(figure: &Figure) -> String {
    let series = figure.series.join(", ");
    format!("the record has no rows of {series}")
}
