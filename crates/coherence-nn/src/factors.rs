//! Per-example gradients of one tensor as two factors, which are never multiplied out.
//!
//! Legend: m: examples, i: inputs of the layer, o: outputs, e: one example.
//!
//! For a linear layer z = W a + b the gradient of example e's loss is the outer product
//! `g_e = δ_e ⊗ a_e` [o, i] for W and δ_e \[o\] for b, where δ = ∂ℓ/∂z. A bias is therefore a weight
//! whose input is the constant one. Losses have SUM reduction: the sum of all g_e is the gradient
//! of the batch, not m times it.
//!
//! Source: catalogue A1; the factors are those of Goodfellow (2015), *Efficient Per-Example
//! Gradient Computations* (arXiv 1510.01799).

use crate::{
    Gradients, PerExample,
    device::{Cpu, Device},
};
use coherence_cpu::{
    Element,
    order::{OrderRule, OrderStatistics},
    product::{Dims, Output},
};
use core::ops::Range;

/// The m per-example gradients of one tensor, as factors in the memory of a device.
///
/// Results are written to views of the same device. Views are slices on [`Cpu`].
///
/// # Panics
///
/// Only the sum of the gradients of a layer that normalises by the statistics of a batch is defined; all
/// other methods panic. [`Graph::couples_examples`](crate::Graph::couples_examples) says beforehand whether
/// there is such a layer.
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
#[derive(Debug, Clone)]
pub struct Factors<'a, T: Element, D: Device<T> = Cpu> {
    /// Where the gradients are.
    pub device: D,
    /// The tensor's name, such as `fc1.weight`.
    pub name: &'a str,
    /// The tensor's index in the layout; 0 for a separate tensor.
    pub tensor: usize,
    /// The tensor's range in the flat parameter vector; starts at 0 for a separate tensor.
    pub range: Range<usize>,
    /// The number of examples m.
    pub m: usize,
    /// Their gradients.
    pub gradients: Gradients<'a, T, D>,
}

impl<'a, T: Element> Factors<'a, T> {
    /// The factors of a weight [o, i] from `a` [m, i] and `delta` [m, o] on the processor; `sizes` is
    /// [m, i, o].
    ///
    /// # Panics
    ///
    /// If a slice does not have the size stated.
    pub fn weight(name: &'a str, [m, i, o]: [usize; 3], a: &'a [T], delta: &'a [T]) -> Self {
        assert_eq!((a.len(), delta.len()), (m * i, m * o), "factors of {name} [{o}, {i}], m = {m}");
        let gradients = PerExample::Outer { dims: Dims { m, i, o }, a, delta };
        Self::new(Cpu::detect(), name, [m, o * i], gradients)
    }

    /// The factors of a bias \[o\] from `delta` [m, o] on the processor.
    ///
    /// # Panics
    ///
    /// If `delta` does not have the size stated.
    pub fn bias(name: &'a str, [m, o]: [usize; 2], delta: &'a [T]) -> Self {
        assert_eq!(delta.len(), m * o, "factors of {name} [{o}], m = {m}");
        Self::new(Cpu::detect(), name, [m, o], PerExample::Rows(delta))
    }
}

impl<'a, T: Element, D: Device<T>> Factors<'a, T, D> {
    /// The factors of a tensor of d values that is no part of a network; `sizes` is [m, d].
    pub fn separate(
        device: D,
        name: &'a str,
        sizes: [usize; 2],
        gradients: &'a PerExample<'_, T, D>,
    ) -> Self {
        Self::new(device, name, sizes, gradients.shorten())
    }

    fn new(device: D, name: &'a str, [m, d]: [usize; 2], gradients: PerExample<'a, T, D>) -> Self {
        Self { device, name, tensor: 0, range: 0..d, m, gradients: gradients.into() }
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
        let gradients = self.per_example_gradients().rows(self.m, &rows).into();
        Self { range: self.range.clone(), m: rows.len(), gradients, ..self.clone() }
    }

    /// Adds the squared norms of the per-example gradients: `out[e] += ‖g_e‖²` \[m\], in f64.
    ///
    /// # Panics
    ///
    /// If `out` does not have m values.
    pub fn sq_norms(&self, out: D::SliceMut<'_, f64>) {
        let device = &self.device;
        match self.per_example_gradients() {
            PerExample::Outer { dims, a, delta } => device.outer_add_sq_norms(dims, a, delta, out),
            PerExample::Convolution { sizes, x, delta } => {
                device.convolution_add_sq_norms(&sizes, x, delta, out);
            }
            PerExample::Rows(rows) => device.rows_add_sq_norms(rows, self.range.len(), out),
        }
    }

    /// Writes S = Σ_e g_e to `out` [o, i], or adds it: the gradient of the batch's SUM loss.
    ///
    /// # Panics
    ///
    /// If `out` does not have o·i values.
    pub fn sum(&self, output: Output, out: D::SliceMut<'_, T>) {
        let device = &self.device;
        match (self.gradients, output) {
            (Gradients::PerExample(PerExample::Outer { dims, a, delta }), _) => {
                device.matmul_tn(dims, delta, a, output, out);
            }
            (Gradients::PerExample(PerExample::Convolution { sizes, x, delta }), _) => {
                device.convolution_gradient(&sizes, x, delta, output, out);
            }
            (Gradients::PerExample(PerExample::Rows(rows)), _) => {
                device.column_sums(rows, output, out);
            }
            (Gradients::Sum(sum), Output::Overwrite) => device.copy(sum, out),
            (Gradients::Sum(sum), Output::Add) => device.axpy(T::one(), sum, out),
        }
    }

