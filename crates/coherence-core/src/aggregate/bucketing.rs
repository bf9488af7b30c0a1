//! Bucketing: means of a few vectors each.

use num_traits::Float;

use super::distances::mean_of_rows;
use super::mixing::{Mixing, check_mixing};
use super::{AggregateError, Rows};

/// Bucketing: the vectors are dealt into buckets of `size`, in the order given, and each bucket becomes its mean.
///
/// Bucket b holds `order`\[b·size\] to `order`\[(b+1)·size − 1\]; the last may hold fewer.
///
/// - The caller brings the permutation, freshly drawn for each call: core holds no randomness.
/// - Domain: `size` ≥ 1 (0 is taken as 1), `order` a permutation of 0 … n−1.
/// - f bad vectors spoil at most f of the ⌈n/size⌉ buckets: the rule that follows must bear f of these.
/// - Cost: O(nd); scratch `size`.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{Bucketing, Mixing, Rows};
///
/// let rows = Rows::matrix(&[1.0, 2.0, 3.0, 5.0, 7.0], 1).unwrap();
/// let bucketing = Bucketing { size: 2, order: &[4, 0, 3, 2, 1] };
/// let mut means = [0.0; 3];
/// bucketing.mix(rows, &mut [0.0; 2], &mut means).unwrap();
/// assert_eq!(means, [4.0, 4.0, 2.0]);
/// ```
///
/// Source: Karimireddy, He and Jaggi (2022), *Byzantine-Robust Learning on Heterogeneous Datasets via
/// Bucketing*, algorithm 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bucketing<'a> {
    /// The number of vectors in a bucket.
    pub size: usize,
    /// The permutation `[n]` in which they are dealt.
    pub order: &'a [usize],
}

impl Mixing for Bucketing<'_> {
    fn rows_out(&self, n: usize) -> usize {
        n.div_ceil(self.size.max(1))
    }

    fn scratch_len(&self, _n: usize) -> usize {
        self.size.max(1)
    }

    /// # Panics
    ///
    /// If `order` holds a number that is no row's.
    fn mix<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: &mut [f64],
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        check_mixing(self, rows, scratch, out)?;
        AggregateError::check_length("order", self.order.len(), rows.len())?;
        let buckets = self.order.chunks(self.size.max(1));
        for (slot, bucket) in out.chunks_exact_mut(rows.dim().max(1)).zip(buckets) {
            let numbers = &mut scratch[..bucket.len()];
            numbers.iter_mut().zip(bucket).for_each(|(number, &i)| *number = i as f64);
            mean_of_rows(rows, numbers, slot);
        }
        Ok(())
    }
}
