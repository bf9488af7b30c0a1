//! Robust means of columns, blocks of columns at a time.
//!
//! A block is copied row by row, in stretches that the memory's prefetchers follow, into tiles of
//! 16 columns × n rows; a tile then stays in L1 while it is selected from.
//! `n`: rows, `d`: columns.
#![allow(unsafe_code)] // tiles read and written without bounds checks

use rayon::prelude::*;

use crate::{
    Element, Isa,
    order::{
        Values,
        rule::{Rule, Selection},
    },
    scratch::Scratch,
    simd::{Kernel, Simd, TILE},
};

/// Values of a block: half of a core's L2 at most, and no rows so short that reading them stalls.
const BLOCK_VALUES: usize = 1 << 16;

/// `out [d]` = `rule` over each column of `rows [n, d]`.
pub(super) fn select<T: Element>(isa: Isa, rows: &[T], rule: Rule, out: &mut [T]) {
    let (n, d) = (rows.len() / out.len(), out.len());
    let selection = Selection::new(rule, n);
    let width = (BLOCK_VALUES / n / TILE).clamp(1, 64) * TILE;
    out.par_chunks_mut(width).enumerate().for_each(|(at, out)| {
        T::run(isa, Block { selection: &selection, rows, n, d, start: at * width, out });
    });
}

/// Columns `start .. start + out.len()`.
struct Block<'a, T> {
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
    fn run<S: Simd<T>>(self, simd: S) {
        let mut tiles = Scratch::new(self.out.len().div_ceil(TILE) * self.n * TILE);
        self.copy(simd, &mut tiles);
        let mut sorting = Scratch::new(self.selection.scratch_rows() * S::LANES);
        let mut result = [T::zero(); TILE];
        for (tile, out) in tiles.chunks_exact(self.n * TILE).zip(self.out.chunks_mut(TILE)) {
            for lane in (0..TILE).step_by(S::LANES) {
                let values = Column { tile: &tile[lane..], n: self.n };
                // SAFETY: `sorting` has the rows the selection asks for; LANES values of `result`
                // begin at `lane`, a multiple of LANES below TILE.
                unsafe {
                    let mean = self.selection.aggregate(simd, &values, sorting.as_mut_ptr());
                    simd.store(result.as_mut_ptr().add(lane), mean);
                }
            }
            out.copy_from_slice(&result[..out.len()]);
        }
    }
}

impl<T: Element> Block<'_, T> {
    /// The block's columns as tiles [⌈columns / TILE⌉, n, TILE].
    #[inline(always)]
    fn copy<S: Simd<T>>(&self, simd: S, tiles: &mut [T]) {
        for (row, from) in self.rows.chunks_exact(self.d).enumerate() {
            let from = &from[self.start..][..self.out.len()];
            for (t, from) in from.chunks(TILE).enumerate() {
                let to = &mut tiles[(t * self.n + row) * TILE..][..TILE];
                if from.len() < TILE {
                    to[..from.len()].copy_from_slice(from);
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

/// The n values of each of `LANES` columns, at stride [`TILE`].
struct Column<'a, T> {
    tile: &'a [T],
    n: usize,
}

impl<T: Element, S: Simd<T>> Values<T, S> for Column<'_, T> {
    #[inline(always)]
    fn len(&self) -> usize {
        self.n
    }

    #[inline(always)]
    unsafe fn at(&self, simd: S, index: usize) -> S::V {
        debug_assert!(index * TILE + S::LANES <= self.tile.len());
        // SAFETY: index < n by the caller's promise, and the tile has n rows of TILE values.
        unsafe { simd.load(self.tile.as_ptr().add(index * TILE)) }
    }
}
