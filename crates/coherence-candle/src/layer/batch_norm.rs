//! Batch normalisation.

use super::{WeightAndBias, parameter};
use crate::tap::recording;
use candle_core::{Result, Tensor, bail};
use candle_nn::{BatchNormConfig, Init, ModuleT, VarBuilder};

/// Normalisation of the channels of [m, c, …]: [`candle_nn::BatchNorm`], recorded by a
/// [`Tap`](crate::Tap) in evaluation mode.
///
/// In training mode the examples of a batch share its mean and variance, so that they have no gradients
/// of their own: to record it is an error.
#[derive(Clone, Debug)]
pub struct BatchNorm {
    /// The normalisation without scale and shift.
    inner: candle_nn::BatchNorm,
    parameters: WeightAndBias,
    name: String,
}

/// A layer with running_mean, running_var and, if the configuration is affine, weight and bias
/// \[num_features\], as [`candle_nn::batch_norm()`].
///
/// # Errors
///
/// If ε is negative, or `vb` does not have the tensors.
pub fn batch_norm<C: Into<BatchNormConfig>>(
    num_features: usize,
    config: C,
    vb: VarBuilder,
) -> Result<BatchNorm> {
    let config = config.into();
    let inner = BatchNormConfig { affine: false, ..config };
    let inner = candle_nn::batch_norm(num_features, inner, vb.clone())?;
    let get = |name, value| {
        config.affine.then(|| parameter(&vb, num_features, name, Init::Const(value))).transpose()
    };
    let parameters = WeightAndBias { weight: get("weight", 1.0)?, bias: get("bias", 0.0)? };
    Ok(BatchNorm { inner, parameters, name: vb.prefix() })
}

impl BatchNorm {
    /// The running mean \[c\].
    pub fn running_mean(&self) -> &Tensor {
        self.inner.running_mean()
    }

    /// The running variance \[c\].
    pub fn running_var(&self) -> &Tensor {
        self.inner.running_var()
    }
}

impl ModuleT for BatchNorm {
    fn forward_t(&self, x: &Tensor, train: bool) -> Result<Tensor> {
        if train && recording().is_some() {
            bail!("{}", crate::coupled(&self.name));
        }
        self.parameters.affine(self.inner.forward_t(x, train)?, 1)
    }
}
