//! Formulas: what a claim measures, as one line of text.
//!
//! ```text
//! comparison := sum [("<" | ">") sum]
//! sum        := product (("+" | "-") product)*
//! product    := factor (("*" | "/") factor)*
//! factor     := number | "-" factor | "(" sum ")" | reading | axis
//! reading    := place "(" curve ["," number or axis] ["," "from" step] ("," axis "=" value)* ")"
//! place      := "start" | "end" | "max" | "min" | "step_of_max"           without a number
//!             | "at" | "sum" | "reaches" | "falls_to"                     with one
//! curve      := a sum of series, taken step by step where all of them were measured
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::cell::{Cell, Setting};

mod parse;

pub(super) use parse::parse;
pub(crate) use parse::parse_curve;
pub use parse::{Comparison, FormulaError};

/// A formula over the readings and the settings of a cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Formula {
    /// A number.
    Number(f64),
    /// The value of an axis in the cell; within a reading the name of a series.
    Name(Box<str>),
    /// One number out of a curve.
    Reading(Box<Reading>),
    /// Two formulas and what is between them.
    Operation(Box<[Formula; 2]>, Operator),
}

/// What is between two formulas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// a + b
    Plus,
    /// a − b
    Minus,
    /// a · b
    Times,
    /// a / b
    Over,
}

/// One number out of a curve.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Where.
    pub place: Place,
    /// The curve: a formula whose names are series.
    pub curve: Formula,
    /// Step or level, where the place has one: a number or the name of an axis.
    pub argument: Option<Formula>,
    /// Only steps from this one on, to leave out the transient of the first few; 0 is all.
    pub from: u64,
    /// Settings of the cell to read from, where they are not those of `each`.
    pub cell: BTreeMap<String, Setting>,
}

/// Where on a curve to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// The value at the first step.
    Start,
    /// The value at the last step.
    End,
    /// The largest value.
    Max,
    /// The smallest value.
    Min,
    /// The first STEP at which the largest value was measured.
    StepOfMax,
    /// The value at a step, which must have been measured.
    At,
    /// The sum of all values that were measured up to a step and at it.
    Sum,
    /// The time in STEPS at which the value rises to a level: where the straight line from the last
    /// measurement below it to the first at or above it crosses the level.
    ///
    /// A measurement exactly at the level gives its own step, and so does the first measurement if it
    /// is at or above the level. Between 40 steps (0.3) and 50 steps (0.6) the level 0.5 is reached
    /// after 46.67. A level that is not reached gives a censored time: above the last step.
    Reaches,
    /// The time in STEPS at which the value falls to a level, by the same line.
    FallsTo,
}

impl Place {
    /// Every place with its name.
    pub const NAMES: [(&'static str, Self); 9] = [
        ("start", Self::Start),
        ("end", Self::End),
        ("max", Self::Max),
        ("min", Self::Min),
        ("step_of_max", Self::StepOfMax),
        ("at", Self::At),
        ("sum", Self::Sum),
        ("reaches", Self::Reaches),
        ("falls_to", Self::FallsTo),
    ];

    /// Whether it needs a step or a level.
    pub fn has_argument(self) -> bool {
        matches!(self, Self::At | Self::Sum | Self::Reaches | Self::FallsTo)
    }

    /// Its name in a formula.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, place)| *place == self).map_or("", |(name, _)| name)
    }
}

impl Formula {
    /// All readings in it.
    pub(crate) fn readings(&self) -> Vec<&Reading> {
        match self {
            Self::Number(_) | Self::Name(_) => Vec::new(),
            Self::Reading(reading) => vec![reading],
            Self::Operation(sides, _) => sides.iter().flat_map(Self::readings).collect(),
        }
    }

    /// Its value in a cell, if it reads no series.
    pub(super) fn constant(&self, cell: &Cell) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Name(axis) => match cell.get(axis)? {
                Setting::Number(number) => Some(*number),
                Setting::Text(_) => None,
            },
            Self::Reading(_) => None,
            Self::Operation(sides, operator) => {
                Some(operator.apply(sides[0].constant(cell)?, sides[1].constant(cell)?))
            }
        }
    }

    /// The names outside of readings and in their arguments: axes of the cell.
    pub(crate) fn axes(&self) -> Vec<&str> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Name(name) => vec![name],
            Self::Reading(reading) => reading.argument.iter().flat_map(Self::axes).collect(),
            Self::Operation(sides, _) => sides.iter().flat_map(Self::axes).collect(),
        }
    }
}

impl Reading {
    /// The series of the curve.
    pub(crate) fn series(&self) -> Vec<&str> {
        self.curve.axes()
    }
}
