//! Vectors, activation functions and dropout on the processor.

use super::{Cpu, activation};
use crate::{
    Activation,
    device::{Dropped, Elementwise},
};
use coherence_cpu::{Element, elementwise::axpy};

impl<T: Element> Elementwise<T> for Cpu {
    #[inline]
    fn axpy(&self, factor: T, x: &[T], y: &mut [T]) {
        axpy(self.isa, factor, x, y);
    }

    fn scale(&self, factor: T, x: &mut [T]) {
        x.iter_mut().for_each(|x| *x = factor * *x);
    }

    #[inline]
    fn activate(
        &self,
        activation: Activation,
        bias: Option<&[T]>,
        x: &mut [T],
        pre_activations: Option<&mut [T]>,
    ) {
        activation::forward(self.isa, activation, bias, x, pre_activations);
    }

    #[inline]
    fn activation_backward(
        &self,
        activation: Activation,
        h: &[T],
        z: Option<&[T]>,
        delta: &mut [T],
    ) {
        activation::backward(self.isa, activation, h, z, delta);
    }

    fn add_kept(&self, dropped: &Dropped, from: &[T], out: &mut [T]) {
        let factor = T::narrow(dropped.factor());
        let units = out.chunks_exact_mut(dropped.unit).zip(from.chunks_exact(dropped.unit));
        for ((out, from), is_dropped) in units.zip(dropped.units()) {
            if !is_dropped {
                out.iter_mut().zip(from).for_each(|(out, &value)| *out = *out + factor * value);
            }
        }
    }
}
