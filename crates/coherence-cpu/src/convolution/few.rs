//! Gradients of an example with few positions, written where the selection reads them.
#![allow(unsafe_code)] // vectors loaded and stored without bounds checks

use crate::{
    Element,
    simd::{Kernel, MOST_VECTORS, Simd, TILE},
};

/// Output channels whose sums are in registers together.
const ROWS: usize = 4;

/// Σ_p δ_p ⊗ patch_p of one example, for `rows` output channels and whole lines of [`TILE`] columns.
#[derive(Debug)]
pub struct FewPositions<'a, T> {
    /// Deltas from the first output channel on; positions are `stride` apart.
    pub(super) delta: &'a [T],
    pub(super) stride: usize,
    /// Columns of the patches [positions, width].
    pub(super) patches: &'a [T],
    pub(super) width: usize,
    pub(super) rows: usize,
    /// Lines of coordinates [rows · width / TILE, n, TILE].
    pub(super) values: &'a mut [T],
    pub(super) n: usize,
    /// Index of the example.
    pub(super) e: usize,
}

impl<T: Element> Kernel<T> for FewPositions<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let positions = self.patches.len() / self.width;
        assert!(
            positions > 0
                && self.width.is_multiple_of(TILE)
                && self.patches.len() == positions * self.width
                && self.delta.len() >= (positions - 1) * self.stride + self.rows
                && self.values.len() == self.rows * self.width * self.n
                && self.e < self.n
        );
        for col in (0..self.width).step_by(TILE) {
            let mut row = 0;
            // SAFETY: rows below `rows` of the deltas and values, TILE columns from `col` on.
            unsafe {
                while row + ROWS <= self.rows {
                    self.sums::<S, ROWS>(simd, row, col, positions);
                    row += ROWS;
                }
                while row < self.rows {
                    self.sums::<S, 1>(simd, row, col, positions);
                    row += 1;
                }
            }
        }
    }
}

impl<T: Element> FewPositions<'_, T> {
    /// # Safety
    /// R rows from `row` on and TILE columns from `col` on lie in the matrices; there are `positions`.
    #[inline(always)]
    unsafe fn sums<S: Simd<T>, const R: usize>(
        &mut self,
        simd: S,
        row: usize,
        col: usize,
        positions: usize,
    ) {
        let mut sums = [[simd.splat(T::zero()); MOST_VECTORS]; R];
        for p in 0..positions {
            let mut patch = [simd.splat(T::zero()); MOST_VECTORS];
            for (v, patch) in patch.iter_mut().enumerate().take(S::VECTORS) {
                // SAFETY: the caller's promise.
                *patch = unsafe {
                    simd.load(self.patches.as_ptr().add(p * self.width + col + v * S::LANES))
                };
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                // SAFETY: the caller's promise.
                let delta =
                    simd.splat(unsafe { *self.delta.as_ptr().add(p * self.stride + row + r) });
                for (sum, patch) in sums.iter_mut().zip(patch).take(S::VECTORS) {
                    *sum = simd.mul_add(delta, patch, *sum);
                }
            }
        }
        for (r, sums) in sums.into_iter().enumerate() {
            let line = ((row + r) * self.width + col) / TILE;
            let to = (line * self.n + self.e) * TILE;
            for (v, sum) in sums.into_iter().enumerate().take(S::VECTORS) {
                // SAFETY: the line of a row and column that exist, and an example below n.
                unsafe { simd.store(self.values.as_mut_ptr().add(to + v * S::LANES), sum) }
            }
        }
    }
}
