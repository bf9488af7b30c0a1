//! Per-example gradients of one tensor as two factors, which are never multiplied out.
//!
//! Legend: m: examples, i: inputs of the layer, o: outputs, e: one example, c: clip.
//!
//! For a linear layer z = W a + b the gradient of example e's loss is the outer product
//! `g_e = δ_e ⊗ a_e` [o, i] for W and δ_e \[o\] for b, where δ = ∂ℓ/∂z. A bias is therefore a weight
//! whose input is the constant one. Losses have SUM reduction: the sum of all g_e is the gradient
//! of the batch, not m times it.
//!
//! Source: catalogue A1; the factors are those of Goodfellow (2015), *Efficient Per-Example
//! Gradient Computations* (arXiv 1510.01799).

use coherence_cpu::{
    Element, dense,
    elementwise::column_sums,
    norms::{dots_with, row_dots, row_sq_norms},
    outer,
    product::{Dims, Output, matmul_nt, matmul_tn},
};
use core::ops::Range;

/// The input of a layer, one of the two factors of its per-example gradients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Input<'a, T> {
    /// Activations [m, i], for a weight.
    Rows(&'a [T]),
    /// The constant one for every example, for a bias; i = 1.
    Ones,
}

/// The m per-example gradients of one tensor, as factors.
///
/// # Example
///
/// ```
/// use coherence_nn::Factors;
/// // Two examples, two inputs, one output: g_1 = 3·(1, 2), g_2 = −1·(1, 0).
/// let factors = Factors::weight("w", [2, 2, 1], &[1.0, 2.0, 1.0, 0.0], &[3.0, -1.0]);
/// let (mut norms, mut sum) = ([0.0; 2], [0.0; 2]);
/// factors.sq_norms(&mut norms);
/// factors.sum(&mut sum);
/// assert_eq!((norms, sum), ([45.0, 1.0], [2.0, 6.0]));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Factors<'a, T> {
    /// The tensor's name, such as `fc1.weight`.
    pub name: &'a str,
    /// The tensor's range in the flat parameter vector; starts at 0 for a separate tensor.
    pub range: Range<usize>,
    /// The sizes m, i, o.
    pub dims: Dims,
    /// The layer's input.
    pub input: Input<'a, T>,
    /// The deltas [m, o]: the gradient of the SUM loss with respect to the layer's output.
    pub delta: &'a [T],
}

impl<'a, T: Element> Factors<'a, T> {
    /// The factors of a weight [o, i] from `a` [m, i] and `delta` [m, o]; `sizes` is [m, i, o].
    ///
    /// # Panics
    ///
    /// If a slice does not have the size stated.
    pub fn weight(name: &'a str, [m, i, o]: [usize; 3], a: &'a [T], delta: &'a [T]) -> Self {
        assert_eq!((a.len(), delta.len()), (m * i, m * o), "factors of {name} [{o}, {i}], m = {m}");
        Self { name, range: 0..o * i, dims: Dims { m, i, o }, input: Input::Rows(a), delta }
    }

    /// The factors of a bias \[o\] from `delta` [m, o].
    ///
    /// # Panics
    ///
    /// If `delta` does not have the size stated.
    pub fn bias(name: &'a str, [m, o]: [usize; 2], delta: &'a [T]) -> Self {
        assert_eq!(delta.len(), m * o, "factors of {name} [{o}], m = {m}");
        Self { name, range: 0..o, dims: Dims { m, i: 1, o }, input: Input::Ones, delta }
    }

    /// The same factors for a tensor that starts at `start` in the flat parameter vector.
    pub fn with_start(self, start: usize) -> Self {
        Self { range: start..start + self.dims.o * self.dims.i, ..self }
    }

    /// The factors of only the examples `rows`.
    ///
    /// ```
    /// # use coherence_nn::Factors;
    /// let factors = Factors::weight("w", [3, 1, 1], &[1.0, 2.0, 4.0], &[3.0, -1.0, 1.0]);
    /// let mut sum = [0.0];
    /// factors.rows(1..3).sum(&mut sum);
    /// assert_eq!(sum, [2.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// If `rows` exceeds m.
    pub fn rows(self, rows: Range<usize>) -> Self {
        let Dims { i, o, .. } = self.dims;
        let input = match self.input {
            Input::Rows(a) => Input::Rows(&a[rows.start * i..rows.end * i]),
            Input::Ones => Input::Ones,
        };
        let delta = self.deltas(rows.clone());
        Self { dims: Dims { m: rows.len(), i, o }, input, delta, ..self }
    }

