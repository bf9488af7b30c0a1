//! Nearest-neighbour mixing: each vector becomes the mean of those around it.

use num_traits::Float;

use super::distances::{mean_of_rows, sort_numbers_by, square_between};
use super::mixing::{Mixing, check_mixing};
use super::{AggregateError, Rows};

/// Nearest-neighbour mixing: each vector is replaced by the mean of itself and its n − f − 1 nearest others.
///
/// - Domain: f < n. Of equally near vectors the earlier is taken.
/// - After it, rules bear heterogeneous honest vectors better; the f they bear stays the same.
/// - A vector with NaN or ±∞ is farthest from all others, and mixes itself with some.
/// - Cost: O(n² (d + log n)); scratch 2n.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{Mixing, NearestNeighborMixing, Rows};
///
/// let rows = Rows::matrix(&[1.0, 2.0, 3.0, 90.0], 1).unwrap();
/// let mut mixed = [0.0; 4];
/// NearestNeighborMixing { f: 1 }.mix(rows, &mut [0.0; 8], &mut mixed).unwrap();
/// assert_eq!(mixed, [2.0, 2.0, 2.0, 95.0 / 3.0]);
/// ```
///
/// Source: Allouah et al. (2023), *Fixing by Mixing*, algorithm 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NearestNeighborMixing {
    /// The number of bad vectors to be borne.
    pub f: usize,
}

impl Mixing for NearestNeighborMixing {
    fn rows_out(&self, n: usize) -> usize {
        n
    }

    fn scratch_len(&self, n: usize) -> usize {
        n.saturating_mul(2)
    }

    fn mix<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: &mut [f64],
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        let n = rows.len();
        check_mixing(self, rows, scratch, out)?;
        AggregateError::check_count("nearest-neighbor-mixing", "f", n, self.f.saturating_add(1))?;
        let (squares, numbers) = scratch.split_at_mut(n);
        for (i, slot) in out.chunks_exact_mut(rows.dim().max(1)).enumerate() {
            squares
                .iter_mut()
                .zip(rows.iter())
                .for_each(|(s, x)| *s = square_between(rows.row(i), x));
            squares[i] = 0.0;
            sort_numbers_by(&mut numbers[..n], squares);
            mean_of_rows(rows, &numbers[..n - self.f], slot);
        }
        Ok(())
    }
}
