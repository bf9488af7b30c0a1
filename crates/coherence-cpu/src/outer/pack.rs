//! The two factors laid out for the selection kernels: tiles of lanes, and rows of non-zeros.
//!
//! `m`: examples. A factor is a row-major matrix [m, width].
#![allow(unsafe_code)] // transposing blocks through pointers

use crate::{
    Element,
    scratch::{Scratch, copy_padded},
    simd::{Simd, TILE},
};

/// A factor in tiles of [`TILE`] columns: [⌈width / TILE⌉, m, TILE], zeros beyond the width.
pub(super) fn tiles<T: Element>(factor: &[T], m: usize, width: usize) -> Scratch<T> {
    let mut tiles = Scratch::new(width.div_ceil(TILE) * m * TILE);
    for (t, tile) in tiles.chunks_exact_mut(m * TILE).enumerate() {
        let columns = t * TILE..width.min((t + 1) * TILE);
        for (to, from) in tile.chunks_exact_mut(TILE).zip(factor.chunks_exact(width)) {
            copy_padded(&from[columns.clone()], to);
        }
    }
    tiles
}

/// Columns that one [`Rows`] holds at most.
pub(super) const CHUNK: usize = 2 * TILE;

/// Columns of a factor without most of their zeros.
#[derive(Debug)]
pub(super) struct Rows<T> {
    values: Scratch<T>,
    /// Which row of a tile each value multiplies.
    examples: Scratch<u32>,
    m: usize,
    lens: [usize; CHUNK],
}

impl<T: Element> Rows<T> {
    /// Room for [`CHUNK`] columns of `m` examples.
    pub(super) fn new(m: usize) -> Self {
        Self {
            values: Scratch::new(CHUNK * m),
            examples: Scratch::new(CHUNK * m),
            m,
            lens: [0; CHUNK],
        }
    }

    /// Takes in columns `start .. start + count` of a factor [m, width]: of each its non-zeros, in
    /// the order of the examples, and as many zeros as make their number a multiple of `granule`.
    #[inline(always)]
    pub(super) fn fill<S: Simd<T>>(
        &mut self,
        simd: S,
        factor: &[T],
        width: usize,
        columns: core::ops::Range<usize>,
        granule: usize,
        column: &mut [T],
    ) {
        let m = self.m;
        assert!(columns.end <= width && columns.len() <= CHUNK && factor.len() == m * width);
        let padded = m.next_multiple_of(TILE);
        assert!(column.len() >= TILE * padded);
        for (block, start) in columns.clone().step_by(TILE).enumerate() {
            let count = (columns.end - start).min(TILE);
            transpose_columns(simd, factor, width, start, count, &mut column[..TILE * padded]);
            for c in 0..count {
                let at = block * TILE + c;
                let row = (&mut self.values[at * m..][..m], &mut self.examples[at * m..][..m]);
                self.lens[at] = compress(&column[c * padded..][..m], row, granule);
            }
        }
    }

    /// The values of column `at`, counted from the first one taken in, and their examples.
    #[inline(always)]
    pub(super) fn row(&self, at: usize) -> (&[T], &[u32]) {
        let row = at * self.m..at * self.m + self.lens[at];
        (&self.values[row.clone()], &self.examples[row])
    }
}

/// `to[c, e] = factor[e, start + c]` for `count <= TILE` columns; `to` is [TILE, m up to a TILE].
#[inline(always)]
fn transpose_columns<T: Element, S: Simd<T>>(
    simd: S,
    factor: &[T],
    width: usize,
    start: usize,
    count: usize,
    to: &mut [T],
) {
    let (m, padded) = (factor.len() / width, to.len() / TILE);
    let whole = if count == TILE { m / S::LANES * S::LANES } else { 0 };
    for e in (0..whole).step_by(S::LANES) {
        for c in (0..TILE).step_by(S::LANES) {
            let from = &factor[e * width + start + c..];
            debug_assert!(from.len() >= (S::LANES - 1) * width + S::LANES);
            // SAFETY: examples below whole <= m and columns below start + TILE <= width on one
            // side, columns below TILE and examples below padded on the other.
            unsafe {
                let to = to.as_mut_ptr().add(c * padded + e);
                simd.transpose(from.as_ptr(), width, to, padded);
            }
        }
    }
    for e in whole..m {
        for c in 0..count {
            to[c * padded + e] = factor[e * width + start + c];
        }
    }
}

/// Non-zeros of `column` to the front of `row`, then zeros up to a multiple of `granule` while
/// there are any; returns how many.
#[inline(always)]
fn compress<T: Element>(
    column: &[T],
    (values, examples): (&mut [T], &mut [u32]),
    granule: usize,
) -> usize {
    let mut len = 0;
    for (e, &value) in column.iter().enumerate() {
        (values[len], examples[len]) = (value, e as u32);
        len += usize::from(value != T::zero());
    }
    let filled = len.next_multiple_of(granule).min(column.len());
    values[len..filled].fill(T::zero());
    examples[len..filled].fill(0);
    filled
}
