//! The winsorised mean, by count.

use num_traits::Float;

use super::coordinate::OverValues;
use super::order::{is_ordered, mean_within, sort};
use super::requirements::minority;
use super::{AggregateError, Mean, Median, Requirements};
use crate::number::wide;

/// The winsorised mean: the `clip` lowest and the `clip` highest values are clipped to their
/// neighbours, then the mean is taken.
///
/// With x_(1) ≤ … ≤ x_(n), lo = x_(clip+1) and hi = x_(n−clip):
/// (1/n) Σ min(max(x_i, lo), hi).
///
/// - Domain: n ≥ max(1, 2·`clip`). `clip` = 0 is the [`Mean`], 2·`clip` = n the [`Median`].
/// - The thresholds are exact; the clipped values are summed in ascending order in `f64`, so the
///   result is the same to the bit for every order of the values.
/// - Breakdown: tolerates `clip` Byzantine values (`clip` − 1 where it is the median); the result then lies in
///   the range of the others.
/// - Cost: O(n log n), one sort.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CoordinateRule, Winsorized};
/// use coherence_core::finite::Policy;
///
/// // 1 is raised to 2 and 100 lowered to 4: (2 + 2 + 3 + 4 + 4) / 5.
/// assert_eq!(Winsorized { clip: 1 }.aggregate(&mut [3.0, 100.0, 1.0, 4.0, 2.0], Policy::Error), Ok(3.0));
/// assert_eq!(Winsorized { clip: 0 }.aggregate(&mut [3.0, 100.0, 1.0, 4.0, 2.0], Policy::Error), Ok(22.0));
/// ```
///
/// Source: Zielinski et al. (2020), appendix B, parameter s (catalogue A18); the percentile form of
/// Chatterjee (2020) §3.1 is [`WinsorizedPercent`](super::WinsorizedPercent).
/// Deviation: the paper sums the clipped values; here their mean is taken.
///
/// Law: A18
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[doc(alias = "winsorised mean")]
#[doc(alias = "winsorization")]
#[doc(alias = "winsorized mean")]
#[doc(alias = "winsorised")]
#[doc(alias = "winsorisation")]
#[doc(alias = "Byzantine")]
pub struct Winsorized {
    /// How many values are clipped at either end.
    pub clip: usize,
}

impl Requirements for Winsorized {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_count("winsorized", "clip", n, self.clip.saturating_mul(2))
    }

    fn tolerates(&self, n: usize) -> usize {
        if self.check(n).is_ok() { self.clip.min(minority(n)) } else { 0 }
    }
}

impl OverValues for Winsorized {
    fn compute<T: Float>(&self, values: &mut [T]) -> T {
        let n = values.len();
        match self.clip {
            0 => Mean.compute(values),
            clip if 2 * clip == n => Median.compute(values),
            _ if !is_ordered(values) => T::nan(),
            clip => {
                sort(values);
                mean_of_clamped(values, wide(values[clip]), wide(values[n - 1 - clip]))
            }
        }
    }
}

/// The mean of `values` clipped to [lo, hi], in their order.
pub(super) fn mean_of_clamped<T: Float>(values: &[T], lo: f64, hi: f64) -> T {
    mean_within(values.iter().map(|&x| wide(x).clamp(lo, hi)), values.len(), lo, hi)
}
