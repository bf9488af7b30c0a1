//! The linear layer z = W a + b.

use super::{Backward, Forward, Layer, LayerTensor};
use crate::{Gradients, Initial, Shape};
use coherence_cpu::{
    Element,
    product::{Dims, Output, matmul_nn, matmul_nt},
};

/// z = W a + b for each example; `a` \[i\] is the whole input, `weight` [o, i], `bias` \[o\].
///
/// An input of several positions is flattened. PyTorch flattens it channel by channel, so the columns
/// of `weight` are stored in another order than PyTorch's, see
/// [`TensorSpec::positions`](crate::TensorSpec::positions).
#[derive(Debug, Clone)]
pub struct Linear {
    input: Shape,
    outputs: usize,
    initial: [Initial; 2],
    bias: bool,
}

impl Linear {
    /// A layer of `outputs` neurons with PyTorch's initialisation: weight and bias uniform within
    /// 1/√i.
    pub fn new(input: Shape, outputs: usize) -> Self {
        let bound = 1.0 / (input.values() as f64).sqrt();
        Self { input, outputs, initial: [Initial::Uniform { bound }; 2], bias: true }
    }

    /// The same layer with another initialisation of weight and bias.
    pub fn with_initial(self, weight: Initial, bias: Initial) -> Self {
        Self { initial: [weight, bias], ..self }
    }

    /// The same layer without a bias.
    pub fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }

    fn dims(&self, m: usize) -> Dims {
        Dims { m, i: self.input.values(), o: self.outputs }
    }

    /// The weight and the bias, which is empty if there is none.
    fn split<'a, T>(&self, parameters: &'a [T]) -> (&'a [T], &'a [T]) {
        parameters.split_at(self.input.values() * self.outputs)
    }
}

impl<T: Element> Layer<T> for Linear {
    fn shape(&self) -> Shape {
        Shape::features(self.outputs)
    }

    fn tensors(&self) -> Vec<LayerTensor> {
        let [weight, bias] = self.initial;
        let weight = LayerTensor {
            name: "weight",
            shape: vec![self.outputs, self.input.values()],
            positions: self.input.positions(),
            initial: weight,
        };
        let bias =
            LayerTensor { name: "bias", shape: vec![self.outputs], positions: 1, initial: bias };
        if self.bias { vec![weight, bias] } else { vec![weight] }
    }

    fn multiply_adds(&self) -> u64 {
        (self.input.values() * self.outputs) as u64
    }

    fn forward(&self, pass: Forward<'_, T>) {
        let (weight, bias) = self.split(pass.parameters);
        let a = pass.inputs.get(0);
        matmul_nt(self.dims(pass.m), a, weight, Output::Overwrite, pass.output);
        pass.finish(bias);
    }

    fn backward(&self, pass: &Backward<'_, T>, _: usize, output: Output, out: &mut [T]) {
        let (weight, _) = self.split(pass.parameters);
        matmul_nn(self.dims(pass.m), pass.delta, weight, output, out);
    }

    fn factors(&self, pass: &Backward<'_, T>, visit: &mut dyn FnMut(usize, Gradients<'_, T>)) {
        let (dims, delta) = (self.dims(pass.m), pass.delta);
        visit(0, Gradients::Outer { dims, a: pass.inputs.get(0), delta });
        if self.bias {
            visit(1, Gradients::Rows(delta));
        }
    }
}
