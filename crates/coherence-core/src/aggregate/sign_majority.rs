//! The majority of signs.

use num_traits::Float;

use super::coordinate::OverValues;
use super::requirements::minority;
use super::{AggregateError, Requirements};

/// The sign of most values: 1, −1, or 0 for a draw.
///
/// sign(Σ sign(x_i)); zeros of either sign abstain.
///
/// - Domain: any n ≥ 1. ±∞ count as their signs.
/// - Invariant under positive scales, and under any change of magnitudes.
/// - Breakdown: if all other values have one sign, ⌊(n−1)/2⌋ Byzantine values cannot turn it. The result is
///   bounded by 1 in any case.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CoordinateRule, SignMajority};
/// use coherence_core::finite::Policy;
///
/// assert_eq!(SignMajority.aggregate(&mut [0.1, 0.2, -1e30], Policy::Error), Ok(1.0));
/// assert_eq!(SignMajority.aggregate(&mut [3.0, 0.0, -5.0], Policy::Error), Ok(0.0));
/// ```
///
/// Source: Bernstein et al. (2019), *signSGD with Majority Vote*, algorithm 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[doc(alias = "signSGD")]
#[doc(alias = "majority vote")]
#[doc(alias = "Byzantine")]
pub struct SignMajority;

impl Requirements for SignMajority {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_any("sign-majority", n)
    }

    fn tolerates(&self, n: usize) -> usize {
        minority(n)
    }
}

impl OverValues for SignMajority {
    fn compute<T: Float>(&self, values: &mut [T]) -> T {
        if values.is_empty() || values.iter().any(|x| x.is_nan()) {
            return T::nan();
        }
        let positive = values.iter().filter(|x| **x > T::zero()).count();
        let negative = values.iter().filter(|x| **x < T::zero()).count();
        match positive.cmp(&negative) {
            core::cmp::Ordering::Greater => T::one(),
            core::cmp::Ordering::Equal => T::zero(),
            core::cmp::Ordering::Less => -T::one(),
        }
    }
}
