//! The gradient confusion bound.

use num_traits::Float;

use super::fold_pairs;
use crate::{
    finite::{NonFinite, Policy},
    number::dot,
};

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
/// # Errors
///
/// [`NonFinite`] under [`Policy::Error`], with the index row · d + coordinate.
///
/// # Edge cases
///
/// Fewer than two examples (under [`Policy::Omit`]: left): NaN. Products that exceed f64 are ∞.
///
/// # Example
///
/// ```
/// # use coherence_core::{finite::Policy, similarity::confusion_bound};
/// assert_eq!(confusion_bound(&[[1.0, 0.0], [-3.0, 4.0]], Policy::Error), Ok(3.0));
/// assert_eq!(confusion_bound(&[[1.0, 0.0], [3.0, 4.0]], Policy::Error), Ok(0.0));
/// ```
///
/// # Source
///
/// Sankararaman et al. (2019); MC20 §2.
///
/// Law: A16
#[doc(alias = "gradient confusion")]
pub fn confusion_bound<T: Float, R: AsRef<[T]>>(
    rows: &[R],
    policy: Policy,
) -> Result<f64, NonFinite> {
    let (bound, m) = fold_pairs(rows, policy, 0.0, |bound, a, b| {
        let confusion = -dot(a, b);
        if confusion > bound || confusion.is_nan() { confusion } else { bound }
    })?;
    Ok(if m > 1 { bound } else { f64::NAN })
}
