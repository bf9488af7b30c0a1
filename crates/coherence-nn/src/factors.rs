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
    Element, Isa,
    convolution::{self, Convolution},
    dense,
    elementwise::{axpy, column_sums},
    norms::{dots_with, row_dots, row_sq_norms},
    outer,
    product::{Dims, Output, matmul_nt, matmul_tn},
};
use core::ops::Range;

/// The m per-example gradients of one tensor, in a form that is not multiplied out.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Gradients<'a, T> {
    /// g_e = δ_e ⊗ a_e [o, i]: the weight of a linear layer.
    Outer {
        /// The sizes m, i, o.
        dims: Dims,
        /// The layer's input [m, i].
        a: &'a [T],
        /// The gradient [m, o] of the SUM loss with respect to the layer's output.
        delta: &'a [T],
    },
    /// g_e = Σ_p δ_{e,p} ⊗ patch_{e,p} [o, kh, kw, i/groups] over the positions p: the weight of a
    /// convolution.
    Convolution {
        /// The sizes.
        of: &'a Convolution,
        /// The layer's input [m, h, w, i].
        x: &'a [T],
        /// The gradient [m, oh, ow, o] of the SUM loss with respect to the layer's output.
        delta: &'a [T],
    },
    /// g_e is row e of a matrix [m, d]: a bias, or another tensor of few values.
    Rows(&'a [T]),
    /// Only Σ_e g_e \[d\] is defined: a layer that normalises by the statistics of the batch makes its
    /// examples depend on each other.
    Sum(&'a [T]),
}

/// The m per-example gradients of one tensor, as factors.
///
/// # Example
///
/// ```
/// use coherence_cpu::product::Output;
/// use coherence_nn::Factors;
/// // Two examples, two inputs, one output: g_1 = 3·(1, 2), g_2 = −1·(1, 0).
/// let factors = Factors::weight("w", [2, 2, 1], &[1.0, 2.0, 1.0, 0.0], &[3.0, -1.0]);
/// let (mut norms, mut sum) = ([0.0; 2], [0.0; 2]);
/// factors.sq_norms(&mut norms);
/// factors.sum(Output::Overwrite, &mut sum);
/// assert_eq!((norms, sum), ([45.0, 1.0], [2.0, 6.0]));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Factors<'a, T> {
    /// The tensor's name, such as `fc1.weight`.
    pub name: &'a str,
    /// The tensor's index in the layout; 0 for a separate tensor.
    pub tensor: usize,
    /// The tensor's range in the flat parameter vector; starts at 0 for a separate tensor.
    pub range: Range<usize>,
    /// The number of examples m.
    pub m: usize,
    /// Their gradients.
    pub gradients: Gradients<'a, T>,
}

impl<'a, T: Element> Factors<'a, T> {
    /// The factors of a weight [o, i] from `a` [m, i] and `delta` [m, o]; `sizes` is [m, i, o].
    ///
    /// # Panics
    ///
    /// If a slice does not have the size stated.
    pub fn weight(name: &'a str, [m, i, o]: [usize; 3], a: &'a [T], delta: &'a [T]) -> Self {
        assert_eq!((a.len(), delta.len()), (m * i, m * o), "factors of {name} [{o}, {i}], m = {m}");
        let gradients = Gradients::Outer { dims: Dims { m, i, o }, a, delta };
        Self { name, tensor: 0, range: 0..o * i, m, gradients }
    }

    /// The factors of a bias \[o\] from `delta` [m, o].
    ///
    /// # Panics
    ///
    /// If `delta` does not have the size stated.
    pub fn bias(name: &'a str, [m, o]: [usize; 2], delta: &'a [T]) -> Self {
        assert_eq!(delta.len(), m * o, "factors of {name} [{o}], m = {m}");
        Self { name, tensor: 0, range: 0..o, m, gradients: Gradients::Rows(delta) }
    }

