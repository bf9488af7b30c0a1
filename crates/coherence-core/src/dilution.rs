//! Dilution: what fitted examples, whose gradients are zero, do to α.

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
/// # use coherence_core::dilution::dilute;
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
