//! The Gram matrix of the rows of a dense matrix, from which distances between rows follow.
//!
//! Lanes run over columns: a tile of 4 × 4 rows keeps its 16 dots in registers, so that nothing
//! needs packing, and only tiles on and below the diagonal are computed.
//! `n`: rows, `d`: columns.
#![allow(unsafe_code)] // vectors loaded without bounds checks

use rayon::prelude::*;

use crate::{
    Element, Isa,
    simd::{Kernel, Simd},
};

/// Columns of one pass: short sums in the element type, and two tiles' rows fit L1.
const COLUMNS: usize = 1 << 10;

/// Passes that one thread adds up in turn.
const GROUP: usize = 16;

/// Rows of a tile.
const SIDE: usize = 4;

/// G [n, n], `G[e, f] = x_e · x_f`, for `rows [n, d]`.
///
/// Each lane sums at most 128 products in the element type, sums of these run in `f64`: within
/// 1e-6 ‖x_e‖ ‖x_f‖ for `f32`. The result is symmetric to the bit.
///
/// # Panics
///
/// When `rows` is not `n` rows of one width, `n > 0`.
///
/// ```
/// assert_eq!(coherence_cpu::dense::gram(&[1.0f32, 0.0, 1.0, 2.0], 2), [1.0, 1.0, 1.0, 5.0]);
/// ```
pub fn gram<T: Element>(rows: &[T], n: usize) -> Vec<f64> {
    gram_on(Isa::detect(), rows, n)
}

/// [`gram`] on a given instruction set.
pub fn gram_on<T: Element>(isa: Isa, rows: &[T], n: usize) -> Vec<f64> {
    assert!(n > 0 && rows.len().is_multiple_of(n), "{} values in {n} rows", rows.len());
    let d = rows.len() / n;
    let groups: Vec<Vec<f64>> = (0..d.div_ceil(COLUMNS * GROUP))
        .into_par_iter()
        .map(|group| {
            let start = group * COLUMNS * GROUP;
            T::run(isa, LowerGram { rows, n, d, columns: start..d.min(start + COLUMNS * GROUP) })
        })
        .collect();
    let mut sum = vec![0.0; n * n];
    for group in groups {
        sum.iter_mut().zip(group).for_each(|(s, g)| *s += g);
    }
    for e in 0..n {
        for f in 0..e {
            sum[f * n + e] = sum[e * n + f];
        }
    }
    sum
}

/// The Gram matrix of some columns, right on and below its diagonal.
struct LowerGram<'a, T> {
    rows: &'a [T],
    n: usize,
    d: usize,
    columns: core::ops::Range<usize>,
}

impl<T: Element> Kernel<T> for LowerGram<'_, T> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Vec<f64> {
        let n = self.n;
        let mut sum = vec![0.0; n * n];
        for start in self.columns.clone().step_by(COLUMNS) {
            let width = COLUMNS.min(self.columns.end - start);
            let row = |e: usize| &self.rows[e.min(n - 1) * self.d + start..][..width];
            for e in (0..n).step_by(SIDE) {
                let left: [&[T]; SIDE] = core::array::from_fn(|i| row(e + i));
                for f in (0..=e).step_by(SIDE) {
                    let dots = dots(simd, left, core::array::from_fn(|i| row(f + i)));
                    for (i, dots) in dots.iter().enumerate().take(n - e) {
                        let sum = &mut sum[(e + i) * n + f..][..SIDE.min(n - f)];
                        sum.iter_mut().zip(dots).for_each(|(s, d)| *s += d);
                    }
                }
            }
        }
        sum
    }
}

/// The dots of each of `left` with each of `right`, rows of one width.
#[inline(always)]
fn dots<T: Element, S: Simd<T>>(
    simd: S,
    left: [&[T]; SIDE],
    right: [&[T]; SIDE],
) -> [[f64; SIDE]; SIDE] {
    let width = left[0].len();
    assert!(left.iter().chain(&right).all(|row| row.len() == width));
    let whole = width / S::LANES * S::LANES;
    let mut sums = [[simd.splat(T::zero()); SIDE]; SIDE];
    for at in (0..whole).step_by(S::LANES) {
        // SAFETY: at + LANES <= whole <= the width of every row.
        let load = |row: &[T]| unsafe { simd.load(row.as_ptr().add(at)) };
        let (x, y) = (left.map(load), right.map(load));
        for i in 0..SIDE {
            for j in 0..SIDE {
                sums[i][j] = simd.mul_add(x[i], y[j], sums[i][j]);
            }
        }
    }
    let mut dots = [[0.0; SIDE]; SIDE];
    for i in 0..SIDE {
        for j in 0..SIDE {
            let rest = left[i][whole..].iter().zip(&right[j][whole..]);
            let rest: f64 = rest.map(|(x, y)| x.widen() * y.widen()).sum();
            dots[i][j] = simd.wide_sum(simd.widen(sums[i][j])) + rest;
        }
    }
    dots
}
