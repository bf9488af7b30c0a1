//! What a claim measures: a formula, or whether one formula exceeds another.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::cell::Cell;

use super::formula::{Comparison, Formula, FormulaError, Reading, parse};

/// What is measured, for every seed by itself.
///
/// ```
/// use coherence_lab::claim::Quantity;
/// let number: Quantity = "end(train.accuracy) - end(test.accuracy)".parse().unwrap();
/// assert!(!number.is_outcome());
/// let outcome: Quantity = "reaches(test.accuracy, 0.9) < 1000".parse().unwrap();
/// assert!(outcome.is_outcome());
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quantity {
    text: String,
    formula: Formula,
    compared: Option<(Comparison, Formula)>,
}

impl Quantity {
    /// Whether it is one of two, yes or no, and no number.
    pub fn is_outcome(&self) -> bool {
        self.compared.is_some()
    }

    /// The formula; of a comparison its left side.
    pub(super) fn formula(&self) -> &Formula {
        &self.formula
    }

    /// The sign and the right side of a comparison.
    pub(super) fn compared(&self) -> Option<&(Comparison, Formula)> {
        self.compared.as_ref()
    }

    /// All readings in it.
    pub(crate) fn readings(&self) -> Vec<&Reading> {
        self.sides().flat_map(Formula::readings).collect()
    }

    /// Its value where it reads no series: a formula over the settings of a cell. `None` for readings,
    /// comparisons and axes that the cell lacks.
    pub(crate) fn constant(&self, cell: &Cell) -> Option<f64> {
        if self.is_outcome() { None } else { self.formula.constant(cell) }
    }

    /// The names of axes in it.
    pub(crate) fn axes(&self) -> Vec<&str> {
        self.sides().flat_map(Formula::axes).collect()
    }

    fn sides(&self) -> impl Iterator<Item = &Formula> {
        [&self.formula].into_iter().chain(self.compared.as_ref().map(|(_, right)| right))
    }
}

impl std::str::FromStr for Quantity {
    type Err = FormulaError;

    fn from_str(text: &str) -> Result<Self, FormulaError> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Quantity {
    type Error = FormulaError;

    fn try_from(text: String) -> Result<Self, FormulaError> {
        let (formula, compared) = parse(&text)?;
        Ok(Self { text, formula, compared })
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.text
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
