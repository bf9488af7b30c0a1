//! What a step does between its products: bias, ReLU and its derivative, bias gradients, updates.
//!
//! Plain loops, compiled once for each instruction set. Long slices are cut into pieces for the ambient
//! threads. Every element is computed on its own, so results depend on neither.
//! `m`: examples, `o`: outputs, `d`: parameters.
#![allow(unsafe_code)] // column sums read tiles through pointers

use rayon::prelude::*;

use crate::{
    Element, Isa,
    isa::run_loop,
    product::Output,
    simd::{Kernel, MOST_VECTORS, Simd, TILE},
};

/// The least number of elements in a piece, nearly: shorter work hardly takes longer than handing it
/// to another thread.
const PIECE: usize = 1 << 15;

/// The length of a piece of `len` elements; every thread has equally many pieces.
fn piece_len(len: usize) -> usize {
    match len / PIECE {
        0 | 1 => len,
        pieces => len.div_ceil(pieces.next_multiple_of(rayon::current_num_threads())),
    }
}

/// Adds the bias to every example and clips at zero: `x[e, j] = max(x[e, j] + bias[j], 0)`.
///
/// NaN stays NaN, so that a network that diverged shows it in its loss.
///
/// # Panics
///
/// When `x` is not a whole number of rows of `bias.len()`.
///
/// ```
/// let mut x = [1.0f32, -3.0];
/// use coherence_cpu::{Isa, elementwise::bias_relu};
/// bias_relu(Isa::detect(), &[1.0, 1.0], &mut x);
/// assert_eq!(x, [2.0, 0.0]);
/// ```
pub fn bias_relu<T: Element>(isa: Isa, bias: &[T], x: &mut [T]) {
    rows(isa, bias, x, |x, b| {
        let y = x + b;
        if y < T::zero() { T::zero() } else { y }
    });
}

/// Adds the bias to every example: `x[e, j] += bias[j]`.
///
/// # Panics
///
/// When `x` is not a whole number of rows of `bias.len()`.
///
/// ```
/// let mut x = [1.0f32, -3.0];
/// use coherence_cpu::{Isa, elementwise::add_bias};
/// add_bias(Isa::detect(), &[1.0, 1.0], &mut x);
/// assert_eq!(x, [2.0, -2.0]);
/// ```
pub fn add_bias<T: Element>(isa: Isa, bias: &[T], x: &mut [T]) {
    rows(isa, bias, x, |x, b| x + b);
}

#[inline(always)]
fn rows<T: Element>(isa: Isa, bias: &[T], x: &mut [T], f: impl Fn(T, T) -> T + Sync) {
    let o = bias.len();
    if o == 0 {
        assert!(x.is_empty(), "rows of no columns");
        return;
    }
    assert!(x.len().is_multiple_of(o), "{} values in rows of {o}", x.len());
    let piece = |x: &mut [T]| {
        run_loop!(isa, {
            for row in x.chunks_exact_mut(o) {
                row.iter_mut().zip(bias).for_each(|(x, &b)| *x = f(*x, b));
            }
        });
    };
    in_pieces(x, o * piece_len(x.len()).div_ceil(o), piece);
}

fn in_pieces<T: Element>(x: &mut [T], piece: usize, f: impl Fn(&mut [T]) + Send + Sync) {
    if x.len() <= piece { f(x) } else { x.par_chunks_mut(piece).for_each(f) }
}

/// Backward through a ReLU: `delta = 0` where its output was 0, so that relu′(0) = 0.
///
/// # Panics
///
/// When the lengths differ.
///
/// ```
/// let mut delta = [5.0f32, 7.0];
/// use coherence_cpu::{Isa, elementwise::relu_backward};
/// relu_backward(Isa::detect(), &[2.0, 0.0], &mut delta);
/// assert_eq!(delta, [5.0, 0.0]);
/// ```
pub fn relu_backward<T: Element>(isa: Isa, output: &[T], delta: &mut [T]) {
    zip(isa, output, delta, |d, y| if y > T::zero() { d } else { T::zero() });
}

/// `y += factor · x`: with `factor = -rate` a step of gradient descent.
///
/// # Panics
///
/// When the lengths differ.
///
/// ```
/// let mut y = [1.0f32, 2.0];
/// use coherence_cpu::{Isa, elementwise::axpy};
/// axpy(Isa::detect(), -0.5, &[2.0, 4.0], &mut y);
/// assert_eq!(y, [0.0, 0.0]);
/// ```
pub fn axpy<T: Element>(isa: Isa, factor: T, x: &[T], y: &mut [T]) {
    zip(isa, x, y, |y, x| y + factor * x);
}

#[inline(always)]
fn zip<T: Element>(isa: Isa, x: &[T], y: &mut [T], f: impl Fn(T, T) -> T + Sync) {
    in_pairs(x, y, |(y, x)| {
        run_loop!(isa, { y.iter_mut().zip(x).for_each(|(y, &x)| *y = f(*y, x)) });
    });
}

/// Calls `f` with pieces of `y` and the same places of `x`.
#[inline(always)]
fn in_pairs<V: Send + Sync>(x: &[V], y: &mut [V], f: impl Fn((&mut [V], &[V])) + Send + Sync) {
    assert_eq!(x.len(), y.len(), "slices of one length");
    let len = piece_len(x.len());
    if x.len() <= len {
        f((y, x));
    } else {
        y.par_chunks_mut(len).zip(x.par_chunks(len)).for_each(f);
    }
}

