//! Figures as data: what an experiment file asks the report to draw from the records.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cell::Setting;
use crate::claim::Quantity;
use crate::id::Id;

/// One figure of the report.
///
/// A line shows the mean over the seeds and, with several seeds, the 95 % interval as a band.
/// An axis of the grid that no field below mentions gets one line for each value, or one panel in a
/// heat map.
/// Cells without rows of the series are left out, and where some cells have curves, so are cells
/// measured at a single step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Figure {
    /// Name, unique in the experiment.
    pub id: Id,
    /// Heading.
    pub title: String,
    /// What to look for, in a sentence or two.
    #[serde(default)]
    pub caption: String,
    /// The paper's figure to compare it with, for example `CG20 Fig. 1 (a)`.
    #[serde(default)]
    pub source: String,
    /// Lines or a heat map.
    #[serde(default)]
    pub kind: Kind,
    /// The curves to draw: series, or formulas over series and axes of the grid such as `a - b`, taken run by run
    /// and step by step. A heat map draws each in a panel of its own, at its last step.
    pub series: Vec<String>,
    /// Series to compare with, drawn as dashed grey lines; a single value gives a horizontal line.
    #[serde(default)]
    pub reference: Vec<String>,
    /// Dashed grey horizontal lines, by name: formulas over the axes of the grid, for example
    /// `{ "proper accuracy" = "1 - 0.9 * noise / 100" }`.
    #[serde(default)]
    pub levels: BTreeMap<String, Quantity>,
    /// Heading that consecutive figures share: they are the panels of one figure of the paper.
    #[serde(default)]
    pub group: Option<String>,
    /// A model that the reader can train in the page from any point of a heat map.
    #[serde(default)]
    pub play: Option<Play>,
    /// Quantity on the x axis: the step if absent, else an axis of the grid (each cell then gives the
    /// value at its last step) or the name of a series (coherence against loss).
    #[serde(default)]
    pub x: Option<String>,
    /// Axis of the grid with one column of panels for each value; in a heat map the x axis.
    #[serde(default)]
    pub columns: Option<String>,
    /// Axis of the grid with one row of panels for each value; in a heat map the y axis.
    #[serde(default)]
    pub rows: Option<String>,
    /// Axis of the grid with one colour for each value.
    #[serde(default)]
    pub color: Option<String>,
    /// Only cells with these values.
    #[serde(default)]
    pub only: BTreeMap<String, Setting>,
    /// Label of x; absent is `step` or the series' name.
    #[serde(default)]
    pub x_label: Option<String>,
    /// Label of y, with its unit; in a heat map the colours are named after the series.
    pub y_label: String,
    /// Least y shown (for a heat map: colour); absent is the least there is.
    #[serde(default)]
    pub y_min: Option<f64>,
    /// Greatest y shown (for a heat map: colour); absent is the greatest there is.
    #[serde(default)]
    pub y_max: Option<f64>,
    /// Logarithmic x; step 0 is then drawn at the left edge.
    #[serde(default)]
    pub log_x: bool,
    /// Logarithmic y (for a heat map: colour).
    #[serde(default)]
    pub log_y: bool,
}

/// How a figure is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Series against steps or against another series.
    #[default]
    Lines,
    /// One series' last value over two axes of the grid.
    HeatMap,
}

/// A model small enough to be trained in the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Play {
    /// [`TwoNeurons`](crate::toy::TwoNeurons) on the data set [`L`](crate::toy::L): x is the start of w1
    /// and y that of w2.
    TwoNeurons,
}
