//! Claims as data: a quantity measured from the records and what is expected of it.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::cell::{Axis, Cell, Setting};
use crate::id::Id;
use crate::scale::Scale;

mod judge;
mod measure;
mod words;

pub use judge::judge;

/// What a paper claims, in a form that measured values can satisfy or violate.
///
/// ```
/// use coherence_lab::claim::{Claim, Expect};
/// let claim: Claim = toml::from_str(
///     r#"
///     id = "fits"
///     statement = "Training reaches 100 % accuracy"
///     source = "CG20 §2.3"
///     each = { noise = [0, 50] }
///     quantity = { value = { series = "train.accuracy", at = "max" } }
///     expect = { at_least = 0.999 }
///     "#,
/// )
/// .unwrap();
/// assert_eq!(claim.expect, Expect::AtLeast(0.999));
/// assert_eq!(claim.condition(), "largest train.accuracy, for each noise in 0, 50: at least 0.999");
/// ```
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Name within the experiment.
    pub id: Id,
    /// The claim in words.
    pub statement: String,
    /// Where the paper makes it.
    pub source: String,
    /// The scales at which it can be tested fairly; absent is all.
    pub scales: Option<Vec<Scale>>,
    /// Why it does not apply at the others.
    pub otherwise: Option<String>,
    /// The claim must hold in each of these cells; the cell of a reading overrides their settings.
    #[serde(default)]
    pub each: BTreeMap<String, Vec<Setting>>,
    /// What is measured, for every seed by itself.
    pub quantity: Quantity,
    /// What it must be.
    pub expect: Expect,
}

/// A number that can be measured from the rows of one seed.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Quantity {
    /// A reading of a series.
    Value(Reading),
    /// First minus second.
    Difference(Box<[Quantity; 2]>),
    /// First over second.
    Ratio(Box<[Quantity; 2]>),
}

/// One number out of a series.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Series of the record, for example `test.accuracy`.
    pub series: String,
    /// Where.
    pub at: At,
    /// Only steps from this one on, to leave out the transient of the first few; 0 is all.
    #[serde(default)]
    pub from: u64,
    /// Settings of the cell to read from, where they are not those of `each`.
    #[serde(default)]
    pub cell: BTreeMap<String, Setting>,
}

/// Where in a series to read.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum At {
    /// The value at the first step.
    Start,
    /// The value at the last step.
    End,
    /// The largest value.
    Max,
    /// The smallest value.
    Min,
    /// The value at this step, which must have been recorded.
    Step(u64),
    /// The time in STEPS at which the value rises to this level: where the straight line from the
    /// last measurement below it to the first at or above it crosses the level.
    ///
    /// A measurement exactly at the level gives its own step, and so does the first measurement if it
    /// is at or above the level.
    /// Between 40 steps (0.3) and 50 steps (0.6) the level 0.5 is reached after 46.67.
    Reaches(f64),
    /// The time in STEPS at which the value falls to this level, by the same line.
    FallsTo(f64),
    /// The first STEP at which the largest value was measured.
    StepOfMax,
}

/// What is expected of a quantity. The whole 95 % interval over the seeds must satisfy it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
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
    /// Whether the claim is tested at a scale.
    pub fn applies_at(&self, scale: Scale) -> bool {
        self.scales.as_ref().is_none_or(|scales| scales.contains(&scale))
    }

    /// The cells of `each`.
    pub(crate) fn cells(&self) -> Vec<Cell> {
        let axis = |(name, values): (&String, &Vec<Setting>)| Axis {
            name: name.clone(),
            values: values.clone(),
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

impl Quantity {
    /// All readings in it.
    pub(crate) fn readings(&self) -> Vec<&Reading> {
        match self {
            Self::Value(reading) => vec![reading],
            Self::Difference(pair) | Self::Ratio(pair) => {
                pair.iter().flat_map(Self::readings).collect()
            }
        }
    }
}
