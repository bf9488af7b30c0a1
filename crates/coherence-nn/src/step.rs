//! Steps of one tensor along robust gradients, which are computed from factors on the fly.
//!
//! Legend: m: examples, i: inputs of the layer, o: outputs, e: one example, η: `rate`.

use crate::{Factors, PerExample, device::Device};
use coherence_core::aggregate::{self, Median};
use coherence_cpu::{
    Element,
    order::{OrderRule, OrderStatistics},
    product::Output,
};

impl<T: Element, D: Device<T>> Factors<'_, T, D> {
    /// One step along the [`robust_mean`](Factors::robust_mean), in one pass over memory:
    /// `tensor [o, i] -= rate · robust mean`.
    ///
    /// # Panics
    ///
    /// With the core's error when the rule is not defined for m values, or if `tensor` does not have o·i values.
    pub fn robust_step(&self, rule: impl OrderRule, rate: T, tensor: D::SliceMut<'_, T>) {
        let device = &self.device;
        let gradients = self.per_example_gradients();
        let by = OrderStatistics::new(rule, self.m);
        match gradients {
            PerExample::Outer { dims, a, delta } => {
                device.outer_robust_step(dims, a, delta, by, rate, tensor);
            }
            PerExample::Convolution { sizes, x, delta } => {
                device.convolution_robust_step(&sizes, x, delta, by, rate, tensor);
            }
            PerExample::Rows(rows) => {
                let mut mean = device.zeros(self.range.len());
                device.rows_robust_mean(rows, by, D::view_mut(&mut mean));
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
                let by = OrderStatistics::new(Median, groups);
                device.rows_robust_mean(D::view(&sums), by, D::view_mut(&mut median));
                device.axpy(-rate, D::view(&median), tensor);
            }
        }
    }
}
