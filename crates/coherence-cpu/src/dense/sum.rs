//! Weighted sums of the rows of a dense matrix.
//!
//! `n`: rows, `d`: columns.
#![allow(unsafe_code)] // vectors loaded and stored without bounds checks

use core::ops::Range;

use rayon::prelude::*;

use super::{finite::first_in_columns, select::FEW};
use crate::{
    Element, Isa,
    scratch::Scratch,
    simd::{Kernel, Simd, TILE},
};

/// Columns of a block: the runs of each row are long, and the sums stay in L1.
const COLUMNS: usize = 1 << 12;

/// Rows added at a time if there are more than [`FEW`]; fewer are added all at once.
const BAND: usize = 4;

/// Cache lines prefetched ahead of the current columns in all rows of a band: a third of L1.
const AHEAD: usize = 256;

/// The most cache lines prefetched ahead in one row.
const FAR: usize = 32;

/// `out[j] = Σ_e weights[e] rows[e, j] / divisor`, accumulated in `f64` in the order of the rows; a
/// zero is +0.
pub(super) fn weighted_sum<T: Element>(
    isa: Isa,
    rows: &[T],
    weights: &[f64],
    divisor: f64,
    out: &mut [T],
) {
    let d = out.len();
    assert_eq!(rows.len(), weights.len() * d);
    out.par_chunks_mut(COLUMNS).enumerate().for_each(|(at, out)| {
        mean_here(isa, ColumnView { rows, d, start: at * COLUMNS }, weights, divisor, out);
    });
}

/// [`weighted_sum`] for the first `out.len()` columns of `view`, on the calling thread.
pub(super) fn mean_here<T: Element>(
    isa: Isa,
    view: ColumnView<'_, T>,
    weights: &[f64],
    divisor: f64,
    out: &mut [T],
) {
    let ColumnView { rows, d, start } = view;
    for (at, out) in out.chunks_mut(COLUMNS).enumerate() {
        let sums = &mut Scratch::new(out.len());
        let start = start + at * COLUMNS;
        T::sum_columns(isa, Sum { rows, d, start, weights, divisor, sums, out, more: false });
    }
}

/// Adds rows [n, d] to `sums` \[d\], row by row. The sums are bit for bit the same for any division of
/// the rows into parts; divided and narrowed they equal [`weighted_sum`] with weights 1.
///
/// Returns whether all sums are finite. If they are, all rows were: a NaN or an infinity stays in its sum.
pub(super) fn add_rows<T: Element>(isa: Isa, rows: &[T], sums: &mut [f64]) -> bool {
    let d = sums.len();
    let weights = &vec![1.0; rows.len() / d];
    for (at, sums) in sums.chunks_mut(COLUMNS).enumerate() {
        let out = &mut Scratch::new(sums.len()); // only its length is used
        let start = at * COLUMNS;
        T::sum_columns(isa, Sum { rows, d, start, weights, divisor: 1.0, sums, out, more: true });
    }
    let view = ColumnView { rows: &*sums, d, start: 0 };
    first_in_columns(isa, view, d).is_none()
}

/// The columns of `rows` [n, d] from `start` on.
#[derive(Clone, Copy, Debug)]
pub(super) struct ColumnView<'a, T> {
    pub(super) rows: &'a [T],
    pub(super) d: usize,
    pub(super) start: usize,
}

/// The sums of columns `start .. start + out.len()`.
#[derive(Debug)]
pub struct Sum<'a, T> {
    rows: &'a [T],
    d: usize,
    start: usize,
    weights: &'a [f64],
    divisor: f64,
    sums: &'a mut [f64],
    out: &'a mut [T],
    /// Whether `sums` hold the sums of earlier rows and more rows follow; no results are written then.
    more: bool,
}

impl<T: Element> Kernel<T> for Sum<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let n = self.weights.len();
        let band = if n <= FEW { FEW } else { BAND };
        for first in (0..n).step_by(band) {
            self.add(simd, first..n.min(first + band));
        }
        self.add_last_columns::<S>();
    }
}

impl<T: Element> Sum<'_, T> {
    /// Adds a band of rows to the sums; the last band also writes the results.
    #[inline(always)]
    fn add<S: Simd<T>>(&mut self, simd: S, band: Range<usize>) {
        let Self { rows, d, start, weights, more, .. } = *self;
        let (n, out) = (weights.len(), &mut *self.out);
        let width = out.len();
        let Range { start: first, end: last } = band;
        let far = FAR.min(AHEAD / band.len()) * TILE;
        // The columns of a band are followed by those of the next band, or by the next block.
        let beyond = if last < n { last * d + start } else { start + width };
        let (zero, divisor) = (simd.splat(T::zero()), simd.wide_splat(self.divisor));
        assert!(rows.len() >= (last - 1) * d + start + width && self.sums.len() >= width);
        for at in (0..width / S::LANES * S::LANES).step_by(S::LANES) {
            let ahead = at + far;
            let ahead =
                if ahead < width { first * d + start + ahead } else { beyond + ahead - width };
            let mut ahead = rows.as_ptr().wrapping_add(ahead);
            let mut row = rows.as_ptr().wrapping_add(first * d + start + at);
            let sums = self.sums.as_mut_ptr().wrapping_add(at);
            let mut sum = simd.wide_splat(0.0);
            if first > 0 || more {
                // SAFETY: LANES sums begin at `at`.
                sum = unsafe { simd.wide_load(sums) };
            }
            for &weight in &weights[band.clone()] {
                simd.prefetch(ahead);
                // SAFETY: LANES of the row's `width` columns begin at `at`.
                let x = simd.widen(unsafe { simd.load(row) });
                sum = simd.wide_add(sum, simd.wide_mul(x, simd.wide_splat(weight)));
                ahead = ahead.wrapping_add(d);
                row = row.wrapping_add(d);
            }
            // SAFETY: LANES sums and results begin at `at`.
            unsafe {
                if last < n || more {
                    simd.wide_store(sums, sum);
                } else {
                    let mean = simd.add(simd.narrow(simd.wide_div(sum, divisor)), zero);
                    simd.store(out.as_mut_ptr().add(at), mean);
                }
            }
        }
    }

    /// The columns after the last whole vector.
    #[inline(always)]
    fn add_last_columns<S: Simd<T>>(&mut self) {
        let whole = self.out.len() / S::LANES * S::LANES;
        let places = self.sums[whole..].iter_mut().zip(&mut self.out[whole..]);
        for (column, (sum, out)) in (self.start + whole..).zip(places) {
            if !self.more {
                *sum = 0.0;
            }
            for (row, weight) in self.rows.chunks_exact(self.d).zip(self.weights) {
                *sum += row[column].widen() * weight;
            }
            if !self.more {
                *out = T::narrow(*sum / self.divisor) + T::zero();
            }
        }
    }
}
