//! Maximum pooling.

use rayon::prelude::*;

use super::Windows;
use crate::{Element, product::Output};

/// Forward: `out[e, o, j]` is the maximum of `x[e, ·, j]` in window o, and `from[e, o, j]` its position
/// y · w + x in the image: the first in row-major order, if several are equal.
///
/// Padding never wins. NaN wins, the last if there are several, as in PyTorch.
/// x [m, h, w, c]; out and from [m, oh, ow, c].
///
/// # Panics
///
/// When a slice's length is not the product of its sizes.
///
/// ```
/// use coherence_cpu::pool::{Windows, max_forward};
/// let windows = Windows::adaptive([1, 4], [1, 2], 1)?;
/// let (mut out, mut from) = ([0.0f32; 2], [0; 2]);
/// max_forward(&windows, &[1.0, 5.0, -2.0, -2.0], &mut out, &mut from);
/// assert_eq!((out, from), ([5.0, -2.0], [1, 2]));
/// # Ok::<(), coherence_cpu::pool::PoolError>(())
/// ```
pub fn max_forward<T: Element>(windows: &Windows, x: &[T], out: &mut [T], from: &mut [u32]) {
    windows.assert_lengths(x.len(), out.len());
    assert_eq!(out.len(), from.len(), "as many positions as maxima");
    let (len, c) = (windows.output_row_len(), windows.channels());
    let rows = out.par_chunks_mut(len).zip(from.par_chunks_mut(len));
    windows.each_output_row::<T, _>(rows, |row, (out, from)| {
        let pixels = out.chunks_exact_mut(c).zip(from.chunks_exact_mut(c));
        for ((best, from), (_, inputs)) in pixels.zip(row.each_window(x)) {
            for (tap, (index, values)) in inputs.enumerate() {
                maximum(tap == 0, index, values, best, from);
            }
        }
    });
}

/// Replaces every `best` that is below its value; all if the pixel is the `first` of its window.
#[inline(always)]
fn maximum<T: Element>(first: bool, index: u32, values: &[T], best: &mut [T], from: &mut [u32]) {
    if first {
        best.copy_from_slice(values);
        from.fill(index);
        return;
    }
    for ((best, from), &x) in best.iter_mut().zip(from).zip(values) {
        let wins = x > *best || x.is_nan();
        *best = if wins { x } else { *best };
        *from = if wins { index } else { *from };
    }
}

/// Backward: every delta goes to the position that its maximum came from,
/// `out[e, i, j] (+)= Σ_{o: from[e, o, j] = i} delta[e, o, j]`.
///
/// delta and from [m, oh, ow, c]; out [m, h, w, c].
///
/// # Panics
///
/// When a slice's length is not the product of its sizes.
///
/// ```
/// use coherence_cpu::{pool::{Windows, max_backward}, product::Output};
/// let windows = Windows::adaptive([1, 4], [1, 2], 1)?;
/// let mut out = [9.0f32; 4];
/// max_backward(&windows, &[3.0, 4.0], &[1, 2], Output::Overwrite, &mut out);
/// assert_eq!(out, [0.0, 3.0, 4.0, 0.0]);
/// # Ok::<(), coherence_cpu::pool::PoolError>(())
/// ```
pub fn max_backward<T: Element>(
    windows: &Windows,
    delta: &[T],
    from: &[u32],
    output: Output,
    out: &mut [T],
) {
    windows.assert_lengths(out.len(), delta.len());
    assert_eq!(delta.len(), from.len(), "as many positions as deltas");
    windows.each_input_pixel(output, out, |window, index, out| {
        let (delta, from) = (&delta[window.values.clone()], &from[window.values]);
        for ((out, &delta), &from) in out.iter_mut().zip(delta).zip(from) {
            *out = *out + if from == index { delta } else { T::zero() };
        }
    });
}
