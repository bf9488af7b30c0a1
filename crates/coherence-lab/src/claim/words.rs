//! Claims in words, made from the data, so that text and test cannot differ.

use std::fmt;

use super::{Bound, Claim, Expect};

impl Claim {
    /// The condition in words.
    pub fn condition(&self) -> String {
        let each: Vec<String> =
            self.each.iter().map(|(axis, v)| format!("{axis} in {}", list(v))).collect();
        let each = match (each.is_empty(), self.pool) {
            (true, _) => String::new(),
            (false, true) => format!(", all together for {}", each.join(" and ")),
            (false, false) => format!(", for each {}", each.join(" and ")),
        };
        let share = if self.quantity.is_outcome() { "share of yes: " } else { "" };
        let bound = if self.bound == Bound::Ours { " (a bound of ours)" } else { "" };
        format!("{}{each}: {share}{}{bound}", self.quantity, self.expect)
    }
}

fn list(values: &[impl fmt::Display]) -> String {
    values.iter().map(|value| value.to_string()).collect::<Vec<_>>().join(", ")
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
