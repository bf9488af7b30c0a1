//! Steps of one tensor along robust gradients, which are computed from factors on the fly.
//!
//! Legend: m: examples, i: inputs of the layer, o: outputs, e: one example, η: `rate`.

use crate::{Factors, Gradients};
use coherence_core::aggregate;
use coherence_cpu::{
    Element, Isa, convolution, dense,
    elementwise::{axpy, column_sums},
    outer,
    product::Output,
};

impl<T: Element> Factors<'_, T> {
    /// One step along the [`winsorized_mean`](Factors::winsorized_mean), in one pass over memory:
    /// `tensor [o, i] -= rate · winsorised mean`.
    ///
    /// # Panics
    ///
    /// If m = 0, 2 `clip` > m, or `tensor` does not have o·i values.
    pub fn winsorized_step(&self, clip: usize, rate: T, tensor: &mut [T]) {
        match self.gradients {
            Gradients::Outer { dims, a, delta } => {
                outer::winsorized_step(dims, a, delta, clip, rate, tensor);
            }
            Gradients::Convolution { of, x, delta } => {
                convolution::winsorized_step(Isa::detect(), of, x, delta, clip, rate, tensor);
            }
            Gradients::Rows(values) => {
                let mut mean = vec![T::zero(); tensor.len()];
                dense::winsorized_mean(values, clip, &mut mean);
                axpy(-rate, &mean, tensor);
            }
            Gradients::Sum(_) => self.coupled(),
        }
    }

    /// One step along the median of the summed gradients of groups of examples:
    /// `tensor [o, i] -= rate · median_g Σ_{e in g} g_e`; the groups are those of
    /// [`coherence_core::aggregate::groups`].
    ///
    /// Source: WS20 §3 (M3); catalogue A19.
    ///
    /// # Panics
    ///
    /// Unless 1 ≤ `groups` ≤ m, or if `tensor` does not have o·i values.
    pub fn median_of_sums_step(&self, groups: usize, rate: T, tensor: &mut [T]) {
        match self.gradients {
            Gradients::Outer { dims, a, delta } => {
                outer::median_of_sums_step(dims, a, delta, groups, rate, tensor);
            }
            Gradients::Convolution { of, x, delta } => {
                let isa = Isa::detect();
                convolution::median_of_sums_step(isa, of, x, delta, groups, rate, tensor);
            }
            Gradients::Rows(values) => {
                let d = tensor.len();
                let mut sums = vec![T::zero(); (groups + 1) * d];
                let (median, sums) = sums.split_at_mut(d);
                let groups = aggregate::groups(self.m, groups);
                for (examples, sum) in groups.zip(sums.chunks_exact_mut(d)) {
                    let rows = &values[examples.start * d..examples.end * d];
                    column_sums(rows, Output::Overwrite, sum);
                }
                dense::median(sums, median);
                axpy(-rate, median, tensor);
            }
            Gradients::Sum(_) => self.coupled(),
        }
    }
}
