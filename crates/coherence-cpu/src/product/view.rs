//! A factor of a product: a matrix with strides in a slice.

use core::ops::Range;

use super::kernel::DEPTH;

/// Largest distance in bytes between the first and last column of a block that is read in place: 32
/// pages, half of what the first-level TLB of common processors holds.
const REACH: usize = 128 << 10;

/// A matrix in a slice: element (r, c) is `data[r * strides[0] + c * strides[1]]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a, T> {
    data: &'a [T],
    strides: [usize; 2],
}

impl<'a, T: Copy> View<'a, T> {
    /// Panics when an element of a matrix of `shape` lies outside `data`.
    pub(super) fn new(data: &'a [T], strides: [usize; 2], [rows, cols]: [usize; 2]) -> Self {
        let last = || (rows - 1) * strides[0] + (cols - 1) * strides[1];
        assert!(rows == 0 || cols == 0 || last() < data.len());
        Self { data, strides }
    }

    /// Whether a left factor of so many columns is packed before it is read: the columns of a block lie
    /// in too many pages, or its rows are not consecutive in them.
    pub(super) fn is_scattered(&self, inner: usize) -> bool {
        let [down, across] = self.strides;
        let reach = inner.min(DEPTH) * across * size_of::<T>();
        across != 1 && (down != 1 || reach > REACH)
    }

    /// Whether the values of a row follow each other; otherwise those of a column may.
    pub(super) fn has_rows(&self) -> bool {
        self.strides[1] == 1
    }

    pub(super) fn strides(&self) -> [usize; 2] {
        self.strides
    }

    pub(super) fn get(&self, row: usize, col: usize) -> T {
        self.data[row * self.strides[0] + col * self.strides[1]]
    }

    /// Some columns of a row, where [`View::has_rows`].
    pub(super) fn row(&self, row: usize, cols: Range<usize>) -> &'a [T] {
        &self.data[row * self.strides[0]..][cols]
    }

    /// Some rows of a column whose values follow each other.
    pub(super) fn column(&self, col: usize, rows: Range<usize>) -> &'a [T] {
        &self.data[col * self.strides[1]..][rows]
    }

    pub(super) fn at(&self, row: usize, col: usize) -> *const T {
        self.data.as_ptr().wrapping_add(row * self.strides[0] + col * self.strides[1])
    }
}
