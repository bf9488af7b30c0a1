//! Expected pairwise distance.

use num_traits::Float;

use super::fold_pairs;
use crate::{
    finite::{NonFinite, Policy},
    number::wide,
    squares::SquareSum,
};

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
/// # Errors
///
/// [`NonFinite`] under [`Policy::Error`], with the index row · d + coordinate.
///
/// # Edge cases
///
/// No examples (under [`Policy::Omit`]: none left): NaN. One: 0. Squares are summed in ranges, so only a distance that itself
/// exceeds f64 is ∞.
///
/// # Example
///
/// ```
/// # use coherence_core::{finite::Policy, similarity::pairwise_distance};
/// assert_eq!(pairwise_distance(&[[0.0, 0.0], [3.0, 4.0]], Policy::Error), Ok(2.5));
/// ```
///
/// # Source
///
/// GM22 Lemma 6.
///
/// Law: A16, A11
pub fn pairwise_distance<T: Float, R: AsRef<[T]>>(
    rows: &[R],
    policy: Policy,
) -> Result<f64, NonFinite> {
    let (sum, m) = fold_pairs(rows, policy, 0.0, |sum, a, b| sum + distance(a, b))?;
    let all_pairs = m as f64 * m as f64;
    Ok(if m > 0 { sum / (all_pairs / 2.0) } else { f64::NAN })
}

/// ‖a − b‖
fn distance<T: Float>(a: &[T], b: &[T]) -> f64 {
    let mut squares = SquareSum::default();
    for (&x, &y) in a.iter().zip(b) {
        squares.add(wide(x) - wide(y));
    }
    squares.root()
}
