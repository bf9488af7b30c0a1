//! Distances between vectors, in `f64`.
//!
//! n vectors, d coordinates, scaled so that the squares of distances between the majority stay in range.

use num_traits::Float;

use super::order::total;
use super::scaled::Scaled;

/// ‖x_i − x_j‖².
///
/// A distance that is not a number, as to a vector with NaN or between infinities, is infinite:
/// such a vector is nobody's neighbour.
pub(super) fn square_between<T: Float>(rows: Scaled<'_, T>, i: usize, j: usize) -> f64 {
    let square = rows.values(i).zip(rows.values(j)).map(|(x, y)| (x - y) * (x - y)).sum();
    if f64::is_nan(square) { f64::INFINITY } else { square }
}

/// All squared distances into `out` [n, n].
pub(super) fn squares_between_all<T: Float>(rows: Scaled<'_, T>, out: &mut [f64]) {
    let n = rows.len();
    for i in 0..n {
        out[i * n + i] = 0.0;
        for j in 0..i {
            let square = square_between(rows, i, j);
            out[i * n + j] = square;
            out[j * n + i] = square;
        }
    }
}

/// The squared distances of row `i`, out of those of all [n, n].
pub(super) fn of_row(squares: &[f64], n: usize, i: usize) -> &[f64] {
    &squares[i * n..][..n]
}

/// Fills `indices` with 0, 1, … sorted by the key of each, the lower index first where keys are equal.
pub(super) fn sort_indices_by(indices: &mut [usize], key: &[f64]) {
    indices.iter_mut().enumerate().for_each(|(i, slot)| *slot = i);
    indices.sort_unstable_by(|&a, &b| total(&key[a], &key[b]).then_with(|| a.cmp(&b)));
}
