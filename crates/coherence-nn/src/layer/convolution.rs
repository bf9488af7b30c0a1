//! Convolutions over images, channels last.

use super::{Backward, Forward, Layer, LayerTensor};
use crate::{Gradients, Initial, Shape};
use coherence_cpu::{
    Element, Isa,
    convolution::{self, ConvolutionError},
    elementwise::column_sums,
    product::Output,
};

/// z[y, x, j] = b_j + Σ_{u, v, i} W[j, u, v, i] a[y·s + u·t − p, x·s + v·t − p, i], with stride s,
/// padding p of zeros and dilation t per axis; channels in `groups` groups see only inputs of their
/// own.
///
/// `weight` is [o, i / groups, kh, kw] for PyTorch and is stored as [o, kh, kw, i / groups].
#[derive(Debug, Clone)]
pub struct Convolution {
    of: convolution::Convolution,
    output: [usize; 2],
    initial: [Initial; 2],
    bias: bool,
}

impl Convolution {
    /// A convolution with PyTorch's initialisation: weight and bias uniform within 1/√(i/groups·kh·kw).
    ///
    /// # Errors
    ///
    /// [`ConvolutionError`] if a size is 0 or the kernel does not fit.
    pub fn new(of: convolution::Convolution) -> Result<Self, ConvolutionError> {
        let output = of.output_size()?;
        let bound = 1.0 / (of.patch() as f64).sqrt();
        Ok(Self { of, output, initial: [Initial::Uniform { bound }; 2], bias: true })
    }

    /// The same layer with another initialisation of weight and bias.
    pub fn with_initial(self, weight: Initial, bias: Initial) -> Self {
        Self { initial: [weight, bias], ..self }
    }

    /// The same layer without a bias.
    pub fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }

    fn split<'a, T>(&self, parameters: &'a [T]) -> (&'a [T], &'a [T]) {
        parameters.split_at(self.of.weights())
    }
}

impl<T: Element> Layer<T> for Convolution {
    fn shape(&self) -> Shape {
        let [height, width] = self.output;
        Shape::image(height, width, self.of.outputs)
    }

    fn tensors(&self) -> Vec<LayerTensor> {
        let [weight, bias] = self.initial;
        let [kh, kw] = self.of.kernel;
        let (o, i) = (self.of.outputs, self.of.channels / self.of.groups);
        let weight = LayerTensor {
            name: "weight",
            shape: vec![o, i, kh, kw],
            positions: kh * kw,
            initial: weight,
        };
        let bias = LayerTensor { name: "bias", shape: vec![o], positions: 1, initial: bias };
        if self.bias { vec![weight, bias] } else { vec![weight] }
    }

    fn multiply_adds(&self) -> u64 {
        (self.of.positions() * self.of.weights()) as u64
    }

    fn forward(&self, pass: Forward<'_, T>) {
        let (weight, bias) = self.split(pass.parameters);
        let a = pass.inputs.get(0);
        convolution::forward(Isa::detect(), &self.of, a, weight, Output::Overwrite, pass.output);
        pass.finish(bias);
    }

    fn backward(&self, pass: &Backward<'_, T>, _: usize, output: Output, out: &mut [T]) {
        let (weight, _) = self.split(pass.parameters);
        convolution::backward(Isa::detect(), &self.of, pass.delta, weight, output, out);
    }

    fn factors(&self, pass: &Backward<'_, T>, visit: &mut dyn FnMut(usize, Gradients<'_, T>)) {
        let (x, delta) = (pass.inputs.get(0), pass.delta);
        visit(0, Gradients::Convolution { of: &self.of, x, delta });
        if self.bias {
            visit(1, Gradients::Rows(&position_sums(delta, pass.m, self.of.outputs)));
        }
    }
}

/// Σ_p δ [m, channels]: the sum over the positions of each example.
pub(super) fn position_sums<T: Element>(delta: &[T], m: usize, channels: usize) -> Vec<T> {
    let mut sums = vec![T::zero(); m * channels];
    let examples = delta.chunks_exact((delta.len() / m.max(1)).max(1));
    for (sum, delta) in sums.chunks_exact_mut(channels).zip(examples) {
        column_sums(delta, Output::Overwrite, sum);
    }
    sums
}
