//! One point of an experiment's grid: the value of each axis, in the order of the grid.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The value of one axis: a number (`noise = 25`) or a word (`data = "real"`).
#[derive(Clone, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Setting {
    /// A number, for example a percentage of noise or a winsorisation count.
    Number(f64),
    /// A word, for example the kind of data.
    Text(String),
}

impl Setting {
    /// Reads a setting from a record: a number if the text parses as one, else a word.
    pub fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Text(text.to_owned()), Self::Number)
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(value) => write!(f, "{value}"),
            Self::Text(word) => f.write_str(word),
        }
    }
}

impl From<f64> for Setting {
    fn from(value: f64) -> Self {
        Self::Number(value)
    }
}

impl From<&str> for Setting {
    fn from(word: &str) -> Self {
        Self::Text(word.to_owned())
    }
}

/// An axis of a grid: its name and its values, in the order in which claims compare neighbours.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Axis {
    /// Name, as in [`Cell`] and as the column of a record.
    pub name: String,
    /// Values, in order.
    pub values: Vec<Setting>,
}

/// One cell of a grid: (axis, value) pairs in the order of the grid. Empty where there is no grid.
///
/// ```
/// use coherence_lab::cell::Cell;
/// let cell = Cell::new([("noise", 25.0.into()), ("clip", 2.0.into())]);
/// assert_eq!(cell.to_string(), "noise=25,clip=2");
/// ```
#[derive(Clone, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Cell(pub Vec<(String, Setting)>);

impl Cell {
    /// The cell with these values.
    pub fn new<'a>(settings: impl IntoIterator<Item = (&'a str, Setting)>) -> Self {
        Self(settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The value on an axis, `None` where the grid has no such axis.
    pub fn get(&self, axis: &str) -> Option<&Setting> {
        self.0.iter().find(|(name, _)| name == axis).map(|(_, value)| value)
    }

    /// Whether every pair of `wanted` is a pair of this cell.
    pub fn contains(&self, wanted: &Cell) -> bool {
        wanted.0.iter().all(|(axis, value)| self.get(axis) == Some(value))
    }

    /// All cells of a grid, the last axis varying fastest; one empty cell for no axes.
    pub fn product(axes: &[Axis]) -> Vec<Cell> {
        axes.iter().fold(vec![Cell::default()], |cells, axis| {
            cells
                .iter()
                .flat_map(|cell| axis.values.iter().map(|v| cell.with(&axis.name, v)))
                .collect()
        })
    }

    /// This cell with one more pair, or with the pair of that axis replaced.
    #[must_use]
    pub fn with(&self, axis: &str, value: &Setting) -> Cell {
        let mut cell = self.clone();
        match cell.0.iter_mut().find(|(name, _)| name == axis) {
            Some(pair) => pair.1 = value.clone(),
            None => cell.0.push((axis.to_owned(), value.clone())),
        }
        cell
    }
}

/// `noise=25,clip=2`; `all` for the empty cell. Also the name of the cell's folder.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("all");
        }
        let pairs: Vec<String> =
            self.0.iter().map(|(axis, value)| format!("{axis}={value}")).collect();
        f.write_str(&pairs.join(","))
    }
}
