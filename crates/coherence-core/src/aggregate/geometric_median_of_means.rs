//! The geometric median of group means.

use num_traits::Float;

use super::distances::check;
use super::median_of_means::{group_count, group_start};
use super::order::mean;
use super::{AggregateError, GeometricMedian, Rows, VectorRule};
use crate::number::wide;

/// The median of means, geometric: the vectors are cut into groups, and the [`GeometricMedian`] of the
/// groups' means is taken.
///
/// Group j of k holds the vectors ⌊jn/k⌋ to ⌊(j+1)n/k⌋ − 1, in the order given.
///
/// - `groups` is taken within 1 … n; n = 0: [`AggregateError::TooFew`].
/// - Breakdown: bears ⌊(k−1)/2⌋ bad vectors, with the geometric median's bound for k means.
/// - `Policy::Propagate`: NaN in every coordinate if any value is NaN or ±∞.
/// - Cost: O(nd) for the means, O(kd) an iteration; scratch kd more than the geometric median of k.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{GeometricMedianOfMeans, Rows, VectorRule};
///
/// let x = [0.0, 1.0, /**/ 2.0, 1.0, /**/ 1.0, 0.0, /**/ 1.0, 2.0, /**/ 1.0, 9e9, /**/ 1.0, 1.0];
/// let rule = GeometricMedianOfMeans::new(3);
/// let (mut scratch, mut out) = (vec![0.0; rule.scratch_len(6, 2)], [0.0; 2]);
/// rule.aggregate(Rows::matrix(&x, 2).unwrap(), &mut scratch, &mut out).unwrap();
/// assert_eq!(out, [1.0, 1.0]);
/// ```
///
/// Source: Minsker (2015); Zielinski et al. (2020) §3.2 (catalogue A19).
///
/// Law: A19
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeometricMedianOfMeans {
    /// k, the number of groups.
    pub groups: usize,
    /// How the median of the means is found.
    pub median: GeometricMedian,
}

impl GeometricMedianOfMeans {
    /// k groups, and the geometric median's default tolerance.
    pub fn new(groups: usize) -> Self {
        Self { groups, median: GeometricMedian::default() }
    }
}

impl VectorRule for GeometricMedianOfMeans {
    fn work_len(&self, n: usize, d: usize) -> usize {
        let k = group_count(self.groups, n);
        k.saturating_mul(d).saturating_add(d).saturating_add(self.median.work_len(k, d))
    }

    fn tolerates(&self, n: usize) -> usize {
        self.median.tolerates(group_count(self.groups, n))
    }

    fn omitting(&self, _omitted: usize) -> Self {
        *self
    }

    fn aggregate<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: &mut [f64],
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        let (n, d) = (rows.len(), rows.dim());
        let k = group_count(self.groups, n);
        AggregateError::check_count("geometric median of means", n, 1)?;
        check(rows, scratch, self.work_len(n, d), out)?;
        if d == 0 {
            return Ok(());
        }
        let (means, rest) = scratch.split_at_mut(k * d);
        let (middle, work) = rest.split_at_mut(d);
        for (g, group) in means.chunks_exact_mut(d).enumerate() {
            let (from, to) = (group_start(g, k, n), group_start(g + 1, k, n));
            for (j, slot) in group.iter_mut().enumerate() {
                *slot = mean((from..to).map(|i| wide(rows.row(i)[j])), to - from);
            }
        }
        self.median.aggregate(Rows::matrix(means, d)?, work, middle)?;
        super::weiszfeld::write(middle, out);
        Ok(())
    }
}
