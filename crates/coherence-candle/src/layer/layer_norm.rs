//! Layer normalisation.

use super::{WeightAndBias, affine::standardize, parameter};
use candle_core::{Result, Tensor, bail};
use candle_nn::{Init, LayerNormConfig, Module, VarBuilder};

/// Normalisation over the last axis of [m, …, c]: [`candle_nn::LayerNorm`], recorded by a
/// [`Tap`](crate::Tap).
///
/// The forward pass is made of candle's elementary operations: its fused one has no backward pass.
#[derive(Clone, Debug)]
pub struct LayerNorm {
    parameters: WeightAndBias,
    config: LayerNormConfig,
}

/// A layer with weight and bias \[size\], as [`candle_nn::layer_norm()`]; without a bias if the
/// configuration is not affine. As there, a file may call them `gamma` and `beta`.
///
/// # Errors
///
/// If `vb` does not have the tensors.
pub fn layer_norm<C: Into<LayerNormConfig>>(
    size: usize,
    config: C,
    vb: VarBuilder,
) -> Result<LayerNorm> {
    let config = config.into();
    let get = |[name, old]: [&str; 2], value| {
        let old_only = vb.contains_tensor(old) && !vb.contains_tensor(name);
        parameter(&vb, size, if old_only { old } else { name }, Init::Const(value))
    };
    let weight = Some(get(["weight", "gamma"], 1.0)?);
    let bias = if config.affine { Some(get(["bias", "beta"], 0.0)?) } else { None };
    Ok(LayerNorm { parameters: WeightAndBias { weight, bias }, config })
}

impl Module for LayerNorm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let Some(axis) = x.rank().checked_sub(1) else {
            bail!("layer normalisation of a scalar (the last axis is normalised)");
        };
        let normalized = standardize(x, self.config.eps, self.config.remove_mean)?;
        self.parameters.affine(normalized, axis)
    }
}
