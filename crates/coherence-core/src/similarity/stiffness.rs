//! Sign stiffness.

use num_traits::Float;

use super::{fold_pairs, pair_count};
use crate::{
    finite::{NonFinite, Policy},
    number::scaled_dot,
};

/// S_sign: whether a step for one example helps or harms another.
///
/// # Definition
///
/// ```text
/// S_sign = E_{z ≠ z′} sign(g_z · g_z′),    −1 ≤ S_sign ≤ 1,    sign 0 = 0
/// ```
///
/// # Errors
///
/// [`NonFinite`] under [`Policy::Error`], with the index row · d + coordinate.
///
/// # Edge cases
///
/// Fewer than two examples (under [`Policy::Omit`]: left): NaN. Products are scaled, so that none overflows or underflows to
/// a wrong sign.
///
/// # Example
///
/// ```
/// # use coherence_core::{finite::Policy, similarity::sign_stiffness};
/// let sample = [[1.0, 0.0], [1.0, 1.0], [-1.0, 5.0]]; // signs +, −, +
/// assert_eq!(sign_stiffness(&sample, Policy::Error), Ok(1.0 / 3.0));
/// ```
///
/// # Source
///
/// Fort et al. (2019), *Stiffness*; MC20 §2.
///
/// Law: A16
#[doc(alias = "stiffness")]
pub fn sign_stiffness<T: Float, R: AsRef<[T]>>(
    rows: &[R],
    policy: Policy,
) -> Result<f64, NonFinite> {
    let (sum, m) = fold_pairs(rows, policy, 0.0, |sum, a, b| sum + sign(scaled_dot(a, b)))?;
    Ok(if m > 1 { sum / pair_count(m) } else { f64::NAN })
}

/// −1, 0 or 1; NaN for NaN. (`f64::signum` has no 0.)
fn sign(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}
