//! Any rule, chosen at run time.

use num_traits::Float;

use super::{
    AggregateError, AnyCoordinateRule, AnyVectorRule, Coordinatewise, Requirements, Rows,
    VectorRule,
};
use crate::finite::Policy;

/// Any rule, chosen at run time, from text for instance.
///
/// [`Rule::FORMS`] lists the texts; `Display` writes what `FromStr` reads.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{Rows, Rule, VectorRule};
///
/// let rule: Rule = "winsorized:1".parse().unwrap();
/// let rows = Rows::matrix(&[3.0, 100.0, 1.0, 4.0, 2.0], 1).unwrap();
/// let (mut scratch, mut out) = (vec![0.0; rule.scratch_len(5, 1)], [0.0]);
/// rule.aggregate(rows, &mut scratch, &mut out).unwrap();
/// assert_eq!(out, [3.0]);
/// assert_eq!("krum".parse::<Rule>().unwrap_err().to_string(), "malformed rule, expected krum:F");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// One that looks at each coordinate apart, so that vectors may come in blocks of coordinates.
    Coordinate(AnyCoordinateRule),
    /// One that needs the whole vectors.
    Vector(AnyVectorRule),
}

impl Requirements for Rule {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        match self {
            Self::Coordinate(rule) => rule.check(n),
            Self::Vector(rule) => rule.check(n),
        }
    }

    fn tolerates(&self, n: usize) -> usize {
        match self {
            Self::Coordinate(rule) => rule.tolerates(n),
            Self::Vector(rule) => rule.tolerates(n),
        }
    }
}

impl VectorRule for Rule {
    fn work_len(&self, n: usize, d: usize) -> usize {
        match self {
            Self::Coordinate(rule) => Coordinatewise(*rule).work_len(n, d),
            Self::Vector(rule) => rule.work_len(n, d),
        }
    }

    fn scratch_len(&self, n: usize, d: usize) -> usize {
        match self {
            Self::Coordinate(rule) => Coordinatewise(*rule).scratch_len(n, d),
            Self::Vector(rule) => rule.scratch_len(n, d),
        }
    }

    fn omitting(&self, omitted: usize) -> Self {
        match self {
            Self::Coordinate(rule) => Self::Coordinate(*rule),
            Self::Vector(rule) => Self::Vector(rule.omitting(omitted)),
        }
    }

    fn aggregate<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: &mut [f64],
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        self.aggregate_with(rows, Policy::Propagate, scratch, out)
    }

    fn aggregate_with<T: Float>(
        &self,
        rows: Rows<'_, T>,
        policy: Policy,
        scratch: &mut [f64],
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        match self {
            Self::Coordinate(rule) => {
                Coordinatewise(*rule).aggregate_with(rows, policy, scratch, out)
            }
            Self::Vector(rule) => rule.aggregate_with(rows, policy, scratch, out),
        }
    }
}
