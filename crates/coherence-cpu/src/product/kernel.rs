//! The product of two strided matrices, written once for every instruction set.
//!
//! The right factor is copied into panels, a few vectors wide and at most [`DEPTH`] rows deep, which
//! stay in L1. The left factor is read in place, as many columns at a time as the panel has rows, which
//! stay in L2. A tile of the result stays in registers while values of the left factor multiply rows of
//! the panel.
//!
//! Every element of the result is one chain of additions in the order of `inner`, cut every [`DEPTH`]
//! terms, so its bits do not depend on how the result is cut in pieces.
#![allow(unsafe_code)] // vectors loaded and stored without bounds checks

use core::{mem::MaybeUninit, ops::Range};

use super::Output;
use crate::{
    Element,
    simd::{Kernel, Simd, TILE},
};

/// Rows of a panel: an element's chain of additions is cut here, so it is the same on every machine.
pub(crate) const DEPTH: usize = 256;

/// Vectors in a row of the widest panel.
const VECTORS: usize = 3;

/// A matrix in a slice: element (r, c) is `data[r * strides[0] + c * strides[1]]`.
#[derive(Clone, Copy, Debug)]
pub(super) struct View<'a, T> {
    data: &'a [T],
    strides: [usize; 2],
}

impl<'a, T> View<'a, T> {
    /// Panics when an element of a matrix of `shape` lies outside `data`.
    pub(super) fn new(data: &'a [T], strides: [usize; 2], [rows, cols]: [usize; 2]) -> Self {
        let last = || (rows - 1) * strides[0] + (cols - 1) * strides[1];
        assert!(rows == 0 || cols == 0 || last() < data.len());
        Self { data, strides }
    }

    fn at(&self, row: usize, col: usize) -> *const T {
        self.data.as_ptr().wrapping_add(row * self.strides[0] + col * self.strides[1])
    }
}

/// Some rows and columns of `out [_, width] (+)= left [_, inner] · right [inner, width]`.
#[derive(Debug)]
pub struct Piece<'a, T> {
    pub(super) left: View<'a, T>,
    pub(super) right: View<'a, T>,
    pub(super) inner: usize,
    pub(super) rows: Range<usize>,
    pub(super) cols: Range<usize>,
    pub(super) output: Output,
    pub(super) out: *mut T,
    pub(super) width: usize,
}

/// The panel in use, at the start of a cache line.
#[repr(align(64))]
struct Panel<T>([MaybeUninit<T>; DEPTH * VECTORS * TILE]);

impl<T: Element> Kernel<T> for Piece<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let mut panel = Panel::<T>([MaybeUninit::uninit(); DEPTH * VECTORS * TILE]);
        let panel: *mut T = panel.0.as_mut_ptr().cast();
        for k in (0..self.inner).step_by(DEPTH) {
            let depth = k..self.inner.min(k + DEPTH);
            for cols in panels::<T, S>(&self.cols) {
                let block = Block { depth: depth.clone(), cols: cols.clone() };
                // SAFETY: `block` lies inside the matrices and has as many vectors as said; the
                // panel has room for DEPTH rows of VECTORS vectors.
                unsafe {
                    match cols.len().div_ceil(S::LANES) {
                        1 => self.multiply_block::<S, 1>(simd, &block, panel),
                        2 => self.multiply_block::<S, 2>(simd, &block, panel),
                        _ => self.multiply_block::<S, VECTORS>(simd, &block, panel),
                    }
                }
            }
        }
    }
}

/// Cuts columns into panels of nearly equal numbers of vectors: a panel with a single vector, which
/// loads more than it computes, is then rare.
#[inline(always)]
fn panels<T: Element, S: Simd<T>>(cols: &Range<usize>) -> impl Iterator<Item = Range<usize>> {
    let Range { start, end } = *cols;
    let vectors = (end - start).div_ceil(S::LANES);
    let panels = vectors.div_ceil(S::PRODUCT_TILE[1]);
    let bound = move |panel: usize| end.min(start + vectors * panel / panels * S::LANES);
    (0..panels).map(move |panel| bound(panel)..bound(panel + 1))
}

/// The part of the right factor that fills the panel.
struct Block {
    depth: Range<usize>,
    cols: Range<usize>,
}

