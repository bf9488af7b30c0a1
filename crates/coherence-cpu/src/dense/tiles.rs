//! The kernel of the Gram matrix: dots of tiles of rows.
//!
//! Vector lanes run over columns. A tile of 4 × 4 rows keeps its 16 dots in registers; only tiles on
//! and below the diagonal are computed. The tiles on the diagonal read the rows in place and copy them,
//! four rows interleaved. The other tiles read the copies, which are contiguous, so that no vector
//! straddles two cache lines. Meanwhile the next columns of the rows are prefetched, some with each
//! tile.
//! `n`: rows, `d`: columns.
#![allow(unsafe_code)] // vectors loaded and stored without bounds checks

use core::ops::Range;

use crate::{
    Element,
    scratch::copy_padded,
    simd::{Kernel, Simd, TILE},
};

/// Columns of one pass: few enough that the copies of a hundred rows and their next columns stay in L2,
/// and so many that summing the lanes is a small part of the work.
pub(super) const COLUMNS: usize = 384;

/// Rows of a tile.
pub(super) const SIDE: usize = 4;

const _: () = assert!(SIDE * SIDE == TILE);

/// Rows of tiles that are multiplied with a tile of other rows while it is in L1.
const BAND: usize = 3;

/// The offset of the dots of tile (e, f), f <= e, among those of all tiles.
pub(super) fn tile(e: usize, f: usize) -> usize {
    (e * (e + 1) / 2 + f) * TILE
}

/// The dots of some columns, tile by tile, [tiles, SIDE, SIDE]. In a tile on the diagonal only those on
/// and below its own diagonal are computed.
#[derive(Debug)]
pub struct Tiles<'a, T> {
    pub(super) rows: &'a [T],
    pub(super) n: usize,
    pub(super) d: usize,
    pub(super) columns: Range<usize>,
    /// [⌈n / SIDE⌉, COLUMNS / LANES, SIDE, LANES]
    pub(super) packed: &'a mut [T],
}

impl<T: Element> Kernel<T> for Tiles<'_, T> {
    type Output = Vec<f64>;

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) -> Vec<f64> {
        let packed = core::mem::take(&mut self.packed);
        let side = self.n.div_ceil(SIDE);
        let mut sums = vec![0.0; tile(side, 0)];
        for start in self.columns.clone().step_by(COLUMNS) {
            let columns = start..self.columns.end.min(start + COLUMNS);
            let len = columns.len().div_ceil(S::LANES) * S::LANES * SIDE;
            let at = |e: usize| e * SIDE * COLUMNS..e * SIDE * COLUMNS + len;
            let mut ahead = Ahead::new(&self, columns.end);
            for first in (0..side).step_by(BAND) {
                let band = first..side.min(first + BAND);
                for e in band.clone() {
                    let rows = self.four(e * SIDE, columns.clone());
                    let dots = pack(simd, rows, &mut packed[at(e)], &mut ahead);
                    add(&mut sums[tile(e, e)..], dots);
                }
                for f in 0..band.end {
                    for e in first.max(f + 1)..band.end {
                        let dots = dots(simd, &packed[at(e)], &packed[at(f)], &mut ahead);
                        add(&mut sums[tile(e, f)..], dots);
                    }
                }
            }
        }
        sums
    }
}

impl<T> Tiles<'_, T> {
    /// Some columns of the four rows from `first` on; the last row is repeated for rows beyond it.
    #[inline(always)]
    fn four(&self, first: usize, columns: Range<usize>) -> [&[T]; SIDE] {
        let mut rows = [self.rows; SIDE];
        for (i, row) in rows.iter_mut().enumerate() {
            *row = &self.rows[self.d * (first + i).min(self.n - 1)..][columns.clone()];
        }
        rows
    }
}

#[inline(always)]
fn add(sums: &mut [f64], dots: [f64; TILE]) {
    for (sum, dot) in sums[..TILE].iter_mut().zip(dots) {
        *sum += dot;
    }
}

