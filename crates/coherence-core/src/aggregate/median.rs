//! The median, for odd and even numbers of values.

use num_traits::Float;

use super::coordinate::OverValues;
use super::order::{is_ordered, mean_within, total};
use super::requirements::minority;
use super::{AggregateError, Requirements};
use crate::number::wide;

/// The coordinate-wise median.
///
/// With x_(1) ≤ … ≤ x_(n): x_((n+1)/2) for odd n, (x_(n/2) + x_(n/2+1))/2 for even n.
///
/// - Domain: any n ≥ 1. Even n with −∞ and +∞ in the middle gives NaN.
/// - Odd n: exact, one of the values bit for bit. Even n: the mean in `f64`, which cannot overflow.
/// - Breakdown: tolerates ⌊(n−1)/2⌋ Byzantine values; the result then lies in the range of the others.
/// - Cost: selection, O(n) in the worst case.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CoordinateRule, Median};
/// use coherence_core::finite::Policy;
///
/// assert_eq!(Median.aggregate(&mut [9.0, 1.0, 2.0], Policy::Error), Ok(2.0));
/// assert_eq!(Median.aggregate(&mut [9.0, 1.0, 2.0, 4.0], Policy::Error), Ok(3.0));
/// assert_eq!(Median.aggregate(&mut [1.0, f64::INFINITY, 2.0], Policy::Propagate), Ok(2.0));
/// ```
///
/// Source: the limit c = 50 of the winsorised mean, Chatterjee and Zielinski (2022) §7
/// (catalogue A18); Yin et al. (2018), *Byzantine-Robust Distributed Learning*, for the rule in
/// federated training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[doc(alias = "coordinate-wise median")]
#[doc(alias = "CWMed")]
#[doc(alias = "Byzantine")]
pub struct Median;

impl Requirements for Median {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_any("median", n)
    }

    fn tolerates(&self, n: usize) -> usize {
        minority(n)
    }
}

impl OverValues for Median {
    fn compute<T: Float>(&self, values: &mut [T]) -> T {
        if !is_ordered(values) {
            return T::nan();
        }
        let n = values.len();
        let (below, &mut upper, _) = values.select_nth_unstable_by(n / 2, total);
        if n % 2 == 1 {
            return upper;
        }
        let lower = wide(below.iter().copied().max_by(total).unwrap_or(upper));
        mean_within([lower, wide(upper)].into_iter(), 2, lower, wide(upper))
    }
}
