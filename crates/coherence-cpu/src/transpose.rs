//! Transposed copies of a matrix or of some of its columns, so that a product reads or writes them in order.
#![allow(unsafe_code)] // blocks transposed through pointers

use crate::{
    Element,
    scratch::Aligned,
    simd::{Kernel, Simd, TILE},
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
        // SAFETY: rows below `rows` and columns below `cols` on both sides.
        unsafe {
            let to = (to.as_mut_ptr(), rows);
            transpose(simd, [rows, cols], (from.as_ptr(), stride), to, false);
        }
    }
}

/// `to[c, r] = from[r, c]`, or with `add` `to[c, r] += from[r, c]`; both are a pointer and how far apart rows are.
///
/// # Safety
/// `from` is readable for `[rows, cols]`, `to` readable and writable for `[cols, rows]`; they do not overlap.
#[inline(always)]
pub(crate) unsafe fn transpose<T: Element, S: Simd<T>>(
    simd: S,
    [rows, cols]: [usize; 2],
    (from, from_stride): (*const T, usize),
    (to, to_stride): (*mut T, usize),
    add: bool,
) {
    let [whole_rows, whole_cols] = [rows, cols].map(|len| len / S::LANES * S::LANES);
    let mut block = Aligned::<T, { TILE * TILE }>::new();
    let block = block.as_mut_ptr();
    // SAFETY: the caller's promise, and LANES is at most TILE.
    unsafe {
        for r in (0..whole_rows).step_by(S::LANES) {
            for c in (0..whole_cols).step_by(S::LANES) {
                let (from, to) = (from.add(r * from_stride + c), to.add(c * to_stride + r));
                if add {
                    simd.transpose(from, from_stride, block, S::LANES);
                    for l in 0..S::LANES {
                        let (to, x) = (to.add(l * to_stride), block.add(l * S::LANES));
                        simd.store(to, simd.add(simd.load(to), simd.load(x)));
                    }
                } else {
                    simd.transpose(from, from_stride, to, to_stride);
                }
            }
        }
        for r in 0..rows {
            for c in if r < whole_rows { whole_cols } else { 0 }..cols {
                let (to, x) = (to.add(c * to_stride + r), *from.add(r * from_stride + c));
                *to = if add { *to + x } else { x };
            }
        }
    }
}
