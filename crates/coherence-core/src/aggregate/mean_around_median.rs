//! The mean around the median (MeaMed).

use num_traits::Float;

use super::order::{is_ordered, sort};
use super::trimmed::mean_of_sorted;
use super::{CoordinateRule, Median};
use crate::number::wide;

/// The mean around the median: the mean of the n − f values closest to the median.
///
/// - f = 0 is the mean. f is taken within 0 … n−1; for f = n−1 it is the value closest to the median.
///   n = 0 gives NaN.
/// - Of a low and a high value that are as close, the low one is kept.
/// - Breakdown: bears f bad values while 2f < n. With the others in [a, b], the result lies in
///   [a − (b−a), b + (b−a)]: a bad value is kept only in place of an honest one that is farther away.
/// - Cost: O(n log n), one sort; the values kept are a run of the sorted ones.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CoordinateRule, MeanAroundMedian};
///
/// assert_eq!(MeanAroundMedian { f: 1 }.aggregate(&mut [1.0, 4.0, 100.0, 2.0]), 7.0 / 3.0);
/// ```
///
/// Source: Xie et al. (2018), *Generalized Byzantine-tolerant SGD*, definition 6 (MeaMed).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct MeanAroundMedian {
    /// The number of values left out: the bad ones to be borne.
    pub f: usize,
}

impl CoordinateRule for MeanAroundMedian {
    fn aggregate<T: Float>(&self, values: &mut [T]) -> T {
        if !is_ordered(values) {
            return T::nan();
        }
        let median = wide(Median.aggregate(values));
        sort(values);
        let mut kept = &*values;
        for _ in 0..self.f.min(values.len() - 1) {
            let below = median - wide(kept[0]);
            let above = wide(kept[kept.len() - 1]) - median;
            kept = if below > above { &kept[1..] } else { &kept[..kept.len() - 1] };
        }
        mean_of_sorted(kept)
    }

    fn tolerates(&self, n: usize) -> usize {
        self.f.min(Median.tolerates(n))
    }
}
