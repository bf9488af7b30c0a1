//! Transposed copies of a matrix or of some of its columns, so that a product reads them in order.
#![allow(unsafe_code)] // blocks transposed through pointers

use crate::{
    Element,
    simd::{Kernel, Simd},
};

/// `to[c, r] = from[r, c]`; rows of `from` are `stride` apart, `to` is [cols, rows].
#[derive(Debug)]
pub struct Transpose<'a, T> {
    pub(crate) from: &'a [T],
    pub(crate) stride: usize,
    pub(crate) rows: usize,
    pub(crate) to: &'a mut [T],
}

impl<T: Element> Kernel<T> for Transpose<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { from, stride, rows, to } = self;
        let cols = to.len() / rows;
        assert!(cols * rows == to.len() && from.len() >= (rows - 1) * stride + cols);
        let [whole_rows, whole_cols] = [rows, cols].map(|len| len / S::LANES * S::LANES);
        for r in (0..whole_rows).step_by(S::LANES) {
            for c in (0..whole_cols).step_by(S::LANES) {
                // SAFETY: rows below `rows` and columns below `cols` on both sides.
                unsafe {
                    let (from, to) = (from.as_ptr().add(r * stride + c), to.as_mut_ptr());
                    simd.transpose(from, stride, to.add(c * rows + r), rows);
                }
            }
        }
        for r in 0..rows {
            for c in if r < whole_rows { whole_cols..cols } else { 0..cols } {
                to[c * rows + r] = from[r * stride + c];
            }
        }
    }
}
