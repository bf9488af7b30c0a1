//! Terms of a product that are zero for a whole tile, found before it begins and left out.
//!
//! Of the pixels of handwritten digits four fifths are zero, and three fifths of all columns are zero in
//! all four rows of a tile. A term 0·w changes no sum while w is finite, so the result keeps its bits; where
//! the right factor is not, no term is left out.
#![allow(unsafe_code)] // vectors loaded without bounds checks

use core::ops::Range;

use rayon::prelude::*;

use super::{
    kernel::{DEPTH, GROUP},
    view::View,
};
use crate::{
    Element, Isa,
    dense::first_non_finite,
    scratch::Scratch,
    simd::{Kernel, Simd, TILE},
};

/// Places that are looked at to guess whether a factor is worth searching.
const SAMPLES: usize = 64;

/// Of the samples so many are zero in all rows where leaving terms out saves more than the search
/// and the indirection cost.
const LEAST_ZERO: usize = SAMPLES / 4;

/// Columns of the product at least: the search takes as long as multiplying some ten of them.
const LEAST_COLS: usize = 64;

/// Rows of a tile that leaves terms out. Of MNIST's pixels 0.39 of all columns are left with four rows and
/// 0.46 with eight (in the gradient 0.28 and 0.40); with fewer rows a tile has too few sums to hide the latency of
/// an addition.
pub(super) const HEIGHT: usize = 4;

/// Columns that the search in columns prefetches ahead.
const AHEAD: usize = 8;

/// Values of the right factor that are examined at a time.
const FINITE: usize = 1 << 14;

/// For each whole tile of the left factor the columns that hold a number other than zero.
#[derive(Debug)]
pub(super) struct NonZeros {
    inner: usize,
    /// [tiles, inner]: within each [`DEPTH`] columns the indices of those that are not zero, first.
    columns: Scratch<u8>,
    /// [tiles, ⌈inner / DEPTH⌉]: how many they are.
    counts: Scratch<u32>,
}

impl NonZeros {
    /// Searches the left factor of a product of `shape` (rows, inner, columns) with `right`, if a sample
    /// of it says that this is worth while.
    pub(super) fn find<T: Element>(
        isa: Isa,
        [rows, inner, cols]: [usize; 3],
        left: &View<'_, T>,
        right: &[T],
    ) -> Option<Self> {
        let tiles = rows / HEIGHT;
        if cols < LEAST_COLS || tiles == 0 || !is_sparse(left, [tiles, inner]) {
            return None;
        }
        if !right.par_chunks(FINITE).all(|part| first_non_finite(part).is_none()) {
            return None;
        }
        let blocks = inner.div_ceil(DEPTH);
        let mut columns = Scratch::new(tiles * inner);
        let mut counts = Scratch::new(tiles * blocks);
        let in_group = GROUP / HEIGHT;
        columns
            .par_chunks_mut(in_group * inner)
            .zip(counts.par_chunks_mut(in_group * blocks))
            .enumerate()
            .for_each(|(group, (columns, counts))| {
                let left = *left;
                T::search(isa, Search { left, first: group * GROUP, inner, columns, counts });
            });
        Some(Self { inner, columns, counts })
    }

    /// Columns `depth`, which begin a block, of the whole tile from row `row` on: those that are not zero,
    /// counted from `depth.start`.
    pub(super) fn of(&self, row: usize, depth: &Range<usize>) -> &[u8] {
        let (tile, blocks) = (row / HEIGHT, self.inner.div_ceil(DEPTH));
        let count = self.counts[tile * blocks + depth.start / DEPTH] as usize;
        &self.columns[tile * self.inner + depth.start..][..count]
    }
}

/// Whether enough samples of a tile's rows in one column are zero, spread over tiles and columns.
fn is_sparse<T: Element>(left: &View<'_, T>, [tiles, inner]: [usize; 2]) -> bool {
    let zero = |sample: usize| {
        // Multiples of the golden ratio leave no column far from a sample.
        let fraction = ((sample * 40_503) & 0xffff) as u64;
        let column = ((fraction * inner as u64) >> 16) as usize;
        let row = sample * tiles / SAMPLES * HEIGHT;
        (row..row + HEIGHT).all(|row| left.get(row, column) == T::zero())
    };
    inner > 0 && (0..SAMPLES).filter(|&sample| zero(sample)).count() >= LEAST_ZERO
}

/// The search in the tiles of up to [`GROUP`] rows; `columns` and `counts` are theirs of [`NonZeros`].
#[derive(Debug)]
pub struct Search<'a, T> {
    left: View<'a, T>,
    first: usize,
    inner: usize,
    columns: &'a mut [u8],
    counts: &'a mut [u32],
}

impl<T: Element> Kernel<T> for Search<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        for start in (0..self.inner).step_by(DEPTH) {
            let depth = start..self.inner.min(start + DEPTH);
            if self.left.has_rows() {
                self.search_rows(simd, &depth);
            } else {
                self.search_columns(simd, &depth);
            }
        }
    }
}

