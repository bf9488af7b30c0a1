//! The linear layer z = W a + b.

use super::{Backward, Forward, Layer, LayerTensor, parameters::WeightAndBias};
use crate::{Gradients, Initial, PerExample, Shape, device::Device};
use coherence_cpu::{
    Element,
    product::{Dims, Output},
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
    parameters: WeightAndBias,
}

impl Linear {
    /// A layer of `outputs` neurons with PyTorch's initialisation: weight and bias uniform within
    /// 1/√i.
    pub fn new(input: Shape, outputs: usize) -> Self {
        let parameters = WeightAndBias::new(vec![outputs, input.values()], input.positions());
        Self { input, outputs, parameters }
    }

    /// The same layer with another initialisation of weight and bias.
    pub fn with_initial(self, weight: Initial, bias: Initial) -> Self {
        Self { parameters: self.parameters.with_initial(weight, bias), ..self }
    }

    /// The same layer without a bias.
    pub fn without_bias(self) -> Self {
        Self { parameters: self.parameters.without_bias(), ..self }
    }

    fn dims(&self, m: usize) -> Dims {
        Dims { m, i: self.input.values(), o: self.outputs }
    }
}

impl<T: Element, D: Device<T>> Layer<T, D> for Linear {
    fn shape(&self) -> Shape {
        Shape::features(self.outputs)
    }

    fn tensors(&self) -> Vec<LayerTensor> {
        self.parameters.tensors()
    }

    fn multiply_adds(&self) -> u64 {
        self.parameters.weights() as u64
    }

    fn forward(&self, mut pass: Forward<'_, T, D>) {
        let (weight, bias) = self.parameters.split::<T, D>(pass.parameters);
        let (a, out) = (pass.inputs.get(0), D::reborrow(&mut pass.output));
        pass.device.matmul_nt(self.dims(pass.m), a, weight, Output::Overwrite, out);
        pass.finish(bias);
    }

    fn backward(
        &self,
        pass: &Backward<'_, T, D>,
        parameters: D::Slice<'_, T>,
        _: usize,
        output: Output,
        out: D::SliceMut<'_, T>,
    ) {
        let (weight, _) = self.parameters.split::<T, D>(parameters);
        pass.device.matmul_nn(self.dims(pass.m), pass.delta, weight, output, out);
    }

    fn factors(
        &self,
        pass: &Backward<'_, T, D>,
        visit: &mut dyn FnMut(usize, Gradients<'_, T, D>),
    ) {
        let (dims, delta) = (self.dims(pass.m), pass.delta);
        visit(0, PerExample::Outer { dims, a: pass.inputs.get(0), delta }.into());
        if self.parameters.has_bias() {
            visit(1, PerExample::Rows(delta).into());
        }
    }
}
