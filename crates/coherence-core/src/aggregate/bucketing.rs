//! Bucketing: means of a few vectors each.

use num_traits::Float;

use super::mixing::{Mixing, check_mixing};
use super::scaled::mean_of_rows;
use super::{AggregateError, ParameterError, Rows, Scratch, ScratchLen};

/// Bucketing: the vectors are dealt into buckets of one size, in the order given, and each bucket becomes its mean.
///
/// Bucket b holds the vectors order\[b·size\] to order\[(b+1)·size − 1\]; the last may hold fewer.
///
/// - The caller brings the permutation, freshly drawn for each call: core holds no randomness.
/// - f Byzantine vectors spoil at most f of the ⌈n/size⌉ buckets: the rule that follows must tolerate f of
///   these.
/// - Cost: O(nd), and O(n²) comparisons that check the permutation; no scratch.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{Bucketing, Mixing, Rows, Scratch};
///
/// let rows = Rows::matrix(&[1.0, 2.0, 3.0, 5.0, 7.0], 1).unwrap();
/// let bucketing = Bucketing::new(2, &[4, 0, 3, 2, 1]).unwrap();
/// let mut means = [0.0; 3];
/// bucketing.mix(rows, Scratch { values: &mut [], indices: &mut [] }, &mut means).unwrap();
/// assert_eq!(means, [4.0, 4.0, 2.0]);
/// ```
///
/// Source: Karimireddy, He and Jaggi (2022), *Byzantine-Robust Learning on Heterogeneous Datasets via
/// Bucketing*, algorithm 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "s-resampling")]
#[doc(alias = "resampling")]
#[doc(alias = "Byzantine")]
pub struct Bucketing<'a> {
    size: usize,
    order: &'a [usize],
}

impl<'a> Bucketing<'a> {
    /// Buckets of `size` vectors, dealt in the `order` `[n]`. Checking it takes O(n²) comparisons and no memory.
    ///
    /// # Errors
    ///
    /// [`ParameterError`] if the size is 0 or the order is not a permutation of 0 … n−1.
    pub fn new(size: usize, order: &'a [usize]) -> Result<Self, ParameterError> {
        if size == 0 {
            return Err(ParameterError::EmptyBucket);
        }
        let n = order.len();
        match (0..n).find(|i| !order.contains(i)) {
            Some(missing) => Err(ParameterError::Order { n, missing }),
            None => Ok(Self { size, order }),
        }
    }

    /// The number of vectors in a bucket.
    pub fn size(&self) -> usize {
        self.size
    }

    /// The permutation `[n]` in which they are dealt.
    pub fn order(&self) -> &'a [usize] {
        self.order
    }
}

impl Mixing for Bucketing<'_> {
    fn rows_out(&self, n: usize) -> usize {
        n.div_ceil(self.size)
    }

    fn scratch_len(&self, _n: usize) -> ScratchLen {
        ScratchLen::default()
    }

    fn mix<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: Scratch<'_>,
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        check_mixing(self, rows, &scratch, out)?;
        AggregateError::check_length("order", self.order.len(), rows.len())?;
        let buckets = self.order.chunks(self.size);
        for (slot, bucket) in out.chunks_exact_mut(rows.dim().max(1)).zip(buckets) {
            mean_of_rows(rows, bucket, slot);
        }
        Ok(())
    }
}
