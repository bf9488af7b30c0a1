//! Linear layers, at one position [m, i] or at each position of a sequence [m, t, i].

use super::{WeightAndBias, parameter, positions};
use crate::uses::{Parameter, UseGradients};
use candle_core::{Result, Tensor};
use candle_nn::{Init, Module, VarBuilder, init};
use coherence_cpu::convolution::Convolution;

/// y = x Wᵀ + b, [m, …, i] to [m, …, o]: [`candle_nn::Linear`], recorded by a [`Tap`](crate::Tap).
///
/// The gradient of example e is `Σ_t δ_{e,t} ⊗ x_{e,t}` over its positions t.
#[derive(Clone, Debug)]
pub struct Linear {
    inner: candle_nn::Linear,
    parameters: WeightAndBias,
}

/// A layer with weight [out_dim, in_dim] and bias \[out_dim\], as [`candle_nn::linear()`].
///
/// # Errors
///
/// If `vb` does not have the tensors.
pub fn linear(in_dim: usize, out_dim: usize, vb: VarBuilder) -> Result<Linear> {
    let weight = parameter(&vb, (out_dim, in_dim), "weight", init::DEFAULT_KAIMING_NORMAL)?;
    let bound = 1.0 / (in_dim as f64).sqrt();
    let bias = parameter(&vb, out_dim, "bias", Init::Uniform { lo: -bound, up: bound })?;
    Ok(Linear::from_parameters(weight, Some(bias)))
}

/// A layer with weight [out_dim, in_dim], as [`candle_nn::linear_no_bias`].
///
/// # Errors
///
/// If `vb` does not have the tensor.
pub fn linear_no_bias(in_dim: usize, out_dim: usize, vb: VarBuilder) -> Result<Linear> {
    let weight = parameter(&vb, (out_dim, in_dim), "weight", init::DEFAULT_KAIMING_NORMAL)?;
    Ok(Linear::from_parameters(weight, None))
}

impl Linear {
    /// The layer called `name` with these tensors: weight [o, i], bias \[o\]. A tensor that another
    /// layer holds, too, is a shared parameter.
    pub fn new(name: &str, weight: Tensor, bias: Option<Tensor>) -> Self {
        let parameters = WeightAndBias::new(name, weight.clone(), bias.clone());
        Self { inner: candle_nn::Linear::new(weight, bias), parameters }
    }

    fn from_parameters(weight: Parameter, bias: Option<Parameter>) -> Self {
        let of_bias = bias.as_ref().map(|bias| bias.tensor.clone());
        let inner = candle_nn::Linear::new(weight.tensor.clone(), of_bias);
        Self { inner, parameters: WeightAndBias { weight: Some(weight), bias } }
    }

    /// The weight [o, i].
    pub fn weight(&self) -> &Tensor {
        self.inner.weight()
    }

    /// The bias \[o\].
    pub fn bias(&self) -> Option<&Tensor> {
        self.inner.bias()
    }
}

impl Module for Linear {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        // candle's product of a transposed batch with one matrix is wrong (0.11.1).
        let x = x.contiguous()?;
        let z = self.inner.forward(&x)?;
        self.parameters.tapped(&x, z, gradients)
    }
}

/// The gradients of the weight, and δ [m, t, o].
fn gradients(x: &Tensor, delta: &Tensor) -> Result<(UseGradients, Tensor)> {
    let (x, delta) = (positions(x)?, positions(delta)?);
    let ((_, t, i), o) = (x.dims3()?, delta.dim(2)?);
    let gradients = if t == 1 {
        UseGradients::Outer { a: x.squeeze(1)?, delta: delta.squeeze(1)? }
    } else {
        let of = Convolution::new([1, t], i, o, [1, 1]);
        UseGradients::Convolution { of, x, delta: delta.clone() }
    };
    Ok((gradients, delta))
}
