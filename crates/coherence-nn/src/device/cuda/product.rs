//! Products on a GPU.

use super::Cuda;
use crate::device::Products;
use coherence_cpu::{
    order::OrderStatistics,
    product::{Dims, Output},
};
use coherence_cuda::{Engine, Product, Real, View, ViewMut, outer, product::multiply};

impl<T: Real, E: Engine> Products<T> for Cuda<E> {
    fn matmul_nt(
        &self,
        dims: Dims,
        a: View<'_, T>,
        w: View<'_, T>,
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        multiply(&self.engine, Product::nt(dims, output), a, w, out);
    }

    fn matmul_nn(
        &self,
        dims: Dims,
        delta: View<'_, T>,
        w: View<'_, T>,
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        multiply(&self.engine, Product::nn(dims, output), delta, w, out);
    }

    fn matmul_tn(
        &self,
        dims: Dims,
        delta: View<'_, T>,
        a: View<'_, T>,
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        outer::sum(&self.engine, dims, [a, delta], output, out);
    }

    fn outer_product(&self, a: View<'_, T>, delta: View<'_, T>, out: ViewMut<'_, T>) {
        outer::product(&self.engine, a, delta, out);
    }

    fn outer_add_sq_norms(
        &self,
        dims: Dims,
        a: View<'_, T>,
        delta: View<'_, T>,
        out: ViewMut<'_, f64>,
    ) {
        outer::add_sq_norms(&self.engine, dims, [a, delta], out);
    }

    fn outer_robust_mean(
        &self,
        dims: Dims,
        a: View<'_, T>,
        delta: View<'_, T>,
        by: OrderStatistics,
        out: ViewMut<'_, T>,
    ) {
        outer::robust_mean(&self.engine, dims, [a, delta], by, out);
    }

    fn outer_robust_step(
        &self,
        dims: Dims,
        a: View<'_, T>,
        delta: View<'_, T>,
        by: OrderStatistics,
        rate: T,
        weight: ViewMut<'_, T>,
    ) {
        outer::robust_step(&self.engine, dims, [a, delta], by, rate, weight);
    }

    fn outer_median_of_sums_step(
        &self,
        dims: Dims,
        a: View<'_, T>,
        delta: View<'_, T>,
        groups: usize,
        rate: T,
        weight: ViewMut<'_, T>,
    ) {
        outer::median_of_sums_step(&self.engine, dims, [a, delta], groups, rate, weight);
    }
}
