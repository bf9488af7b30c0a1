//! Sign stiffness.

use num_traits::Float;

use super::{pair_count, pairs};
use crate::number::scaled_dot;

/// S_sign: whether a step for one example helps or harms another.
///
/// # Definition
///
/// ```text
/// S_sign = E_{z ≠ z′} sign(g_z · g_z′),    −1 ≤ S_sign ≤ 1,    sign 0 = 0
/// ```
///
/// # Edge cases
///
/// Fewer than two examples: `None`. Products are scaled, so that none overflows or underflows to
/// a wrong sign.
///
/// # Example
///
/// ```
/// # use coherence_core::similarity::sign_stiffness;
/// let sample = [[1.0, 0.0], [1.0, 1.0], [-1.0, 5.0]]; // signs +, −, +
/// assert_eq!(sign_stiffness(&sample), Some(1.0 / 3.0));
/// ```
///
/// # Source
///
/// Fort et al. (2019), *Stiffness*; MC20 §2.
///
/// Law: A16
pub fn sign_stiffness<T: Float, R: AsRef<[T]>>(rows: &[R]) -> Option<f64> {
    let sum = pairs(rows, 0.0, |sum, a, b| sum + sign(scaled_dot(a.as_ref(), b.as_ref())))?;
    Some(sum / pair_count(rows.len()))
}

/// −1, 0 or 1; NaN for NaN. (`f64::signum` has no 0.)
fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}