/// `to = from`.
///
/// # Panics
///
/// When the lengths differ.
///
/// ```
/// let mut to = [0.0f32; 2];
/// coherence_cpu::elementwise::copy(&[1.0, 2.0], &mut to);
/// assert_eq!(to, [1.0, 2.0]);
/// ```
pub fn copy<V: Copy + Send + Sync>(from: &[V], to: &mut [V]) {
    in_pairs(from, to, |(to, from)| to.copy_from_slice(from));
}

/// One step of rolling medians (RM3), and of M3: `params -= rate · median(s₀ g₀, s₁ g₁, s₂ g₂)`,
/// coordinate by coordinate, in one pass over memory.
///
/// `gradients` are three (g, s): for RM3 those of the last three steps, in buffers the caller
/// takes turns to fill, so that nothing is copied; s is the factor that makes a mean of a SUM, say
/// 1/k. The median is exact: only compared, of the products rounded to `T`.
///
/// # Panics
///
/// When the lengths differ.
///
/// ```
/// let mut params = [1.0f32];
/// let gradients: [(&[f32], f32); 3] = [(&[1.0], 1.0), (&[9.0], 1.0), (&[4.0], 0.5)];
/// use coherence_cpu::{Isa, elementwise::median_of_three_update};
/// median_of_three_update(Isa::detect(), &mut params, gradients, 0.25);
/// assert_eq!(params, [0.5]);
/// ```
pub fn median_of_three_update<T: Element>(
    isa: Isa,
    params: &mut [T],
    gradients: [(&[T], T); 3],
    rate: T,
) {
    let d = params.len();
    assert!(gradients.iter().all(|(g, _)| g.len() == d), "gradients of {d} parameters");
    let len = piece_len(d);
    let piece = |(at, params): (usize, &mut [T])| {
        let [(a, r), (b, s), (c, t)] = gradients.map(|(g, s)| (&g[at * len..][..params.len()], s));
        run_loop!(isa, {
            for (((p, &a), &b), &c) in params.iter_mut().zip(a).zip(b).zip(c) {
                *p = *p - rate * median_of_three(r * a, s * b, t * c);
            }
        });
    };
    if d <= len {
        piece((0, params));
    } else {
        params.par_chunks_mut(len).enumerate().for_each(piece);
    }
}

/// The middle of three by four compare-exchanges: [`coherence_core::aggregate::median_of_three`] of values that are
/// no NaN, without its order of −0 and +0, in as many lanes as the processor has.
#[inline(always)]
pub(crate) fn median_of_three<T: Element>(a: T, b: T, c: T) -> T {
    let min = |a, b| if a < b { a } else { b };
    let max = |a, b| if a > b { a } else { b };
    max(min(a, b), min(max(a, b), c))
}

/// Sums over examples, `out[j] (+)= Σ_e delta[e, j]`, in `f64`: a bias's gradient of the SUM loss.
///
/// # Panics
///
/// When `delta` is not a whole number of rows of `out.len()`.
///
/// ```
/// use coherence_cpu::{Isa, elementwise::column_sums, product::Output};
/// let mut out = [0.0f32; 2];
/// column_sums(Isa::detect(), &[1.0, 2.0, 3.0, 4.0], Output::Overwrite, &mut out);
/// assert_eq!(out, [4.0, 6.0]);
/// ```
pub fn column_sums<T: Element>(isa: Isa, delta: &[T], output: Output, out: &mut [T]) {
    let o = out.len();
    if o == 0 {
        return;
    }
    assert!(delta.len().is_multiple_of(o), "{} values in rows of {o}", delta.len());
    let piece = |(at, out): (usize, &mut [T])| {
        T::run(isa, ColumnSums { delta, o, start: at * STRIP, output, out });
    };
    if delta.len() < PIECE {
        T::run(isa, ColumnSums { delta, o, start: 0, output, out });
    } else {
        out.par_chunks_mut(STRIP).enumerate().for_each(piece);
    }
}

/// Columns whose sums one thread takes at a time.
const STRIP: usize = 4 * TILE;

/// Sums of columns `start .. start + out.len()` of `delta [_, o]`.
struct ColumnSums<'a, T> {
    delta: &'a [T],
    o: usize,
    start: usize,
    output: Output,
    out: &'a mut [T],
}

impl<T: Element> Kernel<T> for ColumnSums<'_, T> {
    type Output = ();

    /// A cache line of every row at a time.
    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { delta, o, start, output, out } = self;
        let whole = out.len() / TILE * TILE;
        assert!(start + out.len() <= o);
        if output == Output::Overwrite {
            out.fill(T::zero());
        }
        for j in (0..whole).step_by(TILE) {
            let mut sums = [simd.wide_splat(0.0); MOST_VECTORS];
            for (v, sum) in sums.iter_mut().enumerate().take(S::VECTORS) {
                // SAFETY: j + TILE <= whole <= out.len(), and v < VECTORS.
                *sum = simd.widen(unsafe { simd.load(out.as_ptr().add(j + v * S::LANES)) });
            }
            for row in delta.chunks_exact(o) {
                for (v, sum) in sums.iter_mut().enumerate().take(S::VECTORS) {
                    // SAFETY: start + j + TILE <= o, the length of the row, and v < VECTORS.
                    let x = unsafe { simd.load(row.as_ptr().add(start + j + v * S::LANES)) };
                    *sum = simd.wide_add(*sum, simd.widen(x));
                }
            }
            for (v, sum) in sums.into_iter().enumerate().take(S::VECTORS) {
                // SAFETY: as where the sums began.
                unsafe { simd.store(out.as_mut_ptr().add(j + v * S::LANES), simd.narrow(sum)) }
            }
        }
        for (j, out) in out.iter_mut().enumerate().skip(whole) {
            let column = delta.iter().skip(start + j).step_by(o);
            *out = T::narrow(out.widen() + column.map(|x| x.widen()).sum::<f64>());
        }
    }
}
