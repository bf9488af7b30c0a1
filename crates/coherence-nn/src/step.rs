//! Steps of one tensor along robust gradients, which are computed from factors on the fly.
//!
//! Legend: m: examples, i: inputs of the layer, o: outputs, e: one example, η: `rate`.

use crate::{Factors, PerExample, device::Device};
use coherence_core::aggregate;
use coherence_cpu::{Element, product::Output};

impl<T: Element, D: Device<T>> Factors<'_, T, D> {
    /// One step along the [`winsorized_mean`](Factors::winsorized_mean), in one pass over memory:
    /// `tensor [o, i] -= rate · winsorised mean`.
    ///
    /// # Panics
    ///
    /// If m = 0, 2 `clip` > m, or `tensor` does not have o·i values.
    pub fn winsorized_step(&self, clip: usize, rate: T, tensor: D::SliceMut<'_, T>) {
        let device = &self.device;
        match self.per_example_gradients() {
            PerExample::Outer { dims, a, delta } => {
                device.outer_winsorized_step(dims, a, delta, clip, rate, tensor);
            }
            PerExample::Convolution { sizes, x, delta } => {
                device.convolution_winsorized_step(&sizes, x, delta, clip, rate, tensor);
            }
            PerExample::Rows(rows) => {
                let mut mean = device.zeros(self.range.len());
                device.rows_winsorized_mean(rows, clip, D::view_mut(&mut mean));
                device.axpy(-rate, D::view(&mean), tensor);
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
    pub fn median_of_sums_step(&self, groups: usize, rate: T, tensor: D::SliceMut<'_, T>) {
        let device = &self.device;
        match self.per_example_gradients() {
            PerExample::Outer { dims, a, delta } => {
                device.outer_median_of_sums_step(dims, a, delta, groups, rate, tensor);
            }
            PerExample::Convolution { sizes, x, delta } => {
                device.convolution_median_of_sums_step(&sizes, x, delta, groups, rate, tensor);
            }
            PerExample::Rows(rows) => {
                let d = self.range.len();
                let [mut sums, mut median] = [groups * d, d].map(|len| device.zeros(len));
                for (g, examples) in aggregate::groups(self.m, groups).enumerate() {
                    let rows = D::part(rows, examples.start * d..examples.end * d);
                    let sum = D::part_mut(D::view_mut(&mut sums), g * d..(g + 1) * d);
                    device.column_sums(rows, Output::Overwrite, sum);
                }
                device.rows_median(D::view(&sums), D::view_mut(&mut median));
                device.axpy(-rate, D::view(&median), tensor);
            }
        }
    }
}
