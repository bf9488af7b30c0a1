//! The median of group means.

use num_traits::Float;

use super::coordinate::OverValues;
use super::requirements::minority;
use super::{AggregateError, Mean, Median, Requirements, check_groups, groups};

/// The median of means, coordinate-wise: the values are cut into groups, and the median of the
/// groups' means is taken.
///
/// The groups are those of [`groups`](fn@groups), in the order given.
///
/// - Domain: 1 ≤ k ≤ n. One group is the [`Mean`], n groups are the [`Median`].
/// - Three groups are M3 of one mini-batch; [`OverTime::M3`](super::OverTime) is M3 of three mini-batches.
/// - Breakdown: tolerates ⌊(k−1)/2⌋ Byzantine values, each of which spoils a group; the result then lies in the
///   range of the others. Unlike the other rules it depends on which values share a group.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CoordinateRule, MedianOfMeans};
/// use coherence_core::finite::Policy;
///
/// // The means of (1, 3), (2, 4), (90, 10) are 2, 3 and 50.
/// assert_eq!(MedianOfMeans { groups: 3 }.aggregate(&mut [1.0, 3.0, 2.0, 4.0, 90.0, 10.0], Policy::Error), Ok(3.0));
/// ```
///
/// Source: Zielinski et al. (2020) §3.2; Chatterjee and Zielinski (2022) §7 (catalogue A19).
/// Deviation: where k does not divide n the groups differ by one; the papers need equal groups.
///
/// Law: A19
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "MoM")]
#[doc(alias = "Byzantine")]
pub struct MedianOfMeans {
    /// k, the number of groups.
    pub groups: usize,
}

impl Requirements for MedianOfMeans {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        check_groups("median-of-means", n, self.groups)
    }

    fn tolerates(&self, n: usize) -> usize {
        if self.check(n).is_ok() { minority(self.groups) } else { 0 }
    }
}

impl OverValues for MedianOfMeans {
    fn compute<T: Float>(&self, values: &mut [T]) -> T {
        for (g, group) in groups(values.len(), self.groups).enumerate() {
            // Group g begins at g or later, so that only groups already averaged are overwritten.
            values[g] = Mean.compute(&mut values[group]);
        }
        Median.compute(&mut values[..self.groups])
    }
}