impl<T: Element> Search<'_, T> {
    fn tiles(&self) -> usize {
        self.columns.len() / self.inner
    }

    fn blocks(&self) -> usize {
        self.inner.div_ceil(DEPTH)
    }

    /// Rows whose values follow each other: several columns of a tile at a time.
    #[inline(always)]
    fn search_rows<S: Simd<T>>(&mut self, simd: S, depth: &Range<usize>) {
        let blocks = self.blocks();
        for tile in 0..self.tiles() {
            let to = &mut self.columns[tile * self.inner + depth.start..][..depth.len()];
            let row = self.first + tile * HEIGHT;
            let mut count = 0;
            for k in (0..depth.len()).step_by(S::LANES) {
                let mut found = 0;
                for row in row..row + HEIGHT {
                    found |= lanes(simd, self.left.row(row, depth.start + k..depth.end));
                }
                while found != 0 {
                    to[count] = (k + found.trailing_zeros() as usize) as u8;
                    count += 1;
                    found &= found - 1;
                }
            }
            self.counts[tile * blocks + depth.start / DEPTH] = count as u32;
        }
    }

    /// Columns whose values follow each other: all tiles of a column at a time.
    #[inline(always)]
    fn search_columns<S: Simd<T>>(&mut self, simd: S, depth: &Range<usize>) {
        let (tiles, blocks) = (self.tiles(), self.blocks());
        let mut counts = [0; GROUP];
        for k in 0..depth.len() {
            let column = self.left.column(depth.start + k, self.first..self.first + tiles * HEIGHT);
            for row in (0..column.len()).step_by(TILE) {
                simd.prefetch(self.left.at(self.first + row, depth.start + k + AHEAD));
            }
            let mut found = 0u64;
            for (at, lane) in (0..column.len()).step_by(S::LANES).enumerate() {
                found |= u64::from(lanes(simd, &column[lane..])) << (at * S::LANES);
            }
            for (tile, count) in counts[..tiles].iter_mut().enumerate() {
                // Written for each column and kept for those that are not zero: no branch.
                self.columns[tile * self.inner + depth.start + *count] = k as u8;
                *count += usize::from(found >> (tile * HEIGHT) & ((1 << HEIGHT) - 1) != 0);
            }
        }
        for (tile, &count) in counts[..tiles].iter().enumerate() {
            self.counts[tile * blocks + depth.start / DEPTH] = count as u32;
        }
    }
}

/// A bit for each of the first values, as many as a vector has lanes, that is not zero.
#[inline(always)]
fn lanes<T: Element, S: Simd<T>>(simd: S, values: &[T]) -> u32 {
    if values.len() >= S::LANES {
        // SAFETY: as many values are there as a vector has lanes.
        return simd.nonzeros(unsafe { simd.load(values.as_ptr()) });
    }
    values.iter().enumerate().fold(0, |found, (l, x)| found | u32::from(*x != T::zero()) << l)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_those_that_are_not_zero_in_some_row_of_a_tile() {
        let shape @ [rows, inner, _] = [101, 531, 64];
        // Two thirds of the columns are zero in most tiles, −0 among them, and a NaN is found.
        let value = |row: usize, column: usize| match (row / 24 + column / 7) % 3 {
            0 => [1.0, -1e-45, f32::NAN, 0.0][(row + column) % 4],
            _ => [0.0, -0.0][row % 2],
        };
        let by_row: Vec<f32> = (0..rows * inner).map(|n| value(n / inner, n % inner)).collect();
        let by_column: Vec<f32> = (0..rows * inner).map(|n| value(n % rows, n / rows)).collect();
        for &isa in Isa::available() {
            for (data, strides) in [(&by_row, [inner, 1]), (&by_column, [1, rows])] {
                let left = View::new(data, strides, [rows, inner]);
                let zeros = NonZeros::find(isa, shape, &left, &[1.0]).expect("many zeros");
                for row in (0..rows / HEIGHT * HEIGHT).step_by(HEIGHT) {
                    for start in (0..inner).step_by(DEPTH) {
                        let depth = start..inner.min(start + DEPTH);
                        let found = zeros.of(row, &depth).iter().map(|&k| start + usize::from(k));
                        let some = |&k: &usize| (row..row + HEIGHT).any(|r| value(r, k) != 0.0);
                        assert!(found.eq(depth.clone().filter(some)), "{isa:?} {strides:?} {row}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_factor_of_few_zeros_or_a_narrow_product_is_not_searched() {
        let data: Vec<f32> = (0..96 * 200).map(|n| (n % 3) as f32).collect();
        let sparse = vec![0.0f32; 96 * 200];
        for (data, cols, found) in [(&data, 64, false), (&sparse, 64, true), (&sparse, 63, false)] {
            let left = View::new(data, [200, 1], [96, 200]);
            assert_eq!(NonZeros::find(Isa::detect(), [96, 200, cols], &left, &[]).is_some(), found);
        }
        let few = View::new(&sparse, [200, 1], [1, 200]);
        assert!(NonZeros::find(Isa::detect(), [1, 200, 64], &few, &[]).is_none());
    }
}
