//! Robust means of the rows of a dense n × d matrix, coordinate by coordinate.
//!
//! `n`: rows, `d`: columns. `rows [n, d]` is row-major, `out [d]`.

use crate::{Element, select};

/// Mean of the rows, `out [d]`, summed in `f64`.
///
/// # Panics
///
/// When `rows` is not n × d with n > 0.
///
/// ```
/// let mut out = [0.0f32; 2];
/// coherence_cpu::dense::mean(&[1.0, 2.0, 3.0, 6.0], &mut out);
/// assert_eq!(out, [2.0, 4.0]);
/// ```
pub fn mean<T: Element>(rows: &[T], out: &mut [T]) {
    by_coordinate(rows, out, |values| select::mean(values));
}

/// Winsorised mean of the rows, `out [d]`: values clipped to the (clip + 1)-smallest and -largest
/// of their column, then the mean. `clip = 0` is the mean; `2 clip >= n` the median.
///
/// # Panics
///
/// When `rows` is not n × d with n > 0.
///
/// ```
/// let mut out = [0.0f32];
/// coherence_cpu::dense::winsorized_mean(&[1.0, 2.0, 3.0, 1000.0], 1, &mut out);
/// assert_eq!(out, [2.5]);
/// ```
pub fn winsorized_mean<T: Element>(rows: &[T], clip: usize, out: &mut [T]) {
    by_coordinate(rows, out, |values| select::winsorized_mean(values, clip));
}

/// Trimmed mean of the rows, `out [d]`: the mean without the `trim` smallest and largest values of
/// each column. `2 trim >= n` is the median.
///
/// # Panics
///
/// When `rows` is not n × d with n > 0.
///
/// ```
/// let mut out = [0.0f32];
/// coherence_cpu::dense::trimmed_mean(&[1.0, 2.0, 4.0, 1000.0], 1, &mut out);
/// assert_eq!(out, [3.0]);
/// ```
pub fn trimmed_mean<T: Element>(rows: &[T], trim: usize, out: &mut [T]) {
    by_coordinate(rows, out, |values| select::trimmed_mean(values, trim));
}

/// Median of the rows, `out [d]`: the middle value, the mean of the two middle values for even n.
///
/// # Panics
///
/// When `rows` is not n × d with n > 0.
///
/// ```
/// let mut out = [0.0f32];
/// coherence_cpu::dense::median(&[1.0, 1000.0, 3.0], &mut out);
/// assert_eq!(out, [3.0]);
/// ```
pub fn median<T: Element>(rows: &[T], out: &mut [T]) {
    by_coordinate(rows, out, select::median);
}

fn by_coordinate<T: Element>(rows: &[T], out: &mut [T], rule: impl Fn(&mut [T]) -> T) {
    let d = out.len();
    if d == 0 {
        return;
    }
    assert!(!rows.is_empty() && rows.len().is_multiple_of(d), "{} values for rows of {d}", rows.len());
    let mut values = vec![T::zero(); rows.len() / d];
    for (j, out) in out.iter_mut().enumerate() {
        for (value, row) in values.iter_mut().zip(rows.chunks_exact(d)) {
            *value = row[j];
        }
        *out = rule(&mut values);
    }
}