impl<T: Element> Piece<'_, T> {
    /// All rows of the left factor times a block of `V` vectors' width, the last of them maybe
    /// not full.
    ///
    /// # Safety
    /// `block` lies inside the matrices; `panel` has room for its depth times `V` vectors.
    #[inline(always)]
    unsafe fn multiply_block<S: Simd<T>, const V: usize>(
        &self,
        simd: S,
        block: &Block,
        panel: *mut T,
    ) {
        // SAFETY: the caller's promise, and `row + R <= end` for every tile of R rows.
        unsafe {
            self.pack::<S, V>(simd, block, panel);
            let (mut row, end) = (self.rows.start, self.rows.end);
            while S::PRODUCT_TILE[0] == 8 && row + 8 <= end {
                self.tile::<S, 8, V>(simd, row, block, panel);
                row += 8;
            }
            while S::PRODUCT_TILE[0] == 6 && row + 6 <= end {
                self.tile::<S, 6, V>(simd, row, block, panel);
                row += 6;
            }
            while row + 4 <= end {
                self.tile::<S, 4, V>(simd, row, block, panel);
                row += 4;
            }
            while row + 2 <= end {
                self.tile::<S, 2, V>(simd, row, block, panel);
                row += 2;
            }
            if row < end {
                self.tile::<S, 1, V>(simd, row, block, panel);
            }
        }
    }

    /// Copies `block` of the right factor to `panel` [depth, V vectors], zeros beyond its width.
    ///
    /// # Safety
    /// As [`Piece::multiply_block`].
    #[inline(always)]
    unsafe fn pack<S: Simd<T>, const V: usize>(&self, simd: S, block: &Block, panel: *mut T) {
        let (depth, count) = (block.depth.len(), block.cols.len());
        let from = self.right.at(block.depth.start, block.cols.start);
        let [down, across] = self.right.strides;
        let whole = count / S::LANES * S::LANES;
        let transposed = if across == 1 { 0 } else { depth / S::LANES * S::LANES };
        // SAFETY: rows below `depth` and columns below `count` of the block on one side, below
        // `depth` and V vectors of the panel on the other.
        unsafe {
            for k in (0..transposed).step_by(S::LANES) {
                for c in (0..whole).step_by(S::LANES) {
                    let from = from.add(k * down + c * across);
                    simd.transpose(from, across, panel.add(k * V * S::LANES + c), V * S::LANES);
                }
            }
            for k in 0..depth {
                let (from, to) = (from.add(k * down), panel.add(k * V * S::LANES));
                let mut c = if k < transposed { whole } else { 0 };
                while across == 1 && c < whole {
                    simd.store(to.add(c), simd.load(from.add(c)));
                    c += S::LANES;
                }
                while c < V * S::LANES {
                    *to.add(c) = if c < count { *from.add(c * across) } else { T::zero() };
                    c += 1;
                }
            }
        }
    }

    /// Rows `row .. row + R` of the left factor times the panel.
    ///
    /// # Safety
    /// As [`Piece::multiply_block`]; the rows exist, and `panel` is packed.
    #[inline(always)]
    unsafe fn tile<S: Simd<T>, const R: usize, const V: usize>(
        &self,
        simd: S,
        row: usize,
        block: &Block,
        panel: *const T,
    ) {
        let left: [*const T; R] =
            core::array::from_fn(|r| self.left.at(row + r, block.depth.start));
        let step = self.left.strides[1];
        let mut sums = [[simd.splat(T::zero()); V]; R];
        for k in 0..block.depth.len() {
            // SAFETY: row k of the packed panel.
            let right: [S::V; V] =
                core::array::from_fn(|v| unsafe { simd.load(panel.add((k * V + v) * S::LANES)) });
            for (sums, left) in sums.iter_mut().zip(left) {
                // SAFETY: column k of the block's depth, in a row that exists.
                let left = simd.splat(unsafe { *left.add(k * step) });
                for (sum, right) in sums.iter_mut().zip(right) {
                    *sum = simd.mul_add(left, right, *sum);
                }
            }
        }
        let add = self.output == Output::Add || block.depth.start > 0;
        for (r, sums) in sums.into_iter().enumerate() {
            // SAFETY: the row exists and the block's columns lie in it.
            unsafe {
                let out = self.out.add((row + r) * self.width + block.cols.start);
                write(simd, sums, out, block.cols.len(), add);
            }
        }
    }
}

/// Writes the first `count` lanes of `sums` to `out`, or adds them to it.
///
/// # Safety
/// `out` is readable and writable for `count` values, `count <= V · LANES`.
#[inline(always)]
unsafe fn write<T: Element, S: Simd<T>, const V: usize>(
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