/// The dots of four rows with each other. Copies the rows to `packed` [vectors, SIDE, LANES], padded
/// with zeros.
#[inline(always)]
fn pack<T: Element, S: Simd<T>>(
    simd: S,
    rows: [&[T]; SIDE],
    packed: &mut [T],
    ahead: &mut Ahead<T>,
) -> [f64; TILE] {
    let width = rows[0].len();
    assert!(rows.iter().all(|row| row.len() == width));
    ahead.next_tile();
    let mut sums = [simd.splat(T::zero()); TILE];
    for (at, packed) in packed.chunks_exact_mut(SIDE * S::LANES).enumerate() {
        ahead.prefetch(simd);
        let start = at * S::LANES;
        let mut x = [simd.splat(T::zero()); SIDE];
        for i in 0..SIDE {
            let to = &mut packed[i * S::LANES..][..S::LANES];
            if start + S::LANES <= width {
                // SAFETY: every row holds `width` values, `to` LANES.
                unsafe {
                    x[i] = simd.load(rows[i].as_ptr().add(start));
                    simd.store(to.as_mut_ptr(), x[i]);
                }
            } else {
                copy_padded(&rows[i][start..], to);
                // SAFETY: `to` holds LANES values.
                x[i] = unsafe { simd.load(to.as_ptr()) };
            }
        }
        for i in 0..SIDE {
            for j in 0..=i {
                sums[i * SIDE + j] = simd.mul_add(x[i], x[j], sums[i * SIDE + j]);
            }
        }
    }
    simd.lane_sums(sums)
}

/// The dots of each row of the tile `left` with each of `right`, both [vectors, SIDE, LANES].
#[inline(always)]
fn dots<T: Element, S: Simd<T>>(
    simd: S,
    left: &[T],
    right: &[T],
    ahead: &mut Ahead<T>,
) -> [f64; TILE] {
    assert!(left.len() == right.len() && left.len().is_multiple_of(SIDE * S::LANES));
    ahead.next_tile();
    let mut sums = [simd.splat(T::zero()); TILE];
    for at in (0..left.len()).step_by(SIDE * S::LANES) {
        ahead.prefetch(simd);
        let (mut x, mut y) = ([simd.splat(T::zero()); SIDE], [simd.splat(T::zero()); SIDE]);
        for i in 0..SIDE {
            // SAFETY: SIDE vectors begin at `at`, by the assertion.
            unsafe {
                x[i] = simd.load(left.as_ptr().add(at + i * S::LANES));
                y[i] = simd.load(right.as_ptr().add(at + i * S::LANES));
            }
        }
        for i in 0..SIDE {
            for j in 0..SIDE {
                sums[i * SIDE + j] = simd.mul_add(x[i], y[j], sums[i * SIDE + j]);
            }
        }
    }
    simd.lane_sums(sums)
}

/// Prefetches the cache lines of the next pass, row by row, the same number with each tile.
struct Ahead<'a, T> {
    rows: &'a [T],
    d: usize,
    /// First column of the pass.
    start: usize,
    /// The lines to be prefetched with the current tile.
    lines: Range<usize>,
    per_tile: usize,
    total: usize,
}

impl<'a, T: Element> Ahead<'a, T> {
    const PER_ROW: usize = COLUMNS / TILE;

    /// Lines prefetched with each vector of a tile's columns. More than four rows need no more; up to
    /// four rows are prefetched by the hardware.
    const PER_VECTOR: usize = 2;

    #[inline(always)]
    fn new(tiles: &Tiles<'a, T>, start: usize) -> Self {
        let &Tiles { rows, n, d, .. } = tiles;
        let total = n * Self::PER_ROW;
        let per_tile = total.div_ceil(tile(n.div_ceil(SIDE), 0) / TILE);
        Self { rows, d, start, lines: 0..0, per_tile, total }
    }

    #[inline(always)]
    fn next_tile(&mut self) {
        self.lines.end = self.total.min(self.lines.end + self.per_tile);
    }

    #[inline(always)]
    fn prefetch<S: Simd<T>>(&mut self, simd: S) {
        for _ in 0..Self::PER_VECTOR {
            if let Some(line) = self.lines.next() {
                let (row, line) = (line / Self::PER_ROW, line % Self::PER_ROW);
                let at = row * self.d + self.start + line * TILE;
                simd.prefetch(self.rows.as_ptr().wrapping_add(at));
            }
        }
    }
}
