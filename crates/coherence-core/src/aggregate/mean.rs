//! The mean: the rule of plain stochastic gradient descent.

use num_traits::Float;

use super::order::{is_ordered, mean_within};
use super::{AggregateError, CoordinateRule, Requirements};
use crate::number::wide;

/// The arithmetic mean, (1/n) Σ x_i.
///
/// - Domain: any n ≥ 1; n = 0 gives NaN. With both infinities among the values the result is NaN.
/// - The sum runs in `f64` in the order given; a sum beyond `f64`'s range is taken again, scaled by 1/n.
/// - The result lies within the values' range: n copies of x give x itself.
/// - Breakdown: none. One bad value decides the result.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CoordinateRule, Mean};
///
/// assert_eq!(Mean.aggregate(&mut [1.0, 2.0, 6.0]), 3.0);
/// assert_eq!(Mean.aggregate(&mut [f64::MAX, f64::MAX]), f64::MAX);
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

impl CoordinateRule for Mean {
    fn aggregate<T: Float>(&self, values: &mut [T]) -> T {
        if !is_ordered(values) {
            return T::nan();
        }
        let (lo, hi) =
            values.iter().fold((values[0], values[0]), |(lo, hi), &x| (lo.min(x), hi.max(x)));
        mean_within(values.iter().map(|&x| wide(x)), values.len(), wide(lo), wide(hi))
    }
}
