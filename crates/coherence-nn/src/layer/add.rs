//! The sum of several inputs, as in a residual block.

use super::{Backward, Forward, Layer};
use crate::Shape;
use coherence_cpu::{Element, elementwise::axpy, product::Output};

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

impl<T: Element> Layer<T> for Add {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn forward(&self, pass: Forward<'_, T>) {
        pass.output.copy_from_slice(pass.inputs.get(0));
        for k in 1..self.inputs {
            axpy(T::one(), pass.inputs.get(k), pass.output);
        }
        pass.finish(&[]);
    }

    fn backward(&self, pass: &Backward<'_, T>, _: usize, output: Output, out: &mut [T]) {
        match output {
            Output::Overwrite => out.copy_from_slice(pass.delta),
            Output::Add => axpy(T::one(), pass.delta, out),
        }
    }
}
