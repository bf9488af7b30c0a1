//! Row-major matrix products of a linear layer: forward, backward to the input, gradient.
//!
//! `m`: examples, `i`: inputs, `o`: outputs. Each element is one chain of additions in a fixed
//! order, cut every 256 terms: the same bits for any number of threads. Columns of the left factor (of `a`
//! in the gradient) that are zero for some neighbouring rows are found and left out, with the same bits.

#![allow(unsafe_code)] // disjoint pieces of the result, written by several threads

mod kernel;
mod pieces;
mod view;
mod write;
mod zeros;

use core::ops::Range;

use crate::{Element, Isa, parallel};
pub(crate) use kernel::{DEPTH, Piece, panel_width, panels};
pub(crate) use pieces::Cut;
use view::View;
use write::{Order, Out};
use zeros::NonZeros;
pub(crate) use zeros::Search;

/// The sizes of one linear layer applied to a batch.
///
/// ```
/// use coherence_cpu::product::Dims;
/// assert_eq!(Dims { m: 100, i: 784, o: 256 }.flops(), 2 * 100 * 784 * 256);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dims {
    /// Examples in the batch.
    pub m: usize,
    /// Inputs of the layer.
    pub i: usize,
    /// Outputs of the layer.
    pub o: usize,
}

impl Dims {
    /// Floating point operations of any of the three products: 2 m i o.
    pub fn flops(&self) -> usize {
        2 * self.m * self.i * self.o
    }
}

/// What a product does with the values that `out` already holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// `out = product`; what was there is never read.
    Overwrite,
    /// `out += product`.
    Add,
}

/// Forward: `out [m, o] = a [m, i] · w [o, i]ᵀ`, that is `out[e, j] = Σ_k a[e, k] w[j, k]`.
///
/// # Panics
///
/// When a slice's length is not the product of its sizes.
///
/// # Example
///
/// ```
/// use coherence_cpu::product::{Dims, Output, matmul_nt};
/// let mut out = [0.0f32; 2];
/// matmul_nt(Dims { m: 1, i: 2, o: 2 }, &[1.0, 2.0], &[3.0, 4.0, 5.0, 6.0], Output::Overwrite, &mut out);
/// assert_eq!(out, [11.0, 17.0]);
/// ```
pub fn matmul_nt<T: Element>(dims: Dims, a: &[T], w: &[T], output: Output, out: &mut [T]) {
    matmul_nt_on(Isa::detect(), dims, a, w, output, out);
}

/// [`matmul_nt`] on a given instruction set.
pub fn matmul_nt_on<T: Element>(
    isa: Isa,
    dims: Dims,
    a: &[T],
    w: &[T],
    output: Output,
    out: &mut [T],
) {
    let Dims { m, i, o } = dims;
    assert_eq!((a.len(), w.len(), out.len()), (m * i, o * i, m * o), "a, w, out for {dims:?}");
    multiply(isa, [m, i, o], (a, [i, 1]), (w, [1, i]), output, out);
}

/// Backward to the input: `out [m, i] = delta [m, o] · w [o, i]`, that is
/// `out[e, k] = Σ_j delta[e, j] w[j, k]`.
///
/// # Panics
///
/// When a slice's length is not the product of its sizes.
///
/// # Example
///
/// ```
/// use coherence_cpu::product::{Dims, Output, matmul_nn};
/// let mut out = [0.0f32; 2];
/// matmul_nn(Dims { m: 1, i: 2, o: 2 }, &[1.0, 2.0], &[3.0, 4.0, 5.0, 6.0], Output::Overwrite, &mut out);
/// assert_eq!(out, [13.0, 16.0]);
/// ```
pub fn matmul_nn<T: Element>(dims: Dims, delta: &[T], w: &[T], output: Output, out: &mut [T]) {
    matmul_nn_on(Isa::detect(), dims, delta, w, output, out);
}

/// [`matmul_nn`] on a given instruction set.
pub fn matmul_nn_on<T: Element>(
    isa: Isa,
    dims: Dims,
    delta: &[T],
    w: &[T],
    output: Output,
    out: &mut [T],
) {
    let Dims { m, i, o } = dims;
    assert_eq!(
        (delta.len(), w.len(), out.len()),
        (m * o, o * i, m * i),
        "delta, w, out for {dims:?}"
    );
    multiply(isa, [m, o, i], (delta, [o, 1]), (w, [i, 1]), output, out);
}