    /// [`sum`](Factors::sum) and [`sq_norms`](Factors::sq_norms), in one pass where that is faster.
    ///
    /// # Panics
    ///
    /// As these.
    pub fn sum_and_sq_norms(
        &self,
        output: Output,
        sum: D::SliceMut<'_, T>,
        sq_norms: D::SliceMut<'_, f64>,
    ) {
        if let PerExample::Convolution { sizes, x, delta } = self.per_example_gradients() {
            let device = &self.device;
            device.convolution_gradient_and_sq_norms(&sizes, x, delta, output, sum, sq_norms);
        } else {
            self.sum(output, sum);
            self.sq_norms(sq_norms);
        }
    }

    /// Adds the dot product of every per-example gradient with `v` [o, i]: `out[e] += g_e · v` \[m\];
    /// for a weight it is computed as δ_e · (v a_e), where the matrix product v a_e is in `T`.
    /// `scratch` is overwritten; it grows to [m, o] values if it has fewer.
    ///
    /// # Panics
    ///
    /// If `v` or `out` does not have the size stated.
    pub fn dots(&self, v: D::Slice<'_, T>, scratch: &mut D::Buffer<T>, out: D::SliceMut<'_, f64>) {
        let device = &self.device;
        match self.per_example_gradients() {
            PerExample::Outer { dims, a, delta } => {
                let len = D::len(delta);
                device.reserve(scratch, len);
                let product = D::part_mut(D::view_mut(scratch), 0..len);
                device.matmul_nt(dims, a, v, Output::Overwrite, product);
                let product = D::part(D::view(scratch), 0..len);
                device.rows_add_pair_dots(delta, product, dims.o, out);
            }
            PerExample::Convolution { sizes, x, delta } => {
                device.convolution_add_dots(&sizes, x, delta, v, out);
            }
            PerExample::Rows(rows) => device.rows_add_dots(rows, v, out),
        }
    }

    /// Writes the gradient g_e of example `e` to `out` [o, i]. This is the last resort: for all
    /// examples it takes m times the memory of the other methods.
    ///
    /// # Panics
    ///
    /// If `e` is not below m or `out` does not have o·i values.
    pub fn per_example(&self, e: usize, out: D::SliceMut<'_, T>) {
        let (device, of_example) = (&self.device, |width: usize| e * width..(e + 1) * width);
        match self.per_example_gradients() {
            PerExample::Outer { dims: Dims { i, o, .. }, a, delta } => {
                let (a, delta) = (D::part(a, of_example(i)), D::part(delta, of_example(o)));
                device.outer_product(a, delta, out);
            }
            PerExample::Convolution { sizes, x, delta } => {
                device.convolution_per_example(&sizes, x, delta, e, out);
            }
            PerExample::Rows(rows) => {
                device.copy(D::part(rows, of_example(self.range.len())), out);
            }
        }
    }

    /// Writes the robust mean of the per-example gradients to `out` [o, i], coordinate by coordinate: `rule`, such
    /// as the core's [`Winsorized`](coherence_core::aggregate::Winsorized), over the values of the m examples.
    ///
    /// ```
    /// use coherence_core::aggregate::{Median, Trimmed, Winsorized};
    /// # use coherence_nn::Factors;
    /// let factors = Factors::bias("b", [4, 1], &[1.0, 2.0, 4.0, 900.0]);
    /// let mut mean = [0.0];
    /// factors.robust_mean(Winsorized { clip: 1 }, &mut mean);
    /// assert_eq!(mean, [3.0]); // (2 + 2 + 4 + 4) / 4
    /// factors.robust_mean(Trimmed { trim: 1 }, &mut mean);
    /// assert_eq!(mean, [3.0]); // (2 + 4) / 2
    /// factors.robust_mean(Median, &mut mean);
    /// assert_eq!(mean, [3.0]);
    /// ```
    ///
    /// Source: CG20 §3.1; catalogue A18 (count form).
    ///
    /// # Panics
    ///
    /// With the core's error when the rule is not defined for m values, or if `out` does not have o·i values.
    pub fn robust_mean(&self, rule: impl OrderRule, out: D::SliceMut<'_, T>) {
        let device = &self.device;
        let gradients = self.per_example_gradients();
        let by = OrderStatistics::new(rule, self.m);
        match gradients {
            PerExample::Outer { dims, a, delta } => {
                device.outer_robust_mean(dims, a, delta, by, out);
            }
            PerExample::Convolution { sizes, x, delta } => {
                device.convolution_robust_mean(&sizes, x, delta, by, out);
            }
            PerExample::Rows(rows) => device.rows_robust_mean(rows, by, out),
        }
    }

    /// The gradients of the examples; panics where they are not defined.
    pub(crate) fn per_example_gradients(&self) -> PerExample<'a, T, D> {
        match self.gradients {
            Gradients::PerExample(gradients) => gradients,
            Gradients::Sum(_) => {
                panic!("{} has no per-example gradients by the statistics of a batch", self.name)
            }
        }
    }
}
