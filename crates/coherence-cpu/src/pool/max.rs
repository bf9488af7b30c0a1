//! Maximum pooling.

use rayon::prelude::*;

use super::{Windows, windows::InputWindow};
use crate::{Element, Isa, product::Output, simd::TILE};

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
/// use coherence_cpu::{Isa, pool::{Windows, max_forward}};
/// let windows = Windows::adaptive([1, 4], [1, 2], 1)?;
/// let (mut out, mut from) = ([0.0f32; 2], [0; 2]);
/// max_forward(Isa::detect(), &windows, &[1.0, 5.0, -2.0, -2.0], &mut out, &mut from);
/// assert_eq!((out, from), ([5.0, -2.0], [1, 2]));
/// # Ok::<(), coherence_cpu::pool::PoolError>(())
/// ```
pub fn max_forward<T: Element>(
    isa: Isa,
    windows: &Windows,
    x: &[T],
    out: &mut [T],
    from: &mut [u32],
) {
    windows.examples(x.len(), out.len());
    assert_eq!(out.len(), from.len(), "as many positions as maxima");
    let (len, c) = (windows.output_row_len(), windows.channels());
    let rows = out.par_chunks_mut(len).zip(from.par_chunks_mut(len));
    windows.each_output_row(
        isa,
        rows,
        #[inline(always)]
        |row, (out, from)| {
            let pixels = out.chunks_exact_mut(c).zip(from.chunks_exact_mut(c));
            for ((best, from), window) in pixels.zip(row.windows(x)) {
                let whole = c / TILE * TILE;
                for at in (0..whole).step_by(TILE) {
                    maximum::<T, TILE>(&window, at, &mut best[at..], &mut from[at..]);
                }
                for at in whole..c {
                    maximum::<T, 1>(&window, at, &mut best[at..], &mut from[at..]);
                }
            }
        },
    );
}

/// The maxima of `N` channels from `start` on, which stay in registers.
#[inline(always)]
fn maximum<T: Element, const N: usize>(
    window: &InputWindow<'_, T>,
    start: usize,
    out: &mut [T],
    from: &mut [u32],
) {
    let (mut best, mut position) = ([T::neg_infinity(); N], [window.first(); N]);
    window.each::<N>(start, |index, values| {
        for j in 0..N {
            let x = values[j];
            let wins = (x > best[j]) | x.is_nan();
            best[j] = if wins { x } else { best[j] };
            // A mask instead of a choice: compilers vectorise it.
            let mask = u32::from(wins).wrapping_neg();
            position[j] = (index & mask) | (position[j] & !mask);
        }
    });
    out[..N].copy_from_slice(&best);
    from[..N].copy_from_slice(&position);
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
/// use coherence_cpu::{Isa, pool::{Windows, max_backward}, product::Output};
/// let windows = Windows::adaptive([1, 4], [1, 2], 1)?;
/// let mut out = [9.0f32; 4];
/// max_backward(Isa::detect(), &windows, &[3.0, 4.0], &[1, 2], Output::Overwrite, &mut out);
/// assert_eq!(out, [0.0, 3.0, 4.0, 0.0]);
/// # Ok::<(), coherence_cpu::pool::PoolError>(())
/// ```
pub fn max_backward<T: Element>(
    isa: Isa,
    windows: &Windows,
    delta: &[T],
    from: &[u32],
    output: Output,
    out: &mut [T],
) {
    windows.examples(out.len(), delta.len());
    assert_eq!(delta.len(), from.len(), "as many positions as deltas");
    windows.each_input_pixel(
        isa,
        output,
        out,
        #[inline(always)]
        |window, index, out| {
            let (delta, from) = (&delta[window.values.clone()], &from[window.values]);
            for ((out, &delta), &from) in out.iter_mut().zip(delta).zip(from) {
                *out = *out + if from == index { delta } else { T::zero() };
            }
        },
    );
}
