//! The geometric median of group means.

use num_traits::Float;

use super::order::{mean, narrow};
use super::requirements::minority;
use super::vector::OverVectors;
use super::{
    AggregateError, GeometricMedian, Requirements, Rows, Scratch, ScratchLen, check_groups, groups,
};
use crate::number::wide;

/// The median of means, geometric: the vectors are cut into groups, and the [`GeometricMedian`] of the
/// groups' means is taken.
///
/// The groups are those of [`groups`](fn@groups), in the order given.
///
/// - Domain: 1 ≤ k ≤ n.
/// - Breakdown: tolerates ⌊(k−1)/2⌋ Byzantine vectors, with the geometric median's bound for k means.
/// - `Policy::Propagate`: NaN in every coordinate if any value is NaN or ±∞.
/// - Cost: O(nd) for the means, O(kd) an iteration; scratch kd more than the geometric median of k.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{GeometricMedianOfMeans, Rows, VectorRule};
/// use coherence_core::finite::Policy;
///
/// let x = [0.0, 1.0, /**/ 2.0, 1.0, /**/ 1.0, 0.0, /**/ 1.0, 2.0, /**/ 1.0, 9e9, /**/ 1.0, 1.0];
/// let rule = GeometricMedianOfMeans::new(3);
/// let out = rule.aggregate_to_vec(Rows::matrix(&x, 2).unwrap(), Policy::Error).unwrap();
/// assert_eq!(out, [1.0, 1.0]);
/// ```
///
/// Source: Minsker (2015); Zielinski et al. (2020) §3.2 (catalogue A19).
///
/// Law: A19
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "Byzantine")]
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
        check_groups("geometric-median-of-means", n, self.groups)?;
        self.median.check(self.groups)
    }

    fn tolerates(&self, n: usize) -> usize {
        if self.check(n).is_ok() { minority(self.groups) } else { 0 }
    }

    fn scratch_len(&self, n: usize, d: usize) -> ScratchLen {
        let k = self.groups.min(n); // where there are fewer vectors, the rule refuses them
        let values = k.saturating_mul(d).saturating_add(d);
        ScratchLen::new(values.saturating_add(self.median.scratch_len(k, d).values), n)
    }
}

impl OverVectors for GeometricMedianOfMeans {
    fn omitting(&self, _omitted: usize) -> Self {
        *self
    }

    fn compute<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: Scratch<'_>,
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        let (n, d, k) = (rows.len(), rows.dim(), self.groups);
        if d == 0 {
            return Ok(());
        }
        let (means, rest) = scratch.values.split_at_mut(k * d);
        let (middle, values) = rest.split_at_mut(d);
        for (group, slots) in groups(n, k).zip(means.chunks_exact_mut(d)) {
            for (j, slot) in slots.iter_mut().enumerate() {
                *slot = mean(group.clone().map(|i| wide(rows.row(i)[j])), group.len());
            }
        }
        let scratch = Scratch { values, indices: scratch.indices };
        self.median.compute(Rows::matrix(means, d)?, scratch, middle)?;
        out.iter_mut().zip(&*middle).for_each(|(slot, &value)| *slot = narrow(value));
        Ok(())
    }
}
