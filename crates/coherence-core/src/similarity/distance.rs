//! Expected pairwise distance.

use num_traits::Float;

use super::pairs;
use crate::{number::wide, squares::SquareSum};

/// E‖g − g′‖, the expected distance of two gradients drawn independently from the sample.
///
/// # Definition
///
/// ```text
/// E‖g − g′‖ = (1/m²) Σ_i Σ_j ‖g_i − g_j‖
/// ```
///
/// Pairs of an example with itself belong to it; multiply by m/(m − 1) for i ≠ j only. Bounded by
/// [`distance_bound`](crate::bounds::distance_bound).
///
/// # Edge cases
///
/// No examples: `None`. One: 0. Squares are summed in ranges, so only a distance that itself
/// exceeds f64 is ∞.
///
/// # Example
///
/// ```
/// # use coherence_core::similarity::pairwise_distance;
/// assert_eq!(pairwise_distance(&[[0.0, 0.0], [3.0, 4.0]]), Some(2.5));
/// ```
///
/// # Source
///
/// GM22 Lemma 6.
///
/// Law: A16, A11
pub fn pairwise_distance<T: Float, R: AsRef<[T]>>(rows: &[R]) -> Option<f64> {
    if rows.is_empty() {
        return None;
    }
    let m = rows.len() as f64;
    let sum = pairs(rows, 0.0, |sum, a, b| sum + distance(a.as_ref(), b.as_ref()));
    Some(sum.unwrap_or(0.0) / (m * m / 2.0))
}

/// ‖a − b‖
fn distance<T: Float>(a: &[T], b: &[T]) -> f64 {
    let mut squares = SquareSum::default();
    for (&x, &y) in a.iter().zip(b) {
        squares.add(wide(x) - wide(y));
    }
    squares.root()
}
