//! Steps of one tensor along robust gradients, which are computed from factors on the fly.
//!
//! Legend: m: examples, i: inputs of the layer, o: outputs, e: one example, η: `rate`.

use crate::{Factors, Input};
use coherence_core::aggregate;
use coherence_cpu::{
    Element, dense,
    elementwise::{axpy, column_sums},
    outer,
    product::{Dims, Output},
};

impl<T: Element> Factors<'_, T> {
    /// One step along the [`winsorized_mean`](Factors::winsorized_mean), in one pass over memory:
    /// `tensor [o, i] -= rate · winsorised mean`.
    ///
    /// # Panics
    ///
    /// If m = 0, 2 `clip` > m, or `tensor` does not have o·i values.
    pub fn winsorized_step(&self, clip: usize, rate: T, tensor: &mut [T]) {
        match self.input {
            Input::Rows(a) => {
                outer::winsorized_step(self.dims, a, self.delta, clip, rate, tensor);
            }
            Input::Ones => {
                let mut mean = vec![T::zero(); tensor.len()];
                dense::winsorized_mean(self.delta, clip, &mut mean);
                axpy(-rate, &mean, tensor);
            }
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
        let Dims { m, o, .. } = self.dims;
        match self.input {
            Input::Rows(a) => {
                outer::median_of_sums_step(self.dims, a, self.delta, groups, rate, tensor);
            }
            Input::Ones => {
                let mut sums = vec![T::zero(); (groups + 1) * o];
                let (median, sums) = sums.split_at_mut(o);
                for (examples, sum) in aggregate::groups(m, groups).zip(sums.chunks_exact_mut(o)) {
                    let delta = &self.delta[examples.start * o..examples.end * o];
                    column_sums(delta, Output::Overwrite, sum);
                }
                dense::median(sums, median);
                axpy(-rate, median, tensor);
            }
        }
    }
}
