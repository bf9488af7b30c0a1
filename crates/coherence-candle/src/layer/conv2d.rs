//! Two-dimensional convolutions.

use super::{WeightAndBias, parameter, positions};
use crate::uses::{Parameter, UseGradients};
use candle_core::{Result, Tensor, bail};
use candle_nn::{Conv2dConfig, Init, Module, VarBuilder, init};
use coherence_cpu::convolution::Convolution;

/// A convolution [m, i, h, w] to [m, o, oh, ow]: [`candle_nn::Conv2d`], recorded by a
/// [`Tap`](crate::Tap).
///
/// The gradient of example e is the sum over its output positions of the products of delta and patch.
#[derive(Clone, Debug)]
pub struct Conv2d {
    inner: candle_nn::Conv2d,
    parameters: WeightAndBias,
}

/// A layer with weight [o, i/groups, k, k] and bias \[o\], as [`candle_nn::conv2d`].
///
/// # Errors
///
/// If `vb` does not have the tensors.
pub fn conv2d(
    in_channels: usize,
    out_channels: usize,
    kernel_size: usize,
    cfg: Conv2dConfig,
    vb: VarBuilder,
) -> Result<Conv2d> {
    let weight = kernel([in_channels, out_channels, kernel_size], cfg, &vb)?;
    let bound = 1.0 / (in_channels as f64).sqrt();
    let bias = parameter(&vb, out_channels, "bias", Init::Uniform { lo: -bound, up: bound })?;
    Ok(Conv2d::from_parameters(weight, Some(bias), cfg))
}

/// A layer with weight [o, i/groups, k, k], as [`candle_nn::conv2d_no_bias`].
///
/// # Errors
///
/// If `vb` does not have the tensor.
pub fn conv2d_no_bias(
    in_channels: usize,
    out_channels: usize,
    kernel_size: usize,
    cfg: Conv2dConfig,
    vb: VarBuilder,
) -> Result<Conv2d> {
    let weight = kernel([in_channels, out_channels, kernel_size], cfg, &vb)?;
    Ok(Conv2d::from_parameters(weight, None, cfg))
}

fn kernel([i, o, k]: [usize; 3], cfg: Conv2dConfig, vb: &VarBuilder) -> Result<Parameter> {
    let Some(group) = i.checked_div(cfg.groups) else {
        bail!("a convolution in 0 groups (at least 1)");
    };
    parameter(vb, (o, group, k, k), "weight", init::DEFAULT_KAIMING_NORMAL)
}

impl Conv2d {
    /// The layer called `name` with these tensors: weight [o, i/groups, kh, kw], bias \[o\]. A tensor
    /// that another layer holds, too, is a shared parameter.
    pub fn new(name: &str, weight: Tensor, bias: Option<Tensor>, config: Conv2dConfig) -> Self {
        let parameters = WeightAndBias::new(name, weight.clone(), bias.clone());
        Self { inner: candle_nn::Conv2d::new(weight, bias, config), parameters }
    }

    fn from_parameters(weight: Parameter, bias: Option<Parameter>, config: Conv2dConfig) -> Self {
        let of_bias = bias.as_ref().map(|bias| bias.tensor.clone());
        let inner = candle_nn::Conv2d::new(weight.tensor.clone(), of_bias, config);
        Self { inner, parameters: WeightAndBias { weight: Some(weight), bias } }
    }

    /// The weight [o, i/groups, kh, kw].
    pub fn weight(&self) -> &Tensor {
        self.inner.weight()
    }

    /// The bias \[o\].
    pub fn bias(&self) -> Option<&Tensor> {
        self.inner.bias()
    }

    /// Stride, padding, dilation and groups.
    pub fn config(&self) -> &Conv2dConfig {
        self.inner.config()
    }
}

impl Module for Conv2d {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let z = self.inner.forward(x)?;
        let ((_, i, h, w), (o, _, kh, kw)) = (x.dims4()?, self.weight().dims4()?);
        let Conv2dConfig { padding, stride, dilation, groups, .. } = *self.config();
        let of = Convolution {
            padding: [padding; 2],
            stride: [stride; 2],
            dilation: [dilation; 2],
            groups,
            ..Convolution::new([h, w], i, o, [kh, kw])
        };
        self.parameters.tapped(x, z, move |x, delta| {
            let [x, delta] = [x, delta].map(|x| x.permute((0, 2, 3, 1))?.contiguous());
            let (x, delta) = (x?, delta?);
            let gradients = UseGradients::Convolution { of, x, delta: delta.clone() };
            Ok((gradients, positions(&delta)?))
        })
    }
}
