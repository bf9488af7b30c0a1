//! Products on the processor.

use super::Cpu;
use crate::device::Products;
use coherence_cpu::{
    Element,
    order::OrderStatistics,
    outer,
    product::{Dims, Output, matmul_nn_on, matmul_nt_on, matmul_tn_on},
};

impl<T: Element> Products<T> for Cpu {
    #[inline]
    fn matmul_nt(&self, dims: Dims, a: &[T], w: &[T], output: Output, out: &mut [T]) {
        matmul_nt_on(self.isa, dims, a, w, output, out);
    }

    #[inline]
    fn matmul_nn(&self, dims: Dims, delta: &[T], w: &[T], output: Output, out: &mut [T]) {
        matmul_nn_on(self.isa, dims, delta, w, output, out);
    }

    #[inline]
    fn matmul_tn(&self, dims: Dims, delta: &[T], a: &[T], output: Output, out: &mut [T]) {
        matmul_tn_on(self.isa, dims, delta, a, output, out);
    }

    fn outer_product(&self, a: &[T], delta: &[T], out: &mut [T]) {
        assert_eq!(out.len(), a.len() * delta.len(), "one value for each coordinate");
        for (row, &d) in out.chunks_exact_mut(a.len()).zip(delta) {
            row.iter_mut().zip(a).for_each(|(out, &a)| *out = d * a);
        }
    }

    #[inline]
    fn outer_add_sq_norms(&self, dims: Dims, a: &[T], delta: &[T], out: &mut [f64]) {
        outer::sq_norms_on(self.isa, dims, a, delta, out);
    }

    #[inline]
    fn outer_robust_mean(
        &self,
        dims: Dims,
        a: &[T],
        delta: &[T],
        by: OrderStatistics,
        out: &mut [T],
    ) {
        outer::robust_mean_on(self.isa, dims, a, delta, by, out);
    }

    #[inline]
    fn outer_robust_step(
        &self,
        dims: Dims,
        a: &[T],
        delta: &[T],
        by: OrderStatistics,
        rate: T,
        weight: &mut [T],
    ) {
        outer::robust_step_on(self.isa, dims, a, delta, by, rate, weight);
    }

    #[inline]
    fn outer_median_of_sums_step(
        &self,
        dims: Dims,
        a: &[T],
        delta: &[T],
        groups: usize,
        rate: T,
        weight: &mut [T],
    ) {
        outer::median_of_sums_step_on(self.isa, dims, a, delta, groups, rate, weight);
    }
}
