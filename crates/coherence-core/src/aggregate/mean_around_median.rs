//! The mean around the median (MeaMed).

use num_traits::Float;

use super::coordinate::OverValues;
use super::order::{is_ordered, sort};
use super::trimmed::mean_of_sorted;
use super::{AggregateError, Median, Requirements};
use crate::number::wide;

/// The mean around the median: the mean of the n − f values closest to the median.
///
/// - Domain: n ≥ 2f + 1. f = 0 is the mean.
/// - If a low and a high value are equally close, the low one is kept.
/// - Breakdown: tolerates f Byzantine values. With the others in [a, b], the result lies in
///   [a − (b−a), b + (b−a)]: a Byzantine value is kept only in place of an honest one that is farther away.
/// - Cost: O(n log n), one sort; the values kept are a run of the sorted ones.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CoordinateRule, MeanAroundMedian};
/// use coherence_core::finite::Policy;
///
/// assert_eq!(MeanAroundMedian { f: 1 }.aggregate(&mut [1.0, 4.0, 100.0, 2.0], Policy::Error), Ok(7.0 / 3.0));
/// ```
///
/// Source: Xie et al. (2018), *Generalized Byzantine-tolerant SGD*, definition 6 (MeaMed).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[doc(alias = "MeaMed")]
#[doc(alias = "mean around the median")]
#[doc(alias = "Byzantine")]
pub struct MeanAroundMedian {
    /// f, the number of values left out.
    pub f: usize,
}

impl Requirements for MeanAroundMedian {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_count(
            "mean-around-median",
            "f",
            n,
            self.f.saturating_mul(2).saturating_add(1),
        )
    }

    fn tolerates(&self, n: usize) -> usize {
        if self.check(n).is_ok() { self.f } else { 0 }
    }
}

impl OverValues for MeanAroundMedian {
    fn compute<T: Float>(&self, values: &mut [T]) -> T {
        mean_around_median(values, self.f)
    }
}

/// The mean of the n − f of `values` `[n]` that are closest to their median, n > f.
pub(super) fn mean_around_median<T: Float>(values: &mut [T], f: usize) -> T {
    if !is_ordered(values) {
        return T::nan();
    }
    let median = wide(Median.compute(values));
    sort(values);
    let mut kept = &*values;
    for _ in 0..f {
        let below = median - wide(kept[0]);
        let above = wide(kept[kept.len() - 1]) - median;
        kept = if below > above { &kept[1..] } else { &kept[..kept.len() - 1] };
    }
    mean_of_sorted(kept)
}
