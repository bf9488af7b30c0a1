//! The Gram matrix of the rows of a dense matrix, from which distances between rows follow.
//!
//! Lanes run over columns: a tile of 4 × 4 rows keeps its 16 dots in registers, and only tiles on
//! and below the diagonal are computed. The columns of a pass are copied first, four rows
//! interleaved: on their own pages no vector straddles two cache lines.
//! `n`: rows, `d`: columns.
#![allow(unsafe_code)] // vectors loaded and stored without bounds checks

use rayon::prelude::*;

use super::{AHEAD, prefetch};
use crate::{
    Element, Isa,
    scratch::Scratch,
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
        let mut packed = Scratch::new(n.div_ceil(SIDE) * SIDE * COLUMNS);
        for start in self.columns.clone().step_by(COLUMNS) {
            let width = COLUMNS.min(self.columns.end - start);
            self.pack(simd, start, width, &mut packed);
            let len = width.div_ceil(S::LANES) * S::LANES * SIDE;
            let tile = |row: usize| &packed[row * COLUMNS..][..len];
            for e in (0..n).step_by(SIDE) {
                for f in (0..=e).step_by(SIDE) {
                    let dots = dots(simd, tile(e), tile(f));
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

impl<T: Element> LowerGram<'_, T> {
    /// Columns `start .. start + width` as [⌈n / SIDE⌉, COLUMNS / LANES, SIDE, LANES]; lanes beyond
    /// the width are zeros, rows beyond n and columns beyond the last vector keep what they held.
    #[inline(always)]
    fn pack<S: Simd<T>>(&self, simd: S, start: usize, width: usize, packed: &mut [T]) {
        for row in 0..self.n {
            let ahead = &self.rows[self.d * (row + AHEAD).min(self.n - 1) + start..][..width];
            prefetch(simd, ahead);
            let from = &self.rows[self.d * row + start..][..width];
            let to = &mut packed[row / SIDE * SIDE * COLUMNS..][..SIDE * COLUMNS];
            let to = to.chunks_exact_mut(S::LANES).skip(row % SIDE).step_by(SIDE);
            for (from, to) in from.chunks(S::LANES).zip(to) {
                if from.len() == S::LANES {
                    // SAFETY: both hold LANES values.
                    unsafe { simd.store(to.as_mut_ptr(), simd.load(from.as_ptr())) }
                } else {
                    to[..from.len()].copy_from_slice(from);
                    to[from.len()..].fill(T::zero());
                }
            }
        }
    }
}

/// The dots of each row of the tile `left` with each of `right`, both [vectors, SIDE, LANES].
#[inline(always)]
fn dots<T: Element, S: Simd<T>>(simd: S, left: &[T], right: &[T]) -> [[f64; SIDE]; SIDE] {
    assert!(left.len() == right.len() && left.len().is_multiple_of(SIDE * S::LANES));
    let mut sums = [[simd.splat(T::zero()); SIDE]; SIDE];
    for at in (0..left.len()).step_by(SIDE * S::LANES) {
        let load = |from: &[T]| -> [S::V; SIDE] {
            // SAFETY: SIDE vectors begin at `at`, by the assertion.
            core::array::from_fn(|i| unsafe { simd.load(from.as_ptr().add(at + i * S::LANES)) })
        };
        let (x, y) = (load(left), load(right));
        for i in 0..SIDE {
            for j in 0..SIDE {
                sums[i][j] = simd.mul_add(x[i], y[j], sums[i][j]);
            }
        }
    }
    let mut dots = [[0.0; SIDE]; SIDE];
    for i in 0..SIDE {
        for j in 0..SIDE {
            dots[i][j] = simd.wide_sum(simd.widen(sums[i][j]));
        }
    }
    dots
}
