//! Squared norms and dots of rows, in `f64`.
//!
//! A product of two `f32` is exact in `f64`, so only the additions round.
#![allow(unsafe_code)] // vectors loaded without bounds checks

use rayon::prelude::*;

use crate::{
    Element, Isa,
    simd::{Kernel, Simd},
};

/// Rows of a piece of work.
const PIECE: usize = 64;

/// Squared norms of the rows, `out[e] = ‖x_e‖²`, for `x [out.len(), width]`.
///
/// # Panics
///
/// When `x` is not `out.len()` rows of one width.
///
/// ```
/// let mut out = [0.0];
/// use coherence_cpu::{Isa, norms::row_sq_norms};
/// row_sq_norms(Isa::detect(), &[3.0f32, 4.0], &mut out);
/// assert_eq!(out, [25.0]);
/// ```
pub fn row_sq_norms<T: Element>(isa: Isa, x: &[T], out: &mut [f64]) {
    row_dots(isa, x, x, out);
}

/// Dots of corresponding rows, `out[e] = x_e · y_e`, for `x` and `y [out.len(), width]`.
///
/// # Panics
///
/// When `x` and `y` are not `out.len()` rows of one width.
///
/// ```
/// let mut out = [0.0; 2];
/// use coherence_cpu::{Isa, norms::row_dots};
/// row_dots(Isa::detect(), &[1.0f32, 2.0, 3.0, 4.0], &[1.0, 1.0, 0.5, 0.5], &mut out);
/// assert_eq!(out, [3.0, 3.5]);
/// ```
pub fn row_dots<T: Element>(isa: Isa, x: &[T], y: &[T], out: &mut [f64]) {
    if out.is_empty() {
        return;
    }
    let width = x.len() / out.len();
    assert_eq!((x.len(), y.len()), (width * out.len(), width * out.len()), "rows of one width");
    dots(isa, x, width, |e| &y[e * width..][..width], out);
}

/// Dots of every row with one vector, `out[e] = x_e · y`, for `x [out.len(), width]`, `y [width]`.
///
/// # Panics
///
/// When `x` is not `out.len()` rows of the width of `y`.
///
/// ```
/// let mut out = [0.0; 2];
/// use coherence_cpu::{Isa, norms::dots_with};
/// dots_with(Isa::detect(), &[1.0f32, 2.0, 3.0, 4.0], &[1.0, 0.5], &mut out);
/// assert_eq!(out, [2.0, 5.0]);
/// ```
pub fn dots_with<T: Element>(isa: Isa, x: &[T], y: &[T], out: &mut [f64]) {
    assert_eq!(x.len(), y.len() * out.len(), "rows of the vector's width");
    dots(isa, x, y.len(), |_| y, out);
}

/// `out[e]` = row e of `x` times `other(e)`, both of that width.
fn dots<'a, T: Element>(
    isa: Isa,
    x: &[T],
    width: usize,
    other: impl Fn(usize) -> &'a [T] + Sync,
    out: &mut [f64],
) {
    out.par_chunks_mut(PIECE)
        .with_min_len(1 + (1 << 14) / (width * PIECE).max(1))
        .enumerate()
        .for_each(|(at, out)| {
            for (out, e) in out.iter_mut().zip(at * PIECE..) {
                *out = T::run(isa, Dot { x: &x[e * width..][..width], y: other(e) });
            }
        });
}

/// x · y for two slices of one length.
pub(crate) struct Dot<'a, T> {
    pub(crate) x: &'a [T],
    pub(crate) y: &'a [T],
}

impl<T: Element> Kernel<T> for Dot<'_, T> {
    type Output = f64;

    /// Two running sums hide the latency of an addition.
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> f64 {
        let len = self.x.len().min(self.y.len());
        let whole = len / S::LANES * S::LANES;
        let mut sums = [simd.wide_splat(0.0); 2];
        for at in (0..whole).step_by(S::LANES) {
            // SAFETY: at + LANES <= whole <= both lengths.
            let (x, y) =
                unsafe { (simd.load(self.x.as_ptr().add(at)), simd.load(self.y.as_ptr().add(at))) };
            let product = simd.wide_mul(simd.widen(x), simd.widen(y));
            sums = [sums[1], simd.wide_add(sums[0], product)];
        }
        let rest = self.x[whole..len].iter().zip(&self.y[whole..len]);
        let rest: f64 = rest.map(|(x, y)| x.widen() * y.widen()).sum();
        simd.wide_sum(simd.wide_add(sums[0], sums[1])) + rest
    }
}
