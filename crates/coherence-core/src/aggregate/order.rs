//! The order of values, and sums that stay within it.

use core::cmp::Ordering;

use num_traits::Float;

/// `x` rounded to the element type.
pub(super) fn narrow<T: Float>(x: f64) -> T {
    T::from(x).unwrap_or_else(T::nan)
}

/// The total order of values other than NaN: −∞ < … < −0 < +0 < … < +∞.
///
/// Two values that compare equal here have the same bits, so every sort gives the same slice.
pub(super) fn total<T: Float>(a: &T, b: &T) -> Ordering {
    a.partial_cmp(b)
        .unwrap_or(Ordering::Equal)
        .then_with(|| b.is_sign_negative().cmp(&a.is_sign_negative()))
}

/// Whether the values can be aggregated: at least one value and no NaN.
pub(super) fn is_ordered<T: Float>(values: &[T]) -> bool {
    !values.is_empty() && values.iter().all(|x| !x.is_nan())
}

/// Sorts ascending in the [`total`] order.
pub(super) fn sort<T: Float>(values: &mut [T]) {
    values.sort_unstable_by(total);
}

/// The mean of `values`, in their order, where the sum may exceed `f64`'s range though the mean does not.
pub(super) fn mean(values: impl Iterator<Item = f64> + Clone, n: usize) -> f64 {
    let n = n as f64;
    let sum: f64 = values.clone().sum();
    if sum.is_finite() { sum / n } else { values.map(|x| x / n).sum() }
}

/// The mean of `values` \[n\], n ≥ 1, all within \[lo, hi\], rounded to `T`; never outside of them.
///
/// Rounding in the sum can carry the quotient past the extremes (0.1 three times gives
/// 0.10000000000000002); the clamp undoes it.
pub(super) fn mean_within<T: Float>(
    values: impl Iterator<Item = f64> + Clone,
    n: usize,
    lo: f64,
    hi: f64,
) -> T {
    narrow(mean(values, n).clamp(lo, hi))
}
