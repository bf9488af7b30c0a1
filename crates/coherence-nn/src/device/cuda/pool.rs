//! Pooling on a GPU.

use super::Cuda;
use crate::device::Pools;
use coherence_cpu::{
    pool::{Divisor, Windows},
    product::Output,
};
use coherence_cuda::{Engine, Real, View, ViewMut, pool};

impl<T: Real, E: Engine> Pools<T> for Cuda<E> {
    fn max_forward(
        &self,
        windows: &Windows,
        x: View<'_, T>,
        out: ViewMut<'_, T>,
        from: ViewMut<'_, u32>,
    ) {
        pool::max_forward(&self.engine, windows, x, out, from);
    }

    fn max_backward(
        &self,
        windows: &Windows,
        delta: View<'_, T>,
        from: View<'_, u32>,
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        pool::max_backward(&self.engine, windows, delta, from, output, out);
    }

    fn average_forward(
        &self,
        windows: &Windows,
        divisor: Divisor,
        x: View<'_, T>,
        out: ViewMut<'_, T>,
    ) {
        pool::average_forward(&self.engine, windows, divisor, x, out);
    }

    fn average_backward(
        &self,
        windows: &Windows,
        divisor: Divisor,
        delta: View<'_, T>,
        output: Output,
        out: ViewMut<'_, T>,
    ) {
        pool::average_backward(&self.engine, windows, divisor, delta, output, out);
    }
}
