//! Convolutions over images, channels last.

use super::{Backward, Forward, Layer, LayerTensor, parameters::WeightAndBias};
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
    parameters: WeightAndBias,
}

impl Convolution {
    /// A convolution with PyTorch's initialisation: weight and bias uniform within 1/√(i/groups·kh·kw).
    ///
    /// # Errors
    ///
    /// [`ConvolutionError`] if a size is 0 or the kernel does not fit.
    pub fn new(of: convolution::Convolution) -> Result<Self, ConvolutionError> {
        let output = of.output_size()?;
        let [kh, kw] = of.kernel;
        let shape = vec![of.outputs, of.channels / of.groups, kh, kw];
        Ok(Self { of, output, parameters: WeightAndBias::new(shape, kh * kw) })
    }

    /// The same layer with another initialisation of weight and bias.
    pub fn with_initial(self, weight: Initial, bias: Initial) -> Self {
        Self { parameters: self.parameters.with_initial(weight, bias), ..self }
    }

    /// The same layer without a bias.
    pub fn without_bias(self) -> Self {
        Self { parameters: self.parameters.without_bias(), ..self }
    }
}

impl<T: Element> Layer<T> for Convolution {
    fn shape(&self) -> Shape {
        let [height, width] = self.output;
        Shape::image(height, width, self.of.outputs)
    }

    fn tensors(&self) -> Vec<LayerTensor> {
        self.parameters.tensors()
    }

    fn multiply_adds(&self) -> u64 {
        (self.of.positions() * self.of.weights()) as u64
    }

    fn forward(&self, pass: Forward<'_, T>) {
        let (weight, bias) = self.parameters.split(pass.parameters);
        let a = pass.inputs.get(0);
        convolution::forward(Isa::detect(), &self.of, a, weight, Output::Overwrite, pass.output);
        pass.finish(bias);
    }

    fn backward(&self, pass: &Backward<'_, T>, _: usize, output: Output, out: &mut [T]) {
        let (weight, _) = self.parameters.split(pass.parameters);
        convolution::backward(Isa::detect(), &self.of, pass.delta, weight, output, out);
    }

    fn factors(&self, pass: &Backward<'_, T>, visit: &mut dyn FnMut(usize, Gradients<'_, T>)) {
        let (x, delta) = (pass.inputs.get(0), pass.delta);
        visit(0, Gradients::Convolution { of: &self.of, x, delta });
        if self.parameters.has_bias() {
            visit(1, Gradients::Rows(&position_sums(delta, pass.m, self.of.outputs)));
        }
    }
}

/// Σ_p δ [m, channels]: the sum over the positions of each example.
fn position_sums<T: Element>(delta: &[T], m: usize, channels: usize) -> Vec<T> {
    let mut sums = vec![T::zero(); m * channels];
    let examples = delta.chunks_exact((delta.len() / m.max(1)).max(1));
    for (sum, delta) in sums.chunks_exact_mut(channels).zip(examples) {
        column_sums(delta, Output::Overwrite, sum);
    }
    sums
}
