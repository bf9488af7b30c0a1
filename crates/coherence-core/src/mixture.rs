//! Mixtures of two orthogonal families of gradients, and dilution by zero gradients.

use crate::Part;

/// α of the mixture that takes u from U with probability p, else v from V, where U ⟂ V.
///
/// # Definition
///
/// ```text
/// α = p f α(U) + (1 − p)(1 − f) α(V),    f = p E‖u‖² / (p E‖u‖² + (1 − p) E‖v‖²),    0 ≤ p ≤ 1
/// ```
///
/// f is the share of the energy that U has. The weights p f and (1 − p)(1 − f) sum to less than 1
/// inside (0, 1): a mixture is less coherent than either family on its own terms.
///
/// # Edge cases
///
/// Both energies 0: 0. p = 1: α(U); p = 0: α(V) (for a part with energy). V without energy:
/// p α(U), the law of [`dilute`].
///
/// # Example
///
/// ```
/// # use coherence_core::{Part, mixture::mixture_alpha};
/// let (u, v) = (Part { alpha: 1.0, energy: 3.0 }, Part { alpha: 1.0, energy: 1.0 });
/// assert_eq!(mixture_alpha(0.5, u, v), 0.5);
/// assert_eq!(mixture_alpha(0.25, u, v), 0.5); // f = 1/2
/// ```
///
/// # Source
///
/// Exact form derived from GM22 Appendix A, which has the bound [`mixture_bound`].
///
/// Law: A6b
pub fn mixture_alpha(p: f64, u: Part, v: Part) -> f64 {
    let (from_u, from_v) = (p * u.energy, (1.0 - p) * v.energy);
    let energy = from_u + from_v;
    if energy == 0.0 {
        return 0.0;
    }
    p * (from_u / energy) * u.alpha + (1.0 - p) * (from_v / energy) * v.alpha
}

/// The upper bound of [`mixture_alpha`] that needs no energies.
///
/// # Definition
///
/// ```text
/// α ≤ p α(U) + (1 − p) α(V),    0 ≤ p ≤ 1
/// ```
///
/// # Example
///
/// ```
/// # use coherence_core::mixture::mixture_bound;
/// assert_eq!(mixture_bound(0.25, 1.0, 0.5), 0.625);
/// ```
///
/// # Source
///
/// GM22 Appendix A.
///
/// Law: A6b
pub fn mixture_bound(p: f64, alpha_u: f64, alpha_v: f64) -> f64 {
    p * alpha_u + (1.0 - p) * alpha_v
}

/// α of a sample of which a share p is drawn from V and the rest is zero.
///
/// # Definition
///
/// ```text
/// α(W) = p α(V),    0 < p ≤ 1
/// ```
///
/// As examples get fitted their gradients vanish, and α falls although the others agree as before.
///
/// # Edge cases
///
/// p = 0, zero gradients only: 0, as [`Coherence::alpha`](crate::Coherence::alpha) defines it.
///
/// # Example
///
/// ```
/// # use coherence_core::mixture::dilute;
/// assert_eq!(dilute(0.5, 0.25), 0.125);
/// ```
///
/// # Source
///
/// MC20 Lemma 4.
///
/// Law: A6
pub fn dilute(alpha: f64, p: f64) -> f64 {
    p * alpha
}