    /// The factors of only the examples `rows`.
    ///
    /// ```
    /// # use coherence_cpu::product::Output;
    /// # use coherence_nn::Factors;
    /// let factors = Factors::weight("w", [3, 1, 1], &[1.0, 2.0, 4.0], &[3.0, -1.0, 1.0]);
    /// let mut sum = [0.0];
    /// factors.rows(1..3).sum(Output::Overwrite, &mut sum);
    /// assert_eq!(sum, [2.0]);
    /// ```
    ///
    /// # Panics
    ///
    /// If `rows` exceeds m.
    pub fn rows(&self, rows: Range<usize>) -> Self {
        let of = |values: &'a [T]| {
            let width = values.len() / self.m.max(1);
            &values[rows.start * width..rows.end * width]
        };
        let m = rows.len();
        let gradients = match self.gradients {
            Gradients::Outer { dims, a, delta } => {
                Gradients::Outer { dims: Dims { m, ..dims }, a: of(a), delta: of(delta) }
            }
            Gradients::Convolution { of: sizes, x, delta } => {
                Gradients::Convolution { of: sizes, x: of(x), delta: of(delta) }
            }
            Gradients::Rows(values) => Gradients::Rows(of(values)),
            Gradients::Sum(_) => self.coupled(),
        };
        Self { name: self.name, tensor: self.tensor, range: self.range.clone(), m, gradients }
    }

    /// Adds the squared norms of the per-example gradients: `out[e] += ‖g_e‖²` \[m\], in f64.
    ///
    /// # Panics
    ///
    /// If `out` does not have m values.
    pub fn sq_norms(&self, out: &mut [f64]) {
        match self.gradients {
            Gradients::Outer { dims, a, delta } => outer::sq_norms(dims, a, delta, out),
            Gradients::Convolution { of, x, delta } => {
                convolution::add_sq_norms(Isa::detect(), of, x, delta, out);
            }
            Gradients::Rows(values) => {
                assert_eq!(out.len(), self.m, "one squared norm for each example");
                let width = self.range.len();
                add(out, |e, sq_norms| {
                    row_sq_norms(&values[e.start * width..e.end * width], sq_norms);
                });
            }
            Gradients::Sum(_) => self.coupled(),
        }
    }

    /// Writes S = Σ_e g_e to `out` [o, i], or adds it: the gradient of the batch's SUM loss.
    ///
    /// # Panics
    ///
    /// If `out` does not have o·i values.
    pub fn sum(&self, output: Output, out: &mut [T]) {
        match self.gradients {
            Gradients::Outer { dims, a, delta } => matmul_tn(dims, delta, a, output, out),
            Gradients::Convolution { of, x, delta } => {
                convolution::gradient(Isa::detect(), of, x, delta, output, out);
            }
            Gradients::Rows(values) => column_sums(values, output, out),
            Gradients::Sum(sum) => match output {
                Output::Overwrite => out.copy_from_slice(sum),
                Output::Add => axpy(T::one(), sum, out),
            },
        }
    }

    /// [`sum`](Factors::sum) and [`sq_norms`](Factors::sq_norms), in one pass where that is faster.
    ///
    /// # Panics
    ///
    /// As these.
    pub fn sum_and_sq_norms(&self, output: Output, sum: &mut [T], sq_norms: &mut [f64]) {
        match self.gradients {
            Gradients::Convolution { of, x, delta } => {
                let isa = Isa::detect();
                convolution::gradient_and_sq_norms(isa, of, x, delta, output, sum, sq_norms);
            }
            _ => {
                self.sum(output, sum);
                self.sq_norms(sq_norms);
            }
        }
    }

    /// Adds the dot product of every per-example gradient with `v` [o, i]: `out[e] += g_e · v` \[m\];
    /// for a weight it is computed as δ_e · (v a_e), where the matrix product v a_e is in `T`.
    /// `scratch` is overwritten; it grows to [m, o] values if it has fewer.
    ///
    /// # Panics
    ///
    /// If `v` or `out` does not have the size stated.
    pub fn dots(&self, v: &[T], scratch: &mut Vec<T>, out: &mut [f64]) {
        assert_eq!(out.len(), self.m, "one dot for each example");
        match self.gradients {
            Gradients::Outer { dims, a, delta } => {
                let o = dims.o;
                scratch.resize(scratch.len().max(delta.len()), T::zero());
                let product = &mut scratch[..delta.len()];
                matmul_nt(dims, a, v, Output::Overwrite, product);
                add(out, |Range { start, end }, dots| {
                    row_dots(&delta[start * o..end * o], &product[start * o..end * o], dots);
                });
            }
            Gradients::Convolution { of, x, delta } => {
                convolution::add_dots(Isa::detect(), of, x, delta, v, out);
            }
            Gradients::Rows(values) => {
                let width = self.range.len();
                add(out, |e, dots| dots_with(&values[e.start * width..e.end * width], v, dots));
            }
            Gradients::Sum(_) => self.coupled(),
        }
    }

    /// Writes the gradient g_e of example `e` to `out` [o, i]. This is the last resort: for all
    /// examples it takes m times the memory of the other methods.
    ///
    /// # Panics
    ///
    /// If `e` is not below m or `out` does not have o·i values.
    pub fn per_example(&self, e: usize, out: &mut [T]) {
        assert_eq!(out.len(), self.range.len(), "one value for each coordinate");
        match self.gradients {
            Gradients::Rows(values) => out.copy_from_slice(&values[e * out.len()..][..out.len()]),
            Gradients::Sum(_) => self.coupled(),
            Gradients::Convolution { of, x, delta } => {
                convolution::per_example(Isa::detect(), of, x, delta, e, out);
            }
            Gradients::Outer { dims: Dims { i, o, .. }, a, delta } => {
                let (a, delta) = (&a[e * i..][..i], &delta[e * o..][..o]);
                for (row, &d) in out.chunks_exact_mut(i).zip(delta) {
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
        match self.gradients {
            Gradients::Outer { dims, a, delta } => {
                outer::winsorized_mean(dims, a, delta, clip, out);
            }
            Gradients::Convolution { of, x, delta } => {
                convolution::winsorized_mean(Isa::detect(), of, x, delta, clip, out);
            }
            Gradients::Rows(values) => dense::winsorized_mean(values, clip, out),
            Gradients::Sum(_) => self.coupled(),
        }
    }

    /// Panics: whoever needs per-example gradients asks
    /// [`Graph::couples_examples`](crate::Graph::couples_examples) first.
    pub(crate) fn coupled(&self) -> ! {
        panic!("{} has no per-example gradients by the statistics of a batch", self.name)
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
