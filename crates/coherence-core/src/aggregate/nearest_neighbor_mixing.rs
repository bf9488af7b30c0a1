//! Nearest-neighbour mixing: each vector becomes the mean of those around it.

use num_traits::Float;

use super::distances::{sort_indices_by, square_between};
use super::mixing::{Mixing, check_mixing};
use super::scaled::{Scaled, mean_of_rows};
use super::{AggregateError, Rows, Scratch, ScratchLen};

/// Nearest-neighbour mixing: each vector is replaced by the mean of itself and its n − f − 1 nearest others.
///
/// - Domain: f < n. Of equally near vectors the earlier is taken.
/// - After it, rules tolerate heterogeneous honest vectors better; the f they tolerate stays the same.
/// - A vector with NaN or ±∞ is infinitely far from all others; its own mean holds some of them.
/// - Cost: O(n² (d + log n)); scratch n values, n indices.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{Mixing, NearestNeighborMixing, Rows, Scratch};
///
/// let rows = Rows::matrix(&[1.0, 2.0, 3.0, 90.0], 1).unwrap();
/// let mut mixed = [0.0; 4];
/// let scratch = Scratch { values: &mut [0.0; 4], indices: &mut [0; 4] };
/// NearestNeighborMixing { f: 1 }.mix(rows, scratch, &mut mixed).unwrap();
/// assert_eq!(mixed, [2.0, 2.0, 2.0, 95.0 / 3.0]);
/// ```
///
/// Source: Allouah et al. (2023), *Fixing by Mixing*, algorithm 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "NNM")]
#[doc(alias = "nearest neighbour mixing")]
#[doc(alias = "Byzantine")]
pub struct NearestNeighborMixing {
    /// f, the number of Byzantine vectors to tolerate.
    pub f: usize,
}

impl Mixing for NearestNeighborMixing {
    fn rows_out(&self, n: usize) -> usize {
        n
    }

    fn scratch_len(&self, n: usize) -> ScratchLen {
        ScratchLen::new(n, n)
    }

    fn mix<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: Scratch<'_>,
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        let (n, least) = (rows.len(), self.f.saturating_add(1));
        check_mixing(self, rows, &scratch, out)?;
        AggregateError::check_count("nearest-neighbor-mixing", "f", n, least)?;
        let (squares, indices) = (&mut scratch.values[..n], &mut scratch.indices[..n]);
        let scaled = Scaled::new(rows, squares);
        for (i, slot) in out.chunks_exact_mut(rows.dim().max(1)).enumerate() {
            for (j, square) in squares.iter_mut().enumerate() {
                *square = if j == i { 0.0 } else { square_between(scaled, i, j) };
            }
            sort_indices_by(indices, squares);
            mean_of_rows(rows, &indices[..n - self.f], slot);
        }
        Ok(())
    }
}
