//! The gradient confusion bound.

use num_traits::Float;

use super::pairs;
use crate::number::dot;

/// ζ (zeta), the least gradient confusion bound of the sample.
///
/// # Definition
///
/// ```text
/// the least ζ ≥ 0 with g_z · g_z′ ≥ −ζ for all z ≠ z′,    ζ = max(0, −min_{z ≠ z′} g_z · g_z′)
/// ```
///
/// In units of a squared gradient: not scale-free.
///
/// # Edge cases
///
/// Fewer than two examples: `None`. Products that exceed f64 are ∞.
///
/// # Example
///
/// ```
/// # use coherence_core::similarity::confusion_bound;
/// assert_eq!(confusion_bound(&[[1.0, 0.0], [-3.0, 4.0]]), Some(3.0));
/// assert_eq!(confusion_bound(&[[1.0, 0.0], [3.0, 4.0]]), Some(0.0));
/// ```
///
/// # Source
///
/// Sankararaman et al. (2019); MC20 §2.
///
/// Law: A16
pub fn confusion_bound<T: Float, R: AsRef<[T]>>(rows: &[R]) -> Option<f64> {
    pairs(rows, 0.0, |bound, a, b| {
        let confusion = -dot(a.as_ref(), b.as_ref());
        if confusion > bound || confusion.is_nan() { confusion } else { bound }
    })
}
