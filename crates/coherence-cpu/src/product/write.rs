//! How the sums of a tile reach the result: row by row, or transposed by way of a strip.
#![allow(unsafe_code)] // vectors loaded and stored without bounds checks

use core::ops::Range;

use super::Output;
use crate::{
    Element,
    simd::{Simd, TILE},
    transpose::transpose,
};

/// How a result lies in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    RowMajor,
    ColumnMajor,
}

/// The result of a product: rows `width` apart, or columns.
#[derive(Clone, Copy, Debug)]
pub(super) struct Out<T> {
    pub(super) at: *mut T,
    pub(super) width: usize,
    pub(super) output: Output,
    pub(super) order: Order,
}

/// Where a tile's rows go, of `cols` columns.
#[derive(Clone, Copy)]
pub(super) struct Rows<T> {
    pub(super) at: *mut T,
    pub(super) width: usize,
    cols: usize,
    add: bool,
}

impl<T: Element> Out<T> {
    /// Some columns of the rows from `row` on of a row-major result; only the first block of the inner dimension
    /// may overwrite.
    pub(super) fn rows(&self, row: usize, cols: &Range<usize>, is_first: bool) -> Rows<T> {
        let at = self.at.wrapping_add(row * self.width + cols.start);
        Rows { at, width: self.width, cols: cols.len(), add: self.adds(is_first) }
    }

    fn adds(&self, is_first: bool) -> bool {
        self.output == Output::Add || !is_first
    }

    /// Writes the `rows` in the strip to a column-major result, or adds them.
    ///
    /// # Safety
    /// The strip holds these rows of a panel of V vectors; the result has the rows and columns, which no other
    /// thread touches.
    #[inline(always)]
    pub(super) unsafe fn write_transposed<S: Simd<T>, const V: usize>(
        &self,
        simd: S,
        strip: *const T,
        [rows, cols]: [&Range<usize>; 2],
        is_first: bool,
    ) {
        let out = self.at.wrapping_add(cols.start * self.width + rows.start);
        let (from, to) = ((strip, V * S::LANES), (out, self.width));
        // SAFETY: rows and columns of the strip on one side and of the result on the other.
        unsafe { transpose(simd, [rows.len(), cols.len()], from, to, self.adds(is_first)) }
    }
}

impl<T: Element> Rows<T> {
    /// Rows from `row` on of a strip of V vectors.
    pub(super) fn of_strip<S: Simd<T>, const V: usize>(strip: *mut T, row: usize) -> Self {
        let width = V * S::LANES;
        Self { at: strip.wrapping_add(row * width), width, cols: width, add: false }
    }

    /// Writes a tile's sums, or adds them.
    ///
    /// # Safety
    /// The rows exist, of the columns said.
    #[inline(always)]
    pub(super) unsafe fn write<S: Simd<T>, const R: usize, const V: usize>(
        self,
        simd: S,
        sums: [[S::V; V]; R],
    ) {
        let Self { at, width, cols, add } = self;
        for (r, sums) in sums.into_iter().enumerate() {
            // SAFETY: the row exists and has the columns.
            unsafe {
                let out = at.add(r * width);
                match (cols == V * S::LANES, add) {
                    (true, true) => write_whole::<T, S, V>(simd, sums, out, true),
                    (true, false) => write_whole::<T, S, V>(simd, sums, out, false),
                    _ => write_some(simd, sums, out, cols, add),
                }
            }
        }
    }
}

/// [`write_some`] of all lanes.
///
/// # Safety
/// `out` is readable and writable for V vectors.
#[inline(always)]
unsafe fn write_whole<T: Element, S: Simd<T>, const V: usize>(
    simd: S,
    sums: [S::V; V],
    out: *mut T,
    add: bool,
) {
    for (v, sum) in sums.into_iter().enumerate() {
        // SAFETY: vector v < V.
        unsafe {
            let out = out.add(v * S::LANES);
            simd.store(out, if add { simd.add(simd.load(out), sum) } else { sum });
        }
    }
}

/// Writes the first `count` lanes of `sums` to `out`, or adds them to it.
///
/// # Safety
/// `out` is readable and writable for `count` values, `count <= V · LANES`.
#[inline(always)]
unsafe fn write_some<T: Element, S: Simd<T>, const V: usize>(
    simd: S,
    sums: [S::V; V],
    out: *mut T,
    count: usize,
    add: bool,
) {
    for (v, sum) in sums.into_iter().enumerate() {
        let lanes = count.saturating_sub(v * S::LANES).min(S::LANES);
        let mut part = [T::zero(); TILE];
        // SAFETY: vector v is whole, or goes through `part`, of which `lanes` values are copied.
        unsafe {
            let out = out.add(v * S::LANES);
            let whole = lanes == S::LANES;
            if add && !whole {
                part.as_mut_ptr().copy_from_nonoverlapping(out, lanes);
            }
            let to = if whole { out } else { part.as_mut_ptr() };
            let sum = if add { simd.add(simd.load(to), sum) } else { sum };
            simd.store(to, sum);
            if !whole {
                out.copy_from_nonoverlapping(part.as_ptr(), lanes);
            }
        }
    }
}
