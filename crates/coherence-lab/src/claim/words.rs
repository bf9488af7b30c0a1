//! Claims in words, made from the data, so that text and test cannot differ.

use std::fmt;

use super::{At, Claim, Expect, Quantity, Reading};
use crate::cell::Cell;

impl Claim {
    /// The condition in words.
    pub fn condition(&self) -> String {
        let each: Vec<String> =
            self.each.iter().map(|(axis, v)| format!("{axis} in {}", list(v))).collect();
        let each = if each.is_empty() {
            String::new()
        } else {
            format!(", for each {}", each.join(" and "))
        };
        format!("{}{each}: {}", self.quantity, self.expect)
    }
}

fn list(values: &[impl fmt::Display]) -> String {
    values.iter().map(|value| value.to_string()).collect::<Vec<_>>().join(", ")
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(reading) => reading.fmt(f),
            Self::Difference(pair) => write!(f, "({}) - ({})", pair[0], pair[1]),
            Self::Ratio(pair) => write!(f, "({}) / ({})", pair[0], pair[1]),
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let series = &self.series;
        match self.at {
            At::Start => write!(f, "first {series}"),
            At::End => write!(f, "final {series}"),
            At::Max => write!(f, "largest {series}"),
            At::Min => write!(f, "smallest {series}"),
            At::Step(step) => write!(f, "{series} at step {step}"),
            At::Reaches(level) => write!(f, "steps until {series} reaches {level}"),
            At::FallsTo(level) => write!(f, "steps until {series} falls to {level}"),
            At::StepOfMax => write!(f, "step of the largest {series}"),
        }?;
        if self.from > 0 {
            write!(f, " from step {} on", self.from)?;
        }
        if self.cell.is_empty() {
            return Ok(());
        }
        let pairs = self.cell.iter().map(|(axis, value)| (axis.as_str(), value.clone()));
        write!(f, " of {}", Cell::new(pairs))
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "at least {bound}"),
            Self::AtMost(bound) => write!(f, "at most {bound}"),
            Self::Between([low, high]) => write!(f, "between {low} and {high}"),
            Self::Equals { value, tolerance } => write!(f, "{value} within {tolerance:e}"),
            Self::RisesAlong(axis) => write!(f, "rises along {axis}"),
            Self::FallsAlong(axis) => write!(f, "falls along {axis}"),
        }
    }
}
