//! Distances between vectors, in `f64`.
//!
//! n vectors, d coordinates. Squares of `f32` values never leave `f64`'s range; differences of `f64`
//! values beyond about 1e154 have an infinite square, and those under 1e-162 a zero one.

use num_traits::Float;

use super::order::{mean, narrow, total};
use super::{AggregateError, Rows};
use crate::number::wide;

/// Σ (a_j − b_j)² of two vectors `[d]`.
///
/// A distance that is not a number, as to a vector with NaN or between infinities, is infinite:
/// such a vector is nobody's neighbour.
pub(super) fn square_between<T: Float>(a: &[T], b: &[T]) -> f64 {
    let square = a.iter().zip(b).map(|(&x, &y)| (wide(x) - wide(y)) * (wide(x) - wide(y))).sum();
    if f64::is_nan(square) { f64::INFINITY } else { square }
}

/// All squared distances into `out` [n, n].
pub(super) fn squares_between_all<T: Float>(rows: Rows<'_, T>, out: &mut [f64]) {
    let n = rows.len();
    for i in 0..n {
        out[i * n + i] = 0.0;
        for j in 0..i {
            let square = square_between(rows.row(i), rows.row(j));
            out[i * n + j] = square;
            out[j * n + i] = square;
        }
    }
}

/// The squared distances of row `i`, out of those of all [n, n].
pub(super) fn of_row(squares: &[f64], n: usize, i: usize) -> &[f64] {
    &squares[i * n..][..n]
}

/// The mean of the rows of these numbers, into `out` `[d]`.
pub(super) fn mean_of_rows<T: Float>(rows: Rows<'_, T>, numbers: &[f64], out: &mut [T]) {
    for (j, slot) in out.iter_mut().enumerate() {
        let values = numbers.iter().map(|&i| wide(rows.row(i as usize)[j]));
        *slot = narrow(mean(values, numbers.len()));
    }
}

/// Fills `numbers` with 0, 1, … sorted by the key of each, the lower number first where keys are equal.
pub(super) fn sort_numbers_by(numbers: &mut [f64], key: &[f64]) {
    numbers.iter_mut().enumerate().for_each(|(i, slot)| *slot = i as f64);
    numbers.sort_unstable_by(|a, b| {
        total(&key[*a as usize], &key[*b as usize]).then_with(|| total(a, b))
    });
}

/// Checks of what every rule over distances is given.
pub(super) fn check<T: Float>(
    rows: Rows<'_, T>,
    scratch: &[f64],
    needed: usize,
    out: &[T],
) -> Result<(), AggregateError> {
    AggregateError::check_length("out", out.len(), rows.dim())?;
    AggregateError::check_scratch(scratch.len(), needed)
}
