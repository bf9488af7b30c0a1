//! Pooling on the processor.

use super::Cpu;
use crate::device::Pools;
use coherence_cpu::{
    Element,
    pool::{self, Divisor, Windows},
    product::Output,
};

impl<T: Element> Pools<T> for Cpu {
    #[inline]
    fn max_forward(&self, windows: &Windows, x: &[T], out: &mut [T], from: &mut [u32]) {
        pool::max_forward(self.isa, windows, x, out, from);
    }

    #[inline]
    fn max_backward(
        &self,
        windows: &Windows,
        delta: &[T],
        from: &[u32],
        output: Output,
        out: &mut [T],
    ) {
        pool::max_backward(self.isa, windows, delta, from, output, out);
    }

    #[inline]
    fn average_forward(&self, windows: &Windows, divisor: Divisor, x: &[T], out: &mut [T]) {
        pool::average_forward(self.isa, windows, divisor, x, out);
    }

    #[inline]
    fn average_backward(
        &self,
        windows: &Windows,
        divisor: Divisor,
        delta: &[T],
        output: Output,
        out: &mut [T],
    ) {
        pool::average_backward(self.isa, windows, divisor, delta, output, out);
    }
}
