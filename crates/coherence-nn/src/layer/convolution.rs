//! Convolutions over images, channels last.

use super::{Backward, Forward, Layer, LayerTensor, parameters::WeightAndBias};
use crate::{Gradients, Initial, PerExample, Shape, device::Device};
use coherence_cpu::{
    Element,
    convolution::{self, ConvolutionError},
    product::Output,
};

/// z[y, x, j] = b_j + Σ_{u, v, i} W[j, u, v, i] a[y·s + u·t − p, x·s + v·t − p, i], with stride s,
/// padding p of zeros and dilation t per axis; channels in `groups` groups see only inputs of their
/// own.
///
/// `weight` is [o, i / groups, kh, kw] for PyTorch and is stored as [o, kh, kw, i / groups].
#[derive(Debug, Clone)]
pub struct Convolution {
    sizes: convolution::Convolution,
    output: [usize; 2],
    parameters: WeightAndBias,
}

impl Convolution {
    /// A convolution with PyTorch's initialisation: weight and bias uniform within 1/√(i/groups·kh·kw).
    ///
    /// # Errors
    ///
    /// [`ConvolutionError`] if a size is 0 or the kernel does not fit.
    pub fn new(sizes: convolution::Convolution) -> Result<Self, ConvolutionError> {
        let output = sizes.output_size()?;
        let [kh, kw] = sizes.kernel;
        let shape = vec![sizes.outputs, sizes.channels / sizes.groups, kh, kw];
        Ok(Self { sizes, output, parameters: WeightAndBias::new(shape, kh * kw) })
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

impl<T: Element, D: Device<T>> Layer<T, D> for Convolution {
    fn shape(&self) -> Shape {
        let [height, width] = self.output;
        Shape::image(height, width, self.sizes.outputs)
    }

    fn tensors(&self) -> Vec<LayerTensor> {
        self.parameters.tensors()
    }

    fn multiply_adds(&self) -> u64 {
        (self.sizes.positions() * self.sizes.weights()) as u64
    }

    fn forward(&self, mut pass: Forward<'_, T, D>) {
        let (weight, bias) = self.parameters.split::<T, D>(pass.parameters);
        let (a, out) = (pass.inputs.get(0), D::reborrow(&mut pass.output));
        pass.device.convolution_forward(&self.sizes, a, weight, Output::Overwrite, out);
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
        pass.device.convolution_backward(&self.sizes, pass.delta, weight, output, out);
    }

    fn factors(
        &self,
        pass: &Backward<'_, T, D>,
        visit: &mut dyn FnMut(usize, Gradients<'_, T, D>),
    ) {
        let (device, x, delta) = (pass.device, pass.inputs.get(0), pass.delta);
        visit(0, PerExample::Convolution { sizes: self.sizes, x, delta }.into());
        if self.parameters.has_bias() {
            let mut rows = device.zeros(pass.m * self.sizes.outputs);
            device.position_sums(delta, self.sizes.outputs, D::view_mut(&mut rows));
            visit(1, PerExample::Rows(D::view(&rows)).into());
        }
    }
}
