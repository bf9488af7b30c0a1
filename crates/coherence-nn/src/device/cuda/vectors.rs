//! Vectors of all parameters on a GPU.

use super::Cuda;
use crate::device::Vectors;
use coherence_cpu::{product::Output, vectors::Descent};
use coherence_cuda::{Engine, Real, View, ViewMut, vectors};

impl<T: Real, E: Engine> Vectors<T> for Cuda<E> {
    fn dot(&self, x: View<'_, T>, y: View<'_, T>) -> f64 {
        vectors::dot(&self.engine, x, y)
    }

    fn dot_wide(&self, x: View<'_, f64>, y: View<'_, f64>) -> f64 {
        vectors::dot(&self.engine, x, y)
    }

    fn accumulate(&self, x: View<'_, T>, output: Output, sum: ViewMut<'_, f64>) {
        vectors::accumulate(&self.engine, x, output, sum);
    }

    fn accumulate_wide(&self, x: View<'_, f64>, output: Output, sum: ViewMut<'_, f64>) {
        vectors::accumulate(&self.engine, x, output, sum);
    }

    fn descend(
        &self,
        by: Descent<T>,
        g: View<'_, T>,
        velocity: Option<ViewMut<'_, T>>,
        w: ViewMut<'_, T>,
    ) {
        vectors::descend(&self.engine, by, g, velocity, w);
    }

    fn median_of_three_step(
        &self,
        gradients: [View<'_, T>; 3],
        factor: T,
        rate: T,
        w: ViewMut<'_, T>,
    ) {
        vectors::median_of_three_step(&self.engine, gradients, factor, rate, w);
    }

    fn gather(&self, x: View<'_, T>, indices: View<'_, u32>, out: ViewMut<'_, T>) {
        vectors::gather(&self.engine, x, indices, out);
    }
}
