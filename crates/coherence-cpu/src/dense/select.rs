//! Robust means of columns, one block of columns at a time.
//!
//! If there are many rows, a block is first copied to tiles of 16 columns × n rows. It is copied row by
//! row, in runs long enough for the hardware prefetchers. A tile then stays in L1 during the selection.
//! `n`: rows, `d`: columns.
#![allow(unsafe_code)] // tiles read and written without bounds checks

use rayon::prelude::*;

use super::sum::ColumnView;
use crate::{
    Element, Isa,
    order::{Values, rule::Selection},
    scratch::{Scratch, copy_padded},
    simd::{Kernel, Simd, TILE},
};

/// How many rows ahead of the current one are prefetched. The hardware prefetcher stops at the end of a
/// page, and with it at the end of a row's run.
const AHEAD: usize = 4;

/// Values of a block: at most half of L2, but runs long enough that reading them does not stall.
const BLOCK_VALUES: usize = 1 << 16;

/// Up to this many rows are read in place: the hardware prefetches as many streams. So is a single tile.
pub(super) const FEW: usize = 16;

/// How many values ahead of the current columns these streams are prefetched.
const FAR: usize = 32 * TILE;

/// Applies `selection` to each column of `rows [n, d]`; writes `out [d]`.
pub(super) fn select<T: Element>(isa: Isa, selection: &Selection, rows: &[T], out: &mut [T]) {
    let (n, d) = (rows.len() / out.len(), out.len());
    let tiles = if n <= FEW { 256 } else { 64 };
    let width = (BLOCK_VALUES / n / TILE).clamp(1, tiles) * TILE;
    out.par_chunks_mut(width).enumerate().for_each(|(at, out)| {
        T::select_block(isa, Block { selection, rows, n, d, start: at * width, out });
    });
}

/// [`select`] for a few columns, on the calling thread.
pub(crate) fn select_here<T: Element>(isa: Isa, selection: &Selection, rows: &[T], out: &mut [T]) {
    let (n, d) = (rows.len() / out.len(), out.len());
    T::select_block(isa, Block { selection, rows, n, d, start: 0, out });
}

/// [`select`] for the first `out.len()` columns of `view`, on the calling thread.
pub(super) fn select_columns<T: Element>(
    isa: Isa,
    selection: &Selection,
    view: ColumnView<'_, T>,
    out: &mut [T],
) {
    let ColumnView { rows, d, start } = view;
    let n = rows.len() / d;
    let width = (BLOCK_VALUES / n / TILE).clamp(1, 64) * TILE;
    for (at, out) in out.chunks_mut(width).enumerate() {
        T::select_block(isa, Block { selection, rows, n, d, start: start + at * width, out });
    }
}

/// The selection from columns `start .. start + out.len()`.
#[derive(Debug)]
pub struct Block<'a, T> {
    selection: &'a Selection,
    rows: &'a [T],
    n: usize,
    d: usize,
    start: usize,
    out: &'a mut [T],
}

impl<T: Element> Kernel<T> for Block<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let mut sorting = Scratch::new(self.selection.scratch_rows() * S::LANES);
        let out = core::mem::take(&mut self.out);
        let in_place = self.n <= FEW || self.d == TILE;
        let direct = if in_place { out.len() / TILE * TILE } else { 0 };
        for column in (0..direct).step_by(TILE) {
            let rows = &self.rows[self.start + column..];
            for e in 0..self.n {
                simd.prefetch(rows.as_ptr().wrapping_add(e * self.d + FAR));
            }
            let to = &mut out[column..][..TILE];
            select_tile(simd, self.selection, rows, self.d, self.n, &mut sorting, to);
        }
        self.start += direct;
        let out = &mut out[direct..];
        let mut tiles = Scratch::new(self.n * out.len().next_multiple_of(TILE));
        self.copy(simd, out.len(), &mut tiles);
        for (tile, out) in tiles.chunks_exact(self.n * TILE).zip(out.chunks_mut(TILE)) {
            let mut result = [T::zero(); TILE];
            select_tile(simd, self.selection, tile, TILE, self.n, &mut sorting, &mut result);
            out.copy_from_slice(&result[..out.len()]);
        }
    }
}

/// Applies the selection to [`TILE`] columns of n rows that begin `stride` apart; writes `out` [TILE].
#[inline(always)]
fn select_tile<T: Element, S: Simd<T>>(
    simd: S,
    selection: &Selection,
    rows: &[T],
    stride: usize,
    n: usize,
    sorting: &mut [T],
    out: &mut [T],
) {
    assert!(
        rows.len() >= (n - 1) * stride + TILE
            && out.len() == TILE
            && sorting.len() >= selection.scratch_rows() * S::LANES
    );
    for lane in (0..TILE).step_by(S::LANES) {
        let values = Column { rows: &rows[lane..], stride, n };
        // SAFETY: `sorting` has the rows the selection asks for; LANES values of `out` begin at
        // `lane`, a multiple of LANES below TILE.
        unsafe {
            let mean = selection.aggregate(simd, &values, sorting.as_mut_ptr());
            simd.store(out.as_mut_ptr().add(lane), mean);
        }
    }
}

impl<T: Element> Block<'_, T> {
    /// Copies the next `count` columns of the block to tiles [⌈count / TILE⌉, n, TILE], padded with
    /// zeros.
    #[inline(always)]
    fn copy<S: Simd<T>>(&self, simd: S, count: usize, tiles: &mut [T]) {
        for row in 0..self.n {
            if let Some(ahead) = self.rows.get((row + AHEAD) * self.d + self.start..) {
                for line in ahead[..ahead.len().min(count)].chunks(TILE) {
                    simd.prefetch(line.as_ptr());
                }
            }
            let from = &self.rows[row * self.d + self.start..][..count];
            for (t, from) in from.chunks(TILE).enumerate() {
                let to = &mut tiles[(t * self.n + row) * TILE..][..TILE];
                if from.len() < TILE {
                    copy_padded(from, to);
                    continue;
                }
                for lane in (0..TILE).step_by(S::LANES) {
                    // SAFETY: both hold TILE values, and lane + LANES <= TILE.
                    unsafe {
                        simd.store(to.as_mut_ptr().add(lane), simd.load(from.as_ptr().add(lane)));
                    }
                }
            }
        }
    }
}

/// The n values of each of `LANES` columns.
struct Column<'a, T> {
    rows: &'a [T],
    stride: usize,
    n: usize,
}

impl<T: Element, S: Simd<T>> Values<T, S> for Column<'_, T> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.n
    }

    #[inline(always)]
    unsafe fn at(&self, simd: S, index: usize) -> S::V {
        debug_assert!(index * self.stride + S::LANES <= self.rows.len());
        // SAFETY: index < n is the caller's obligation, and `select_tile` asserts that the rows hold
        // the tile's columns.
        unsafe { simd.load(self.rows.as_ptr().add(index * self.stride)) }
    }
}
