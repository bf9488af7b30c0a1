//! The mean: the rule of plain stochastic gradient descent.

use num_traits::Float;

use super::coordinate::OverValues;
use super::order::{is_ordered, mean_within};
use super::{AggregateError, Requirements};
use crate::number::wide;

/// The arithmetic mean, (1/n) Σ x_i.
///
/// - Domain: any n ≥ 1. With both infinities among the values the result is NaN.
/// - The sum runs in `f64` in the order given; a sum beyond `f64`'s range is taken again, scaled by 1/n.
/// - The result lies within the values' range: n copies of x give x itself.
/// - Breakdown: none. One Byzantine value decides the result.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CoordinateRule, Mean};
/// use coherence_core::finite::Policy;
///
/// assert_eq!(Mean.aggregate(&mut [1.0, 2.0, 6.0], Policy::Error), Ok(3.0));
/// assert_eq!(Mean.aggregate(&mut [f64::MAX, f64::MAX], Policy::Error), Ok(f64::MAX));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mean;

impl Requirements for Mean {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_any("mean", n)
    }

    fn tolerates(&self, _n: usize) -> usize {
        0
    }
}

impl OverValues for Mean {
    fn compute<T: Float>(&self, values: &mut [T]) -> T {
        if !is_ordered(values) {
            return T::nan();
        }
        let (lo, hi) =
            values.iter().fold((values[0], values[0]), |(lo, hi), &x| (lo.min(x), hi.max(x)));
        mean_within(values.iter().map(|&x| wide(x)), values.len(), wide(lo), wide(hi))
    }
}
