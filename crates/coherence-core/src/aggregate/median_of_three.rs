//! The median of three, exactly.

use num_traits::Float;

use super::order::total;

/// The median of three values, by compare-exchange: one of them, bit for bit.
///
/// max(min(a, b), min(max(a, b), c)).
///
/// - −0 comes before +0, infinities are the extremes; a NaN gives NaN.
/// - Deviation: Zielinski et al. (2020) §3.2 write Σ − min − max, which in floating point differs in
///   the last bits from the median for most triples, gives 0 for {1e8, 1, −1e8} in `f32`, and NaN
///   with an infinity.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::median_of_three;
///
/// let (a, b, c) = (1e8f32, 1.0, -1e8);
/// assert_eq!(median_of_three(a, b, c), 1.0);
/// assert_eq!(a + b + c - c - a, 0.0); // what the sum makes of it
/// assert_eq!(median_of_three(f32::INFINITY, b, c), 1.0);
/// ```
///
/// Law: A19
#[doc(alias = "M3")]
#[doc(alias = "median of three")]
pub fn median_of_three<T: Float>(a: T, b: T, c: T) -> T {
    if a.is_nan() || b.is_nan() || c.is_nan() {
        return T::nan();
    }
    let (low, high) = sorted(a, b);
    let (lower_of_high, _) = sorted(high, c);
    sorted(low, lower_of_high).1
}

/// The two in ascending order.
fn sorted<T: Float>(a: T, b: T) -> (T, T) {
    if total(&a, &b).is_le() { (a, b) } else { (b, a) }
}
