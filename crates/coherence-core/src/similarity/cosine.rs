//! Cosines: of two gradients, their mean over pairs (cosine stiffness), their minimum.

use num_traits::Float;

use super::{pair_count, pairs};
use crate::number::scaled_dot;

/// The cosine of the angle between two gradients `[d]`.
///
/// # Definition
///
/// ```text
/// cos(a, b) = a · b / (‖a‖ ‖b‖),    −1 ≤ cos ≤ 1
/// ```
///
/// # Edge cases
///
/// A zero vector: 0. Vectors are scaled first, so that no square overflows or underflows; rounding
/// beyond ±1 is cut off.
///
/// # Example
///
/// ```
/// # use coherence_core::similarity::cosine;
/// assert!((cosine(&[3e200, 4e200], &[5e-200, 0.0]) - 0.6).abs() < 1e-15);
/// ```
///
/// # Source
///
/// MC20 §2. Deviation: there a zero gradient leaves it undefined.
///
/// Law: A16
pub fn cosine<T: Float>(a: &[T], b: &[T]) -> f64 {
    let norms = libm::sqrt(scaled_dot(a, a)) * libm::sqrt(scaled_dot(b, b));
    if norms == 0.0 {
        return 0.0;
    }
    (scaled_dot(a, b) / norms).clamp(-1.0, 1.0)
}

/// S_cos, cosine stiffness: the mean cosine of two different examples' gradients.
///
/// # Definition
///
/// ```text
/// S_cos = E_{z ≠ z′} cos(g_z, g_z′),    −1 ≤ S_cos ≤ 1
/// ```
///
/// # Edge cases
///
/// Fewer than two examples: `None`. A zero gradient has cosine 0 with all.
///
/// # Example
///
/// ```
/// # use coherence_core::similarity::cosine_stiffness;
/// let sample = [[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]]; // cosines 0, 0.6, 0.8
/// assert!((cosine_stiffness(&sample).unwrap() - 1.4 / 3.0).abs() < 1e-15);
/// ```
///
/// # Source
///
/// Fort et al. (2019), *Stiffness*; MC20 §2.
///
/// Law: A16
pub fn cosine_stiffness<T: Float, R: AsRef<[T]>>(rows: &[R]) -> Option<f64> {
    let sum = pairs(rows, 0.0, |sum, a, b| sum + cosine(a.as_ref(), b.as_ref()))?;
    Some(sum / pair_count(rows.len()))
}

/// The least cosine of two different examples' gradients.
///
/// # Definition
///
/// ```text
/// min_{z ≠ z′} cos(g_z, g_z′)
/// ```
///
/// # Edge cases
///
/// Fewer than two examples: `None`. A zero gradient has cosine 0 with all.
///
/// # Example
///
/// ```
/// # use coherence_core::similarity::minimum_cosine;
/// let sample = [[1.0, 0.0], [0.0, 2.0], [-3.0, 4.0]];
/// assert_eq!(minimum_cosine(&sample), Some(-0.6));
/// ```
///
/// # Source
///
/// Sankararaman et al. (2019), *The impact of neural network overparameterization on gradient
/// confusion*; MC20 §2.
///
/// Law: A16
pub fn minimum_cosine<T: Float, R: AsRef<[T]>>(rows: &[R]) -> Option<f64> {
    pairs(rows, f64::INFINITY, |least, a, b| {
        let cosine = cosine(a.as_ref(), b.as_ref());
        if cosine < least || cosine.is_nan() { cosine } else { least }
    })
}
