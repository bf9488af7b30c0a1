//! The sum of several inputs, as in a residual block.

use super::{Backward, Forward, Layer};
use crate::{Shape, device::Device};
use coherence_cpu::{Element, product::Output};

/// z = Σ_k a_k over inputs of one shape.
#[derive(Debug, Clone)]
pub struct Add {
    shape: Shape,
    inputs: usize,
}

impl Add {
    /// The sum of `inputs` inputs of this shape.
    pub fn new(shape: Shape, inputs: usize) -> Self {
        Self { shape, inputs }
    }
}

impl<T: Element, D: Device<T>> Layer<T, D> for Add {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn forward(&self, mut pass: Forward<'_, T, D>) {
        pass.device.copy(pass.inputs.get(0), D::reborrow(&mut pass.output));
        for k in 1..self.inputs {
            pass.device.axpy(T::one(), pass.inputs.get(k), D::reborrow(&mut pass.output));
        }
        pass.finish(None);
    }

    fn backward(
        &self,
        pass: &Backward<'_, T, D>,
        _: D::Slice<'_, T>,
        _: usize,
        output: Output,
        out: D::SliceMut<'_, T>,
    ) {
        match output {
            Output::Overwrite => pass.device.copy(pass.delta, out),
            Output::Add => pass.device.axpy(T::one(), pass.delta, out),
        }
    }
}
