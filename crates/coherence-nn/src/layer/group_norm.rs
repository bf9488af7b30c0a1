//! Group and layer normalisation.

use super::{Backward, Forward, Layer, LayerTensor, parameters::scale_and_shift};
use crate::{Gradients, PerExample, Shape, device::Device};
use coherence_cpu::{
    Element,
    normalize::group::{Groups, GroupsError},
    product::Output,
};

/// z = γ (a − μ)/√(σ² + ε) + β for each channel, with ε = 1e-5; μ and σ² are the mean and the biased
/// variance of an example over all positions and the channels of a group. Examples are independent.
///
/// Layer normalisation ([`GroupNorm::layer`]) is the same, with μ and σ² over all channels of one
/// position.
///
/// Source: Wu, He (2018), *Group Normalization* (arXiv 1803.08494); Ba, Kiros, Hinton (2016), *Layer
/// Normalization* (arXiv 1607.06450).
#[derive(Debug, Clone)]
pub struct GroupNorm {
    shape: Shape,
    groups: Groups,
    epsilon: f64,
}

impl GroupNorm {
    /// Normalisation of values of this shape in `count` groups of channels, PyTorch's `GroupNorm`; one
    /// group normalises each example as a whole.
    ///
    /// # Errors
    ///
    /// [`GroupsError`] if the channels cannot be divided into so many groups.
    pub fn new(shape: Shape, count: usize) -> Result<Self, GroupsError> {
        let groups = Groups::new(shape.positions(), shape.channels, count)?;
        Ok(Self { shape, groups, epsilon: super::EPSILON })
    }

    /// Layer normalisation over the channels at each position: PyTorch's `LayerNorm(channels)` of a
    /// vector of features, torchvision's `LayerNorm2d` of an image.
    ///
    /// ```
    /// use coherence_nn::{Activation, Builder, Keep, Model, Shape, layer::GroupNorm};
    /// let (mut net, x) = Builder::<f64>::new(Shape::features(2));
    /// net.push("norm", GroupNorm::layer(x.shape)?.with_epsilon(1e-9), &[x], Activation::Identity)?;
    /// let mut model = Model::zeros(net.build("norm".to_owned()));
    /// model.parameters_mut().copy_from_slice(&[1.0, 10.0, 0.0, 0.5]); // γ, then β
    /// let mut workspace = model.workspace(1, Keep::Logits);
    /// model.forward(&[3.0, 5.0], 1, &mut workspace); // mean 4, deviation 1
    /// assert!((workspace.logits()[0] + 1.0).abs() < 1e-8);
    /// assert!((workspace.logits()[1] - 10.5).abs() < 1e-8);
    /// # Ok::<(), coherence_nn::GraphError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`GroupsError`] without channels.
    pub fn layer(shape: Shape) -> Result<Self, GroupsError> {
        Ok(Self { shape, groups: Groups::layer(shape.channels)?, epsilon: super::EPSILON })
    }

    /// The same layer with another ε.
    ///
    /// # Panics
    ///
    /// Unless `epsilon` is positive.
    pub fn with_epsilon(self, epsilon: f64) -> Self {
        assert!(epsilon > 0.0, "normalisation with epsilon {epsilon}");
        Self { epsilon, ..self }
    }
}

impl<T: Element, D: Device<T>> Layer<T, D> for GroupNorm {
    fn shape(&self) -> Shape {
        self.shape
    }

    fn tensors(&self) -> Vec<LayerTensor> {
        scale_and_shift(self.shape.channels)
    }

    fn forward(&self, mut pass: Forward<'_, T, D>) {
        let (device, x, groups) = (pass.device, pass.inputs.get(0), self.groups);
        let by = &mut pass.kept.standardization;
        device.group_moments(groups, x, self.epsilon, by);
        device.group_forward(groups, x, by, pass.parameters, D::reborrow(&mut pass.output));
        pass.finish(None);
    }

    fn backward(
        &self,
        pass: &Backward<'_, T, D>,
        parameters: D::Slice<'_, T>,
        _: usize,
        output: Output,
        out: D::SliceMut<'_, T>,
    ) {
        let (of, by) = ([pass.inputs.get(0), pass.delta], &pass.kept.standardization);
        let scale = D::part(parameters, 0..self.shape.channels);
        pass.device.group_backward(self.groups, of, by, scale, output, out);
    }

    fn factors(
        &self,
        pass: &Backward<'_, T, D>,
        visit: &mut dyn FnMut(usize, Gradients<'_, T, D>),
    ) {
        let (device, by) = (pass.device, &pass.kept.standardization);
        let mut rows = [(); 2].map(|()| device.zeros(pass.m * self.shape.channels));
        let (x, to) = (pass.inputs.get(0), rows.each_mut().map(D::view_mut));
        device.group_example_gradients(self.groups, x, pass.delta, by, to);
        for (tensor, rows) in rows.iter().enumerate() {
            visit(tensor, PerExample::Rows(D::view(rows)).into());
        }
    }
}
