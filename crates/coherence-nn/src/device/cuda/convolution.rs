//! Convolutions on a GPU.

use super::Cuda;
use crate::device::Convolutions;
use coherence_cpu::{convolution::Convolution, order::OrderStatistics, product::Output};
use coherence_cuda::{Engine, Real, View, ViewMut, convolution};

impl<T: Real, E: Engine> Convolutions<T> for Cuda<E> {
    fn convolution_forward(
        &self,
        sizes: &Convolution,
        x: View<'_, T>,
        weight: View<'_, T>,
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        convolution::forward(&self.engine, sizes, x, weight, output, out);
    }

    fn convolution_backward(
        &self,
        sizes: &Convolution,
        delta: View<'_, T>,
        weight: View<'_, T>,
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        convolution::backward(&self.engine, sizes, delta, weight, output, out);
    }

    fn convolution_gradient(
        &self,
        sizes: &Convolution,
        x: View<'_, T>,
        delta: View<'_, T>,
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        convolution::gradient(&self.engine, sizes, x, delta, output, out);
    }

    fn convolution_gradient_and_sq_norms(
        &self,
        sizes: &Convolution,
        x: View<'_, T>,
        delta: View<'_, T>,
        output: Output,
        out: ViewMut<'_, T>,
        sq_norms: ViewMut<'_, f64>,
    ) {
        let factors = [x, delta];
        convolution::gradient_and_sq_norms(&self.engine, sizes, factors, output, out, sq_norms);
    }

    fn convolution_add_sq_norms(
        &self,
        sizes: &Convolution,
        x: View<'_, T>,
        delta: View<'_, T>,
        out: ViewMut<'_, f64>,
    ) {
        convolution::add_sq_norms(&self.engine, sizes, x, delta, out);
    }

    fn convolution_add_dots(
        &self,
        sizes: &Convolution,
        x: View<'_, T>,
        delta: View<'_, T>,
        v: View<'_, T>,
        out: ViewMut<'_, f64>,
    ) {
        convolution::add_dots(&self.engine, sizes, [x, delta, v], out);
    }

    fn convolution_per_example(
        &self,
        sizes: &Convolution,
        x: View<'_, T>,
        delta: View<'_, T>,
        e: usize,
        out: ViewMut<'_, T>,
    ) {
        convolution::per_example(&self.engine, sizes, x, delta, e, out);
    }

    fn convolution_robust_mean(
        &self,
        sizes: &Convolution,
        x: View<'_, T>,
        delta: View<'_, T>,
        by: OrderStatistics,
        out: ViewMut<'_, T>,
    ) {
        convolution::robust_mean(&self.engine, sizes, [x, delta], by, out);
    }

    fn convolution_robust_step(
        &self,
        sizes: &Convolution,
        x: View<'_, T>,
        delta: View<'_, T>,
        by: OrderStatistics,
        rate: T,
        weight: ViewMut<'_, T>,
    ) {
        convolution::robust_step(&self.engine, sizes, [x, delta], by, rate, weight);
    }

    fn convolution_median_of_sums_step(
        &self,
        sizes: &Convolution,
        x: View<'_, T>,
        delta: View<'_, T>,
        groups: usize,
        rate: T,
        weight: ViewMut<'_, T>,
    ) {
        let factors = [x, delta];
        convolution::median_of_sums_step(&self.engine, sizes, factors, groups, rate, weight);
    }
}
