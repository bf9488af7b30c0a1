//! Cosines: of two gradients, their mean over pairs (cosine stiffness), their minimum.

use num_traits::Float;

use super::{fold_pairs, pair_count};
use crate::{
    finite::{NonFinite, Policy},
    number::scaled_dot,
};

/// The cosine of the angle between two gradients `[d]`.
///
/// # Definition
///
/// ```text
/// cos(a, b) = a · b / (‖a‖ ‖b‖),    −1 ≤ cos ≤ 1
/// ```
///
/// # Errors
///
/// [`NonFinite`] under [`Policy::Error`], with the index counted through `a`, then `b`.
///
/// # Edge cases
///
/// A zero vector: 0. Vectors are scaled first, so that no square overflows or underflows; rounding
/// beyond ±1 is cut off. NaN if [`Policy::Omit`] leaves one of the two out.
///
/// # Example
///
/// ```
/// # use coherence_core::{finite::Policy, similarity::cosine};
/// let found = cosine(&[3e200, 4e200], &[5e-200, 0.0], Policy::Error)?;
/// assert!((found - 0.6).abs() < 1e-15);
/// # Ok::<(), coherence_core::finite::NonFinite>(())
/// ```
///
/// # Source
///
/// MC20 §2. Deviation: there a zero gradient leaves it undefined.
///
/// Law: A16
#[doc(alias = "cosine similarity")]
pub fn cosine<T: Float>(a: &[T], b: &[T], policy: Policy) -> Result<f64, NonFinite> {
    cosine_stiffness(&[a, b], policy)
}

fn cosine_of<T: Float>(a: &[T], b: &[T]) -> f64 {
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
/// # Errors
///
/// [`NonFinite`] under [`Policy::Error`], with the index row · d + coordinate.
///
/// # Edge cases
///
/// Fewer than two examples (under [`Policy::Omit`]: left): NaN. A zero gradient has cosine 0 with
/// all.
///
/// # Example
///
/// ```
/// # use coherence_core::{finite::Policy, similarity::cosine_stiffness};
/// let sample = [[1.0, 0.0], [0.0, 2.0], [3.0, 4.0]]; // cosines 0, 0.6, 0.8
/// let stiffness = cosine_stiffness(&sample, Policy::Error)?;
/// assert!((stiffness - 1.4 / 3.0).abs() < 1e-15);
/// # Ok::<(), coherence_core::finite::NonFinite>(())
/// ```
///
/// # Source
///
/// Fort et al. (2019), *Stiffness*; MC20 §2.
///
/// Law: A16
#[doc(alias = "stiffness")]
pub fn cosine_stiffness<T: Float, R: AsRef<[T]>>(
    rows: &[R],
    policy: Policy,
) -> Result<f64, NonFinite> {
    let (sum, m) = fold_pairs(rows, policy, 0.0, |sum, a, b| sum + cosine_of(a, b))?;
    Ok(if m > 1 { sum / pair_count(m) } else { f64::NAN })
}

/// The least cosine of two different examples' gradients.
///
/// # Definition
///
/// ```text
/// min_{z ≠ z′} cos(g_z, g_z′)
/// ```
///
/// # Errors
///
/// [`NonFinite`] under [`Policy::Error`], with the index row · d + coordinate.
///
/// # Edge cases
///
/// Fewer than two examples (under [`Policy::Omit`]: left): NaN. A zero gradient has cosine 0 with
/// all.
///
/// # Example
///
/// ```
/// # use coherence_core::{finite::Policy, similarity::minimum_cosine};
/// let sample = [[1.0, 0.0], [0.0, 2.0], [-3.0, 4.0]];
/// assert_eq!(minimum_cosine(&sample, Policy::Error), Ok(-0.6));
/// ```
///
/// # Source
///
/// Sankararaman et al. (2019), *The impact of neural network overparameterization on gradient
/// confusion*; MC20 §2.
///
/// Law: A16
pub fn minimum_cosine<T: Float, R: AsRef<[T]>>(
    rows: &[R],
    policy: Policy,
) -> Result<f64, NonFinite> {
    let (least, m) = fold_pairs(rows, policy, f64::INFINITY, |least, a, b| {
        let cosine = cosine_of(a, b);
        if cosine < least || cosine.is_nan() { cosine } else { least }
    })?;
    Ok(if m > 1 { least } else { f64::NAN })
}