/// Gradient of the SUM loss: `out [o, i] = delta [m, o]ᵀ · a [m, i]`, that is
/// `out[j, k] = Σ_e delta[e, j] a[e, k]`, the sum of the examples' outer products.
///
/// # Panics
///
/// When a slice's length is not the product of its sizes.
///
/// # Example
///
/// ```
/// use coherence_cpu::product::{Dims, Output, matmul_tn};
/// let mut out = [0.0f32; 2];
/// matmul_tn(Dims { m: 2, i: 2, o: 1 }, &[1.0, 2.0], &[3.0, 4.0, 5.0, 6.0], Output::Overwrite, &mut out);
/// assert_eq!(out, [13.0, 16.0]);
/// ```
pub fn matmul_tn<T: Element>(dims: Dims, delta: &[T], a: &[T], output: Output, out: &mut [T]) {
    matmul_tn_on(Isa::detect(), dims, delta, a, output, out);
}

/// [`matmul_tn`] on a given instruction set.
pub fn matmul_tn_on<T: Element>(
    isa: Isa,
    dims: Dims,
    delta: &[T],
    a: &[T],
    output: Output,
    out: &mut [T],
) {
    let Dims { m, i, o } = dims;
    assert_eq!(
        (delta.len(), a.len(), out.len()),
        (m * o, m * i, o * i),
        "delta, a, out for {dims:?}"
    );
    let columns = View::new(a, [1, i], [i, m]);
    let zeros = if m < TRANSPOSED { None } else { NonZeros::find(isa, [i, m, o], &columns, delta) };
    let Some(zeros) = zeros else {
        return multiply(isa, [o, m, i], (delta, [1, o]), (a, [i, 1]), output, out);
    };
    // The transpose of aᵀ · delta, where zeros of `a` can be left out: the same bits.
    let cut = Cut::new::<T>([i, m, o], columns.is_scattered(m));
    let right = View::new(delta, [o, 1], [m, o]);
    let to = (output, Order::ColumnMajor);
    multiply_in_pieces(isa, (cut, Some(&zeros)), [i, m, o], [columns, right], to, out);
}

/// Examples from which on a transposed gradient pays: with fewer, transposing takes longer than the terms that are
/// left out.
const TRANSPOSED: usize = 24;

/// Some rows and columns of the gradient [`matmul_tn`] over some of the examples, to
/// `out [rows, cols]`, on the calling thread: the same bits as in the whole over those examples.
pub(crate) fn gradient_block<T: Element>(
    isa: Isa,
    Dims { i, o, .. }: Dims,
    [delta, a]: [&[T]; 2],
    examples: Range<usize>,
    [rows, cols]: [Range<usize>; 2],
    out: &mut [T],
) {
    let shape = [rows.len(), examples.len(), cols.len()];
    let left = (&delta[examples.start * o + rows.start..], [1, o]);
    let right = (&a[examples.start * i + cols.start..], [i, 1]);
    multiply_here(isa, shape, left, right, Output::Overwrite, out);
}

/// [`multiply`] on the calling thread.
pub(crate) fn multiply_here<T: Element>(
    isa: Isa,
    shape: [usize; 3],
    left: (&[T], [usize; 2]),
    right: (&[T], [usize; 2]),
    output: Output,
    out: &mut [T],
) {
    assert!(out.len() == shape[0] * shape[2]);
    // SAFETY: `out` has the rows and columns of the product.
    unsafe { multiply_to(isa, shape, left, right, output, (out.as_mut_ptr(), shape[2])) }
}

/// [`multiply`] on the calling thread, to rows that are the given width apart.
///
/// # Safety
/// The pointer is readable and writable for as many such rows as the product has, of its columns.
pub(crate) unsafe fn multiply_to<T: Element>(
    isa: Isa,
    [rows, inner, cols]: [usize; 3],
    (left, left_strides): (&[T], [usize; 2]),
    (right, right_strides): (&[T], [usize; 2]),
    output: Output,
    (out, width): (*mut T, usize),
) {
    let left = View::new(left, left_strides, [rows, inner]);
    let right = View::new(right, right_strides, [inner, cols]);
    let [rows, cols] = [0..rows, 0..cols];
    let out = Out { at: out, width, output, order: Order::RowMajor };
    let piece = Piece { left, right, inner, rows, cols, out, zeros: None };
    T::multiply(isa, piece);
}

