//! The trimmed mean, by count.

use num_traits::Float;

use super::coordinate::OverValues;
use super::order::{is_ordered, mean_within, sort};
use super::{AggregateError, Mean, Requirements};
use crate::number::wide;

/// The trimmed mean: the `trim` lowest and the `trim` highest values are left out.
///
/// With x_(1) ≤ … ≤ x_(n): (1/(n − 2·trim)) Σ_{i = trim+1 … n−trim} x_(i).
///
/// - Domain: n ≥ 2·`trim` + 1. `trim` = 0 is the [`Mean`]; n = 2·`trim` + 1 the median.
/// - The values kept are summed in ascending order in `f64`: the same to the bit for every order.
/// - Breakdown: tolerates `trim` Byzantine values; the result then lies in
///   the range of the others.
/// - Cost: O(n log n), one sort.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CoordinateRule, Trimmed};
/// use coherence_core::finite::Policy;
///
/// assert_eq!(Trimmed { trim: 1 }.aggregate(&mut [3.0, 100.0, 1.0, 5.0, 4.0], Policy::Error), Ok(4.0));
/// ```
///
/// Source: Yin et al. (2018), definition 2, where β = trim/n.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[doc(alias = "coordinate-wise trimmed mean")]
#[doc(alias = "trimmed mean")]
#[doc(alias = "CWTM")]
#[doc(alias = "Byzantine")]
pub struct Trimmed {
    /// How many values are left out at either end.
    pub trim: usize,
}

impl Requirements for Trimmed {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_count(
            "trimmed",
            "trim",
            n,
            self.trim.saturating_mul(2).saturating_add(1),
        )
    }

    fn tolerates(&self, n: usize) -> usize {
        if self.check(n).is_ok() { self.trim } else { 0 }
    }
}

impl OverValues for Trimmed {
    fn compute<T: Float>(&self, values: &mut [T]) -> T {
        let n = values.len();
        match self.trim {
            0 => Mean.compute(values),
            _ if !is_ordered(values) => T::nan(),
            trim => {
                sort(values);
                mean_of_sorted(&values[trim..n - trim])
            }
        }
    }
}

/// The mean of ascending `values` `[n]`, n ≥ 1.
pub(super) fn mean_of_sorted<T: Float>(values: &[T]) -> T {
    let n = values.len();
    mean_within(values.iter().map(|&x| wide(x)), n, wide(values[0]), wide(values[n - 1]))
}
