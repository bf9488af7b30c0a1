//! Claims as data: a quantity measured from the records and what is expected of it.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::cell::{Axis, Cell, Setting};
use crate::id::Id;
use crate::scale::Scale;

mod evidence;
pub mod formula;
mod judge;
mod measure;
mod quantity;
mod read;
mod timing;
mod value;
mod words;

pub use judge::judge;
pub use quantity::Quantity;
pub use read::Read;
pub use timing::Timing;
pub use value::{Censored, Value};

/// What a paper claims, in a form that measured values can satisfy or violate.
///
/// ```
/// use coherence_lab::claim::{Claim, Expect};
/// let claim: Claim = toml::from_str(
///     r#"
///     id = "fits"
///     written = "2026-11-26"
///     statement = "Training ends at 100 % accuracy"
///     quote = "at the end of training, we achieve 100% training accuracy"
///     source = "CG20 §2.3"
///     each = { noise = [0, 50] }
///     quantity = "end(train.accuracy)"
///     expect = { at_least = 0.9995 }
///     "#,
/// )
/// .unwrap();
/// assert_eq!(claim.expect, Expect::AtLeast(0.9995));
/// assert_eq!(claim.condition(), "end(train.accuracy), for each noise in 0, 50: at least 0.9995");
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Name within the experiment.
    pub id: Id,
    /// The day on which the claim took its present form.
    pub written: Date,
    /// What was changed on that day, and why, if the claim had another form before.
    pub changed: Option<String>,
    /// The claim in our words.
    pub statement: String,
    /// The paper's words, verbatim.
    pub quote: Option<String>,
    /// Where the paper makes it.
    pub source: String,
    /// The scales at which it can be tested fairly; absent is all.
    pub scales: Option<Vec<Scale>>,
    /// Why it does not apply at the others.
    pub otherwise: Option<String>,
    /// The claim must hold in each of these cells; the cell of a reading overrides their settings.
    /// Values that the grid of a scale does not have are left out there. A name that is no axis of
    /// the grid stands for its values in the formula.
    #[serde(default)]
    pub each: BTreeMap<String, Vec<Setting>>,
    /// Whether the outcomes of all cells are counted together.
    #[serde(default)]
    pub pool: bool,
    /// What is measured, for every seed by itself.
    pub quantity: Quantity,
    /// What it must be; of an outcome its share of yes.
    pub expect: Expect,
    /// Whose the bound is.
    #[serde(default)]
    pub bound: Bound,
}

/// Whose number a bound is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// The paper's, or none but a sign or an order that the paper states.
    #[default]
    Paper,
    /// Ours: a claim that misses it is not shown, but it does not fail.
    Ours,
}

/// What is expected of a quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expect {
    /// value ≥ bound.
    AtLeast(f64),
    /// value ≤ bound.
    AtMost(f64),
    /// low ≤ value ≤ high.
    Between([f64; 2]),
    /// |value − expected| ≤ tolerance.
    Equals {
        /// The expected value.
        value: f64,
        /// How far the measured one may be from it.
        tolerance: f64,
    },
    /// From each value of this axis to the next, the quantity rises.
    RisesAlong(String),
    /// From each value of this axis to the next, the quantity falls.
    FallsAlong(String),
}

impl Claim {
    /// Most words of a quotation.
    pub const LONGEST_QUOTE: usize = 60;

    /// Whether the claim is tested at a scale.
    pub fn applies_at(&self, scale: Scale) -> bool {
        self.scales.as_ref().is_none_or(|scales| scales.contains(&scale))
    }

    /// The cells of `each` that a grid has.
    pub(crate) fn cells(&self, grid: &[Axis]) -> Vec<Cell> {
        let axis = |(name, values): (&String, &Vec<Setting>)| {
            let known = grid.iter().find(|axis| axis.name == *name);
            let has = |value: &&Setting| known.is_none_or(|axis| axis.values.contains(value));
            Axis { name: name.clone(), values: values.iter().filter(has).cloned().collect() }
        };
        Cell::product(&self.each.iter().map(axis).collect::<Vec<_>>())
    }

    /// The axis along which the quantity must rise or fall.
    pub(crate) fn along(&self) -> Option<&str> {
        match &self.expect {
            Expect::RisesAlong(axis) | Expect::FallsAlong(axis) => Some(axis),
            _ => None,
        }
    }
}
