//! Convolutions on the processor.

use super::Cpu;
use crate::device::Convolutions;
use coherence_cpu::{
    Element,
    convolution::{self, Convolution},
    order::OrderStatistics,
    product::Output,
};

impl<T: Element> Convolutions<T> for Cpu {
    #[inline]
    fn convolution_forward(
        &self,
        sizes: &Convolution,
        x: &[T],
        weight: &[T],
        output: Output,
        out: &mut [T],
    ) {
        convolution::forward(self.isa, sizes, x, weight, output, out);
    }

    #[inline]
    fn convolution_backward(
        &self,
        sizes: &Convolution,
        delta: &[T],
        weight: &[T],
        output: Output,
        out: &mut [T],
    ) {
        convolution::backward(self.isa, sizes, delta, weight, output, out);
    }

    #[inline]
    fn convolution_gradient(
        &self,
        sizes: &Convolution,
        x: &[T],
        delta: &[T],
        output: Output,
        out: &mut [T],
    ) {
        convolution::gradient(self.isa, sizes, x, delta, output, out);
    }

    #[inline]
    fn convolution_gradient_and_sq_norms(
        &self,
        sizes: &Convolution,
        x: &[T],
        delta: &[T],
        output: Output,
        out: &mut [T],
        sq_norms: &mut [f64],
    ) {
        convolution::gradient_and_sq_norms(self.isa, sizes, x, delta, output, out, sq_norms);
    }

    #[inline]
    fn convolution_add_sq_norms(&self, sizes: &Convolution, x: &[T], delta: &[T], out: &mut [f64]) {
        convolution::add_sq_norms(self.isa, sizes, x, delta, out);
    }

    #[inline]
    fn convolution_add_dots(
        &self,
        sizes: &Convolution,
        x: &[T],
        delta: &[T],
        v: &[T],
        out: &mut [f64],
    ) {
        convolution::add_dots(self.isa, sizes, x, delta, v, out);
    }

    #[inline]
    fn convolution_per_example(
        &self,
        sizes: &Convolution,
        x: &[T],
        delta: &[T],
        e: usize,
        out: &mut [T],
    ) {
        convolution::per_example(self.isa, sizes, x, delta, e, out);
    }

    #[inline]
    fn convolution_robust_mean(
        &self,
        sizes: &Convolution,
        x: &[T],
        delta: &[T],
        by: OrderStatistics,
        out: &mut [T],
    ) {
        convolution::robust_mean(self.isa, sizes, x, delta, by, out);
    }

    #[inline]
    fn convolution_robust_step(
        &self,
        sizes: &Convolution,
        x: &[T],
        delta: &[T],
        by: OrderStatistics,
        rate: T,
        weight: &mut [T],
    ) {
        convolution::robust_step(self.isa, sizes, x, delta, by, rate, weight);
    }

    #[inline]
    fn convolution_median_of_sums_step(
        &self,
        sizes: &Convolution,
        x: &[T],
        delta: &[T],
        groups: usize,
        rate: T,
        weight: &mut [T],
    ) {
        convolution::median_of_sums_step(self.isa, sizes, x, delta, groups, rate, weight);
    }
}
