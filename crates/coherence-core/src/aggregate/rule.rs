//! Any rule, chosen at run time.

use num_traits::Float;

use super::{
    AggregateError, AnyCoordinateRule, AnyVectorRule, Coordinatewise, Requirements, Rows, Scratch,
    ScratchLen, VectorRule,
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
/// use coherence_core::finite::Policy;
///
/// let rule: Rule = "winsorized:1".parse().unwrap();
/// let rows = Rows::matrix(&[3.0, 100.0, 1.0, 4.0, 2.0], 1).unwrap();
/// assert_eq!(rule.aggregate_to_vec(rows, Policy::Error).unwrap(), [3.0]);
/// assert_eq!("krum".parse::<Rule>().unwrap_err().to_string(), "malformed rule, expected krum:F");
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// A rule over single coordinates, so that vectors may come in blocks of coordinates.
    Coordinate(AnyCoordinateRule),
    /// A rule that needs the whole vectors.
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

    fn scratch_len(&self, n: usize, d: usize) -> ScratchLen {
        match self {
            Self::Coordinate(rule) => Coordinatewise(*rule).scratch_len(n, d),
            Self::Vector(rule) => rule.scratch_len(n, d),
        }
    }
}

impl<T: Float> VectorRule<T> for Rule {
    fn aggregate(
        &self,
        rows: Rows<'_, T>,
        policy: Policy,
        scratch: Scratch<'_>,
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        match self {
            Self::Coordinate(rule) => Coordinatewise(*rule).aggregate(rows, policy, scratch, out),
            Self::Vector(rule) => rule.aggregate(rows, policy, scratch, out),
        }
    }
}
