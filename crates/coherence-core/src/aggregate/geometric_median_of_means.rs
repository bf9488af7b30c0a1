//! The geometric median of group means.

use num_traits::Float;

use super::distances::check;
use super::order::mean;
use super::requirements::minority;
use super::{AggregateError, GeometricMedian, Requirements, Rows, VectorRule, groups};
use crate::number::wide;

/// The median of means, geometric: the vectors are cut into groups, and the [`GeometricMedian`] of the
/// groups' means is taken.
///
/// The groups are those of [`groups`](fn@groups), in the order given.
///
/// - Domain: 1 ≤ k ≤ n.
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

impl Requirements for GeometricMedianOfMeans {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_not_zero("geometric-median-of-means", "groups", self.groups)?;
        AggregateError::check_count("geometric-median-of-means", "groups", n, self.groups)
    }

    fn tolerates(&self, n: usize) -> usize {
        if self.check(n).is_ok() { minority(self.groups) } else { 0 }
    }
}

impl VectorRule for GeometricMedianOfMeans {
    fn work_len(&self, n: usize, d: usize) -> usize {
        let k = self.groups.min(n); // where there are fewer vectors, the rule refuses them
        k.saturating_mul(d).saturating_add(d).saturating_add(self.median.work_len(k, d))
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
        let (n, d, k) = (rows.len(), rows.dim(), self.groups);
        self.check(n)?;
        check(rows, scratch, self.work_len(n, d), out)?;
        if d == 0 {
            return Ok(());
        }
        let (means, rest) = scratch.split_at_mut(k * d);
        let (middle, work) = rest.split_at_mut(d);
        for (group, slots) in groups(n, k).zip(means.chunks_exact_mut(d)) {
            for (j, slot) in slots.iter_mut().enumerate() {
                *slot = mean(group.clone().map(|i| wide(rows.row(i)[j])), group.len());
            }
        }
        self.median.aggregate(Rows::matrix(means, d)?, work, middle)?;
        super::weiszfeld::write(middle, out);
        Ok(())
    }
}
