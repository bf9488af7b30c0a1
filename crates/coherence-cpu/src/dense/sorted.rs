//! Rules that need more than one pair of order statistics: columns are sorted, one per vector lane.
//!
//! `n`: rows, `d`: columns.
#![allow(unsafe_code)] // tiles loaded and stored without bounds checks
#![allow(clippy::needless_range_loop)] // lanes of several arrays, side by side

use coherence_core::aggregate::Interpolation;
use std::sync::Arc;

use super::sum::ColumnView;
use crate::{
    Element, Isa,
    order::{network::Network, sort8::BLOCK},
    scratch::Scratch,
    simd::{Kernel, Simd, TILE},
};

/// How the result is computed from a sorted column.
#[derive(Clone, Copy, Debug)]
pub(super) enum SortedFinish {
    /// The mean of the n − f values closest to the median; of two equally close values the lower is
    /// kept.
    Around { f: usize },
    /// The mean of the values clipped to two thresholds, each between two order statistics.
    Between(Interpolation),
}

/// A sorting network for n values, and the computation that follows.
#[derive(Clone, Debug)]
pub(super) struct Sorted {
    pub(super) finish: SortedFinish,
    network: Arc<Network>,
}

impl Sorted {
    pub(super) fn new(finish: SortedFinish, n: usize) -> Self {
        let wires: Vec<usize> = (0..n).collect();
        Self { finish, network: Arc::new(Network::new(n.next_multiple_of(BLOCK), &wires)) }
    }

    /// Applies the rule to the first `out.len()` columns of `view`.
    pub(super) fn columns<T: Element>(&self, isa: Isa, view: ColumnView<'_, T>, out: &mut [T]) {
        T::sort_columns(isa, SortedColumns { sorted: self, view, out });
    }
}

#[derive(Debug)]
pub struct SortedColumns<'a, T> {
    sorted: &'a Sorted,
    view: ColumnView<'a, T>,
    out: &'a mut [T],
}

impl<T: Element> Kernel<T> for SortedColumns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let ColumnView { rows, d, start } = self.view;
        let n = rows.len() / d;
        let mut tile = Scratch::new(n.next_multiple_of(BLOCK) * TILE);
        for (at, out) in self.out.chunks_mut(TILE).enumerate() {
            let (filled, beyond) = tile.split_at_mut(n * TILE);
            for (to, row) in filled.chunks_exact_mut(TILE).zip(rows.chunks_exact(d)) {
                let from = &row[start + at * TILE..][..out.len()];
                to[..from.len()].copy_from_slice(from);
                to[from.len()..].fill(T::zero());
            }
            beyond.fill(T::infinity());
            for lane in (0..TILE).step_by(S::LANES) {
                // SAFETY: the network is for the tile's rows of TILE values, of which LANES begin at
                // `lane`, a multiple of LANES below TILE.
                unsafe {
                    self.sorted.network.run(simd, tile.as_mut_ptr().add(lane), TILE);
                }
            }
            let mut results = [0.0; TILE];
            match self.sorted.finish {
                SortedFinish::Around { f } => around(&tile[..n * TILE], f, &mut results),
                SortedFinish::Between(between) => clipped(&tile[..n * TILE], between, &mut results),
            }
            for (out, result) in out.iter_mut().zip(results) {
                *out = T::narrow(result) + T::zero();
            }
        }
    }
}

/// For each column of the sorted `tile` [n, TILE], the mean of the n − f values closest to the median.
///
/// These are consecutive, x_(s) … x_(s+n−f−1), where s is the number of positions at which the lower
/// end is farther from the median than the value after the upper end. As 2f < n, the values from x_(f)
/// to x_(n−f−1) are always kept, and one of each pair x_(e), x_(e+n−f), e < f.
#[inline(always)]
fn around<T: Element>(tile: &[T], f: usize, results: &mut [f64; TILE]) {
    let n = tile.len() / TILE;
    let row =
        |e: usize| -> &[T; TILE] { tile[e * TILE..][..TILE].try_into().expect("TILE values") };
    let (lower, upper) = (row((n - 1) / 2), row(n / 2));
    let mut median = [0.0; TILE];
    for l in 0..TILE {
        let (lower, upper) = (lower[l].widen(), upper[l].widen());
        let middle = (lower + upper) / 2.0;
        median[l] = if middle.is_finite() { middle } else { lower / 2.0 + upper / 2.0 };
    }
    let mut sum = [0.0; TILE];
    for e in 0..f {
        let (low, high) = (row(e), row(e + n - f));
        for l in 0..TILE {
            let (low, high) = (low[l].widen(), high[l].widen());
            sum[l] += if median[l] - low > high - median[l] { high } else { low };
        }
    }
    for e in f..n - f {
        let values = row(e);
        for l in 0..TILE {
            sum[l] += values[l].widen();
        }
    }
    for l in 0..TILE {
        results[l] = sum[l] / (n - f) as f64;
    }
}

/// For each column of the sorted `tile` [n, TILE], the mean of the values clipped to the thresholds.
#[inline(always)]
fn clipped<T: Element>(tile: &[T], between: Interpolation, results: &mut [f64; TILE]) {
    let n = tile.len() / TILE;
    let Interpolation { at, next, .. } = between;
    let value = |e: usize, l: usize| tile[e * TILE + l].widen();
    let (mut low, mut high, mut sum) = ([0.0; TILE], [0.0; TILE], [0.0; TILE]);
    for l in 0..TILE {
        let ends = [at, next, n - 1 - at, n - 1 - next].map(|e| value(e, l));
        (low[l], high[l]) = between.thresholds(ends);
    }
    for row in tile.chunks_exact(TILE) {
        for l in 0..TILE {
            let x = row[l].widen();
            let x = if x > low[l] { x } else { low[l] };
            sum[l] += if x < high[l] { x } else { high[l] };
        }
    }
    for l in 0..TILE {
        results[l] = sum[l] / n as f64;
    }
}
