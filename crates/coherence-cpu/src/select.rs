//! One coordinate's values to one value: the portable definitions.

use crate::Element;

/// Order of finite values; equal where neither is less.
fn order<T: Element>(x: &T, y: &T) -> core::cmp::Ordering {
    x.partial_cmp(y).unwrap_or(core::cmp::Ordering::Equal)
}

/// Mean of `values`, zero for none; a zero result is +0.
pub(crate) fn mean<T: Element>(values: &[T]) -> T {
    let sum = values.iter().map(|v| v.widen()).sum::<f64>();
    T::narrow(sum / values.len() as f64) + T::zero()
}

/// Middle value, mean of the two middle values for an even count. Reorders `values`.
pub(crate) fn median<T: Element>(values: &mut [T]) -> T {
    values.sort_unstable_by(order);
    let half = values.len() / 2;
    mean(&values[values.len().div_ceil(2) - 1..=half])
}

/// Mean after clipping to the (clip + 1)-smallest and -largest value. Reorders `values`.
pub(crate) fn winsorized_mean<T: Element>(values: &mut [T], clip: usize) -> T {
    let m = values.len();
    if 2 * clip >= m {
        return median(values);
    }
    values.sort_unstable_by(order);
    let (low, high) = (values[clip], values[m - 1 - clip]);
    values[..clip].fill(low);
    values[m - clip..].fill(high);
    mean(values)
}

/// Mean without the `trim` smallest and largest values. Reorders `values`.
pub(crate) fn trimmed_mean<T: Element>(values: &mut [T], trim: usize) -> T {
    let m = values.len();
    if 2 * trim >= m {
        return median(values);
    }
    values.sort_unstable_by(order);
    mean(&values[trim..m - trim])
}
