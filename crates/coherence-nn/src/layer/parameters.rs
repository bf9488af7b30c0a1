//! The tensors `weight` and `bias` that several layers have in common.

use super::LayerTensor;
use crate::{Initial, device::Device};
use coherence_cpu::Element;

/// The parameters of a linear layer or of a convolution.
#[derive(Debug, Clone)]
pub(super) struct WeightAndBias {
    /// PyTorch's shape of the weight, outputs first.
    shape: Vec<usize>,
    positions: usize,
    initial: [Initial; 2],
    bias: bool,
}

impl WeightAndBias {
    /// A weight of this shape and a bias \[`shape[0]`\] with PyTorch's initialisation: both are uniform
    /// within 1/√n, where an output has n weights. `positions` is
    /// [`TensorSpec::positions`](crate::TensorSpec::positions).
    pub(super) fn new(shape: Vec<usize>, positions: usize) -> Self {
        let weights: f64 = shape[1..].iter().map(|&n| n as f64).product();
        let bound = 1.0 / weights.sqrt();
        Self { shape, positions, initial: [Initial::Uniform { bound }; 2], bias: true }
    }

    pub(super) fn with_initial(self, weight: Initial, bias: Initial) -> Self {
        Self { initial: [weight, bias], ..self }
    }

    pub(super) fn without_bias(self) -> Self {
        Self { bias: false, ..self }
    }

    pub(super) fn has_bias(&self) -> bool {
        self.bias
    }

    /// The number of values of the weight.
    pub(super) fn weights(&self) -> usize {
        self.shape.iter().product()
    }

    /// The weight, and the bias if there is one.
    pub(super) fn split<'a, T: Element, D: Device<T>>(
        &self,
        parameters: D::Slice<'a, T>,
    ) -> (D::Slice<'a, T>, Option<D::Slice<'a, T>>) {
        let (weights, all) = (self.weights(), D::len(parameters));
        let bias = self.bias.then(|| D::part(parameters, weights..all));
        (D::part(parameters, 0..weights), bias)
    }

    pub(super) fn tensors(&self) -> Vec<LayerTensor> {
        let [weight, bias] = self.initial;
        let mut tensors = vec![LayerTensor {
            name: "weight",
            shape: self.shape.clone(),
            positions: self.positions,
            initial: weight,
        }];
        if self.bias {
            let shape = vec![self.shape[0]];
            tensors.push(LayerTensor { name: "bias", shape, positions: 1, initial: bias });
        }
        tensors
    }
}

/// One value for each of `channels`, all the same at first, under each of two names.
pub(super) fn per_channel(channels: usize, names: [(&'static str, f64); 2]) -> Vec<LayerTensor> {
    let tensor = |(name, value)| LayerTensor {
        name,
        shape: vec![channels],
        positions: 1,
        initial: Initial::Constant(value),
    };
    names.map(tensor).to_vec()
}

/// The scale γ and the shift β of a normalisation.
pub(super) fn scale_and_shift(channels: usize) -> Vec<LayerTensor> {
    per_channel(channels, [("weight", 1.0), ("bias", 0.0)])
}
