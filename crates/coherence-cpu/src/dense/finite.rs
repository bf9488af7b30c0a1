//! Search for non-finite values.

use super::sum::ColumnView;
use crate::{Element, Isa, isa::run_loop};

/// Values examined before each test for an early exit.
const CHUNK: usize = 1 << 8;

/// The index of the first value that is NaN or infinite.
///
/// ```
/// use coherence_cpu::dense::first_non_finite;
/// assert_eq!(first_non_finite(&[1.0f32, f32::INFINITY]), Some(1));
/// assert_eq!(first_non_finite(&[1.0f64; 1000]), None);
/// ```
pub fn first_non_finite<T: Element>(values: &[T]) -> Option<usize> {
    let d = values.len();
    first_in_columns(Isa::detect(), ColumnView { rows: values, d, start: 0 }, d)
}

/// The index row · d + column of the first value by row that is NaN or infinite, among the first
/// `width` columns of `view`.
pub(super) fn first_in_columns<T: Element>(
    isa: Isa,
    view: ColumnView<'_, T>,
    width: usize,
) -> Option<usize> {
    let ColumnView { rows, d, start } = view;
    if width == 0 {
        return None;
    }
    let row = run_loop!(isa, {
        rows.chunks_exact(d).position(|row| !all_finite(&row[start..][..width]))
    })?;
    let place = rows[row * d + start..][..width].iter().position(|x| !x.is_finite())?;
    Some(row * d + start + place)
}

#[inline(always)]
fn all_finite<T: Element>(values: &[T]) -> bool {
    // There is no early exit within a chunk, so that the loop is vectorised.
    values.chunks(CHUNK).all(|chunk| chunk.iter().fold(true, |finite, &x| finite & x.is_finite()))
}