    /// Adds the squared norms of the per-example gradients: `out[e] += ‖a_e‖² ‖δ_e‖²` \[m\], in f64.
    ///
    /// # Panics
    ///
    /// If `out` does not have m values.
    pub fn sq_norms(&self, out: &mut [f64]) {
        match self.input {
            Input::Rows(a) => outer::sq_norms(self.dims, a, self.delta, out),
            Input::Ones => {
                assert_eq!(out.len(), self.dims.m, "one squared norm for each example");
                add(out, |e, sq_norms| row_sq_norms(self.deltas(e), sq_norms));
            }
        }
    }

    /// Writes S = Σ_e g_e to `out` [o, i]: the gradient of the batch's SUM loss.
    ///
    /// # Panics
    ///
    /// If `out` does not have o·i values.
    pub fn sum(&self, out: &mut [T]) {
        match self.input {
            Input::Rows(a) => matmul_tn(self.dims, self.delta, a, Output::Overwrite, out),
            Input::Ones => column_sums(self.delta, Output::Overwrite, out),
        }
    }

    /// Adds the dot product of every per-example gradient with `v` [o, i]: `out[e] += g_e · v` \[m\],
    /// computed as δ_e · (v a_e), where the matrix product v a_e is in `T`. `scratch` [m, o] is
    /// overwritten.
    ///
    /// # Panics
    ///
    /// If `v`, `scratch` or `out` does not have the size stated.
    pub fn dots(&self, v: &[T], scratch: &mut [T], out: &mut [f64]) {
        let Dims { m, o, .. } = self.dims;
        assert_eq!(out.len(), m, "one dot for each example");
        match self.input {
            Input::Rows(a) => {
                matmul_nt(self.dims, a, v, Output::Overwrite, scratch);
                add(out, |e, dots| {
                    row_dots(self.deltas(e.clone()), &scratch[e.start * o..e.end * o], dots);
                });
            }
            Input::Ones => add(out, |e, dots| dots_with(self.deltas(e), v, dots)),
        }
    }

    /// The deltas of some examples.
    fn deltas(&self, e: Range<usize>) -> &'a [T] {
        &self.delta[e.start * self.dims.o..e.end * self.dims.o]
    }

    /// Writes the gradient g_e of example `e` to `out` [o, i]. This is the last resort: for all
    /// examples it takes m times the memory of the other methods.
    ///
    /// # Panics
    ///
    /// If `e` is not below m or `out` does not have o·i values.
    pub fn per_example(&self, e: usize, out: &mut [T]) {
        let Dims { i, o, .. } = self.dims;
        assert_eq!(out.len(), o * i, "out is not [o, i]");
        let delta = &self.delta[e * o..][..o];
        match self.input {
            Input::Ones => out.copy_from_slice(delta),
            Input::Rows(a) => {
                for (row, &d) in out.chunks_exact_mut(i).zip(delta) {
                    let a = &a[e * i..][..i];
                    row.iter_mut().zip(a).for_each(|(out, &a)| *out = d * a);
                }
            }
        }
    }

    /// Writes the winsorised MEAN of the per-example gradients to `out` [o, i], coordinate by
    /// coordinate: values are clipped to the (c+1)-smallest and (c+1)-largest. c = 0 is the mean,
    /// 2c = m the median.
    ///
    /// Source: CG20 §3.1; catalogue A18 (count form).
    ///
    /// # Panics
    ///
    /// If m = 0, 2c > m, or `out` does not have o·i values.
    pub fn winsorized_mean(&self, clip: usize, out: &mut [T]) {
        match self.input {
            Input::Rows(a) => outer::winsorized_mean(self.dims, a, self.delta, clip, out),
            Input::Ones => dense::winsorized_mean(self.delta, clip, out),
        }
    }
}

/// Adds the values that `compute` writes for a range of examples to their `out`. Works block by block,
/// so that nothing is allocated; a block is large enough to be shared by threads.
fn add(out: &mut [f64], compute: impl Fn(Range<usize>, &mut [f64])) {
    const EXAMPLES: usize = 1024;
    let mut block = [0.0; EXAMPLES];
    for (at, out) in out.chunks_mut(EXAMPLES).enumerate() {
        let (start, values) = (at * EXAMPLES, &mut block[..out.len()]);
        compute(start..start + out.len(), values);
        out.iter_mut().zip(values).for_each(|(out, value)| *out += *value);
    }
}