/// `out [rows, cols] (+)= left [rows, inner] · right [inner, cols]`; strides are [row, column].
fn multiply<T: Element>(
    isa: Isa,
    shape @ [rows, inner, cols]: [usize; 3],
    (left, left_strides): (&[T], [usize; 2]),
    (right, right_strides): (&[T], [usize; 2]),
    output: Output,
    out: &mut [T],
) {
    let factors = [
        View::new(left, left_strides, [rows, inner]),
        View::new(right, right_strides, [inner, cols]),
    ];
    let zeros = NonZeros::find(isa, shape, &factors[0], right);
    let cut = Cut::new::<T>(shape, factors[0].is_scattered(inner));
    multiply_in_pieces(isa, (cut, zeros.as_ref()), shape, factors, (output, Order::RowMajor), out);
}

/// [`multiply`] in the pieces of `cut`, which is one of the same shape, as are the `zeros` left out.
fn multiply_in_pieces<T: Element>(
    isa: Isa,
    (cut, zeros): (Cut, Option<&NonZeros>),
    [rows, inner, cols]: [usize; 3],
    [left, right]: [View<'_, T>; 2],
    (output, order): (Output, Order),
    out: &mut [T],
) {
    assert!(out.len() == rows * cols);
    if inner == 0 && output == Output::Overwrite {
        out.fill(T::zero());
    }
    let width = if order == Order::RowMajor { cols } else { rows };
    let target = Target(out.as_mut_ptr());
    let run = |at: usize| {
        let target = &target;
        let [rows, cols] = cut.piece(at);
        let out = Out { at: target.0, width, output, order };
        T::multiply(isa, Piece { left, right, inner, rows, cols, out, zeros });
    };
    parallel::for_each(cut.pieces(), run);
}

/// A result that several threads write in disjoint pieces.
#[derive(Debug)]
pub(crate) struct Target<T>(pub(crate) *mut T);

// SAFETY: the pointer is only used in pieces that are disjoint, as each use proves.
unsafe impl<T: Send> Sync for Target<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_factor_in_panels_and_one_that_is_packed_give_the_same_bits() {
        let numbers = |len: usize| -> Vec<f32> {
            (0..len as u32).map(|n| (n.wrapping_mul(40_503) >> 8) as f32 / 1e7 - 0.5).collect()
        };
        for &isa in Isa::available() {
            let cols = kernel::panel_width::<f32>(isa);
            for [rows, inner] in [[1, 1], [13, 300]] {
                let (left, right) = (numbers(rows * inner), numbers(inner * cols));
                let mut wide = vec![f32::NAN; inner * (cols + 1)];
                for (to, from) in wide.chunks_exact_mut(cols + 1).zip(right.chunks_exact(cols)) {
                    to[..cols].copy_from_slice(from);
                }
                let [in_place, packed] =
                    [(&right, cols), (&wide, cols + 1)].map(|(right, stride)| {
                        let (mut out, shape) = (vec![0.0; rows * cols], [rows, inner, cols]);
                        let (left, right) = ((&left[..], [inner, 1]), (&right[..], [stride, 1]));
                        multiply_here(isa, shape, left, right, Output::Overwrite, &mut out);
                        out
                    });
                assert!(in_place == packed, "{isa:?} {rows} {inner}");
            }
        }
    }

    /// Forward, backward and gradient are one product of other strides; here a transposed right
    /// factor and a transposed left one.
    #[test]
    fn caches_forced_small_and_large_and_threads_change_no_bit() {
        let shape @ [rows, inner, cols] = [203, 531, 170];
        let numbers = |len: usize, step: u32| -> Vec<f32> {
            (0..len as u32).map(|n| (n.wrapping_mul(step) >> 8) as f32 / 1e7 - 0.5).collect()
        };
        let (left, right) = (numbers(rows * inner, 2_654_435_761), numbers(inner * cols, 40_503));
        for &isa in Isa::available() {
            for strides in [([inner, 1], [1, inner]), ([1, rows], [cols, 1])] {
                let product = |threads, l2, output| {
                    let mut out = vec![3.0f32; rows * cols];
                    let cut = Cut::with_machine::<f32>(shape, strides.0[1] != 1, threads, l2);
                    let factors = [
                        View::new(&left, strides.0, [rows, inner]),
                        View::new(&right, strides.1, [inner, cols]),
                    ];
                    let to = (output, Order::RowMajor);
                    multiply_in_pieces(isa, (cut, None), shape, factors, to, &mut out);
                    out
                };
                for output in [Output::Overwrite, Output::Add] {
                    let one = product(1, usize::MAX, output);
                    for (threads, l2) in [(1, 0), (2, 1 << 14), (3, 1 << 19), (16, 0)] {
                        assert!(product(threads, l2, output) == one, "{isa:?} {threads} {l2}");
                    }
                }
            }
        }
    }
}
