//! Group normalisation.

use super::{WeightAndBias, affine::standardize, parameter};
use candle_core::{Result, Tensor, bail};
use candle_nn::{Init, Module, VarBuilder};

/// Normalisation of [m, c, …] over groups of channels: [`candle_nn::GroupNorm`], recorded by a
/// [`Tap`](crate::Tap). Examples are independent.
#[derive(Clone, Debug)]
pub struct GroupNorm {
    parameters: WeightAndBias,
    groups: usize,
    channels: usize,
    epsilon: f64,
}

/// A layer with weight and bias \[num_channels\], as [`candle_nn::group_norm()`].
///
/// # Errors
///
/// If `num_groups` does not divide `num_channels`, or `vb` does not have the tensors.
pub fn group_norm(
    num_groups: usize,
    num_channels: usize,
    eps: f64,
    vb: VarBuilder,
) -> Result<GroupNorm> {
    if num_groups == 0 || !num_channels.is_multiple_of(num_groups) {
        bail!("{num_channels} channels cannot be divided into {num_groups} groups of one size");
    }
    let weight = Some(parameter(&vb, num_channels, "weight", Init::Const(1.0))?);
    let bias = Some(parameter(&vb, num_channels, "bias", Init::Const(0.0))?);
    let parameters = WeightAndBias { weight, bias };
    Ok(GroupNorm { parameters, groups: num_groups, channels: num_channels, epsilon: eps })
}

impl Module for GroupNorm {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let dims = x.dims();
        if dims.len() < 3 || dims[1] != self.channels {
            bail!("group normalisation of {dims:?} (expected [m, {}, …])", self.channels);
        }
        let grouped = x.reshape((dims[0], self.groups, ()))?;
        let normalized = standardize(&grouped, self.epsilon, true)?.reshape(dims)?;
        self.parameters.affine(normalized, 1)
    }
}
