//! The median of group means.

use num_traits::Float;

use super::{CoordinateRule, Mean, Median};

/// The median of means, coordinate-wise: the values are cut into groups, and the median of the
/// groups' means is taken.
///
/// Group j of k holds the values ⌊jn/k⌋ to ⌊(j+1)n/k⌋ − 1, in the order given.
///
/// - `groups` is taken within 1 … n: one group is the [`Mean`], n groups are the [`Median`]. n = 0 gives NaN.
/// - Three groups are M3 of one mini-batch; [`OverTime::M3`](super::OverTime) is M3 of three mini-batches.
/// - Breakdown: bears ⌊(k−1)/2⌋ bad values, each of which spoils a group; the result then lies in the
///   range of the others. Unlike the other rules it depends on which values share a group.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CoordinateRule, MedianOfMeans};
///
/// // The means of (1, 3), (2, 4), (90, 10) are 2, 3 and 50.
/// assert_eq!(MedianOfMeans { groups: 3 }.aggregate(&mut [1.0, 3.0, 2.0, 4.0, 90.0, 10.0]), 3.0);
/// ```
///
/// Source: Zielinski et al. (2020) §3.2; Chatterjee and Zielinski (2022) §7 (catalogue A19).
/// Deviation: where k does not divide n the groups differ by one; the papers need equal groups.
///
/// Law: A19
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MedianOfMeans {
    /// k, the number of groups.
    pub groups: usize,
}

impl CoordinateRule for MedianOfMeans {
    fn aggregate<T: Float>(&self, values: &mut [T]) -> T {
        let n = values.len();
        let k = group_count(self.groups, n);
        for j in 0..k {
            // Group j begins at j or later, so that only groups already averaged are overwritten.
            values[j] = Mean.aggregate(&mut values[group_start(j, k, n)..group_start(j + 1, k, n)]);
        }
        Median.aggregate(&mut values[..k])
    }

    fn tolerates(&self, n: usize) -> usize {
        Median.tolerates(group_count(self.groups, n))
    }
}

/// `groups`, within 1 … n (0 if n is 0).
pub(super) fn group_count(groups: usize, n: usize) -> usize {
    groups.max(1).min(n)
}

/// Where group `j` of `k` begins, ⌊jn/k⌋, with no product that could overflow.
pub(super) fn group_start(j: usize, k: usize, n: usize) -> usize {
    j * (n / k) + j * (n % k) / k
}
