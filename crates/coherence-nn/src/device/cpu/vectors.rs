//! Vectors of all parameters on the processor.

use super::Cpu;
use crate::device::Vectors;
use coherence_cpu::{
    Element,
    elementwise::median_of_three_update,
    product::Output,
    vectors::{Descent, accumulate, descend, dot},
};

impl<T: Element> Vectors<T> for Cpu {
    fn dot(&self, x: &[T], y: &[T]) -> f64 {
        dot(self.isa, x, y)
    }

    fn dot_wide(&self, x: &[f64], y: &[f64]) -> f64 {
        dot(self.isa, x, y)
    }

    fn accumulate(&self, x: &[T], output: Output, sum: &mut [f64]) {
        accumulate(x, output, sum);
    }

    fn accumulate_wide(&self, x: &[f64], output: Output, sum: &mut [f64]) {
        accumulate(x, output, sum);
    }

    fn descend(&self, by: Descent<T>, g: &[T], velocity: Option<&mut [T]>, w: &mut [T]) {
        descend(by, g, velocity, w);
    }

    fn median_of_three_step(&self, gradients: [&[T]; 3], factor: T, rate: T, w: &mut [T]) {
        median_of_three_update(self.isa, w, gradients.map(|g| (g, factor)), rate);
    }

    fn gather(&self, x: &[T], indices: &[u32], out: &mut [T]) {
        assert_eq!(indices.len(), out.len(), "one value for each index");
        out.iter_mut().zip(indices).for_each(|(out, &at)| *out = x[at as usize]);
    }
}
