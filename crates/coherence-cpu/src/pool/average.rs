//! Average pooling.

use rayon::prelude::*;

use super::{Windows, windows::InputWindow};
use crate::{Element, Isa, product::Output, simd::TILE};

/// The number that the sum of a window is divided by. They differ only where windows reach into the
/// padding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divisor {
    /// Positions of the window, those in the padding too: PyTorch's default.
    Window,
    /// Positions of the window that are in the input: `count_include_pad=False`.
    Inputs,
}

impl Divisor {
    /// The one of the two numbers of positions that a sum is divided by.
    #[inline(always)]
    pub fn choose(self, padded: usize, inputs: usize) -> usize {
        match self {
            Self::Window => padded,
            Self::Inputs => inputs,
        }
    }
}

/// Forward: `out[e, o, j] = Σ_{i in window o} x[e, i, j] / divisor`, the sum in `f64`.
///
/// x [m, h, w, c], out [m, oh, ow, c].
///
/// # Panics
///
/// When a slice's length is not the product of its sizes.
///
/// ```
/// use coherence_cpu::{Isa, pool::{Divisor, Windows, average_forward}};
/// let windows = Windows::adaptive([1, 3], [1, 2], 1)?;
/// let mut out = [0.0f32; 2];
/// average_forward(Isa::detect(), &windows, Divisor::Window, &[1.0, 3.0, 8.0], &mut out);
/// assert_eq!(out, [2.0, 5.5]);
/// # Ok::<(), coherence_cpu::pool::PoolError>(())
/// ```
pub fn average_forward<T: Element>(
    isa: Isa,
    windows: &Windows,
    divisor: Divisor,
    x: &[T],
    out: &mut [T],
) {
    windows.examples(x.len(), out.len());
    let (len, c) = (windows.output_row_len(), windows.channels());
    windows.each_output_row(
        isa,
        out.par_chunks_mut(len),
        #[inline(always)]
        |row, out| {
            for (out, window) in out.chunks_exact_mut(c).zip(row.windows(x)) {
                let count = divisor.choose(window.padded, window.inputs()) as f64;
                let whole = c / TILE * TILE;
                for at in (0..whole).step_by(TILE) {
                    average::<T, TILE>(&window, at, count, &mut out[at..]);
                }
                for at in whole..c {
                    average::<T, 1>(&window, at, count, &mut out[at..]);
                }
            }
        },
    );
}

/// The averages of `N` channels from `start` on, whose sums stay in registers.
#[inline(always)]
fn average<T: Element, const N: usize>(
    window: &InputWindow<'_, T>,
    start: usize,
    count: f64,
    out: &mut [T],
) {
    let mut sums = [0.0; N];
    window.each::<N>(start, |_, values| {
        for j in 0..N {
            sums[j] += values[j].widen();
        }
    });
    out.iter_mut().zip(sums).for_each(|(out, sum)| *out = T::narrow(sum / count));
}

/// Backward: `out[e, i, j] (+)= Σ_{windows o that contain i} delta[e, o, j] / divisor`.
///
/// delta [m, oh, ow, c], out [m, h, w, c].
///
/// # Panics
///
/// When a slice's length is not the product of its sizes.
///
/// ```
/// use coherence_cpu::{Isa, pool::{Divisor, Windows, average_backward}, product::Output};
/// let windows = Windows::adaptive([1, 3], [1, 2], 1)?;
/// let mut out = [0.0f32; 3];
/// average_backward(Isa::detect(), &windows, Divisor::Window, &[4.0, 6.0], Output::Overwrite, &mut out);
/// assert_eq!(out, [2.0, 5.0, 3.0]);
/// # Ok::<(), coherence_cpu::pool::PoolError>(())
/// ```
pub fn average_backward<T: Element>(
    isa: Isa,
    windows: &Windows,
    divisor: Divisor,
    delta: &[T],
    output: Output,
    out: &mut [T],
) {
    windows.examples(out.len(), delta.len());
    windows.each_input_pixel(
        isa,
        output,
        out,
        #[inline(always)]
        |window, _, out| {
            let count = T::narrow(divisor.choose(window.padded, window.inputs) as f64);
            let delta = &delta[window.values];
            out.iter_mut().zip(delta).for_each(|(out, &delta)| *out = *out + delta / count);
        },
    );
}
