//! Layers with candle_nn's constructors that a [`Tap`](crate::Tap) can record. Each kind is one file.
//!
//! The forward passes compute what candle_nn's compute. To record a layer its parameters must be f32 on the
//! CPU or, with the feature `cuda`, on an NVIDIA GPU.

mod affine;
mod batch_norm;
mod conv2d;
mod embedding;
mod group_norm;
mod layer_norm;
mod linear;

#[cfg(test)]
pub(crate) use affine::scale_gradients;
pub use batch_norm::{BatchNorm, batch_norm};
pub use conv2d::{Conv2d, conv2d, conv2d_no_bias};
pub use embedding::{Embedding, embedding};
pub use group_norm::{GroupNorm, group_norm};
pub use layer_norm::{LayerNorm, layer_norm};
pub use linear::{Linear, linear, linear_no_bias};

use crate::{
    tap::tapped,
    uses::{Parameter, Use, UseGradients},
};
use candle_core::{Result, Shape, Tensor, bail};
use candle_nn::{Init, VarBuilder};

/// Gets the tensor `name` from `vb`, and keeps its full name.
fn parameter(
    vb: &VarBuilder,
    shape: impl Into<Shape>,
    name: &str,
    initial: Init,
) -> Result<Parameter> {
    let tensor = vb.get_with_hints(shape, name, initial)?;
    Ok(Parameter { name: crate::name_in(vb, name), tensor })
}

/// The parameters of a layer; either may be absent.
#[derive(Clone, Debug)]
struct WeightAndBias {
    weight: Option<Parameter>,
    bias: Option<Parameter>,
}

impl WeightAndBias {
    /// The parameters of the layer called `name`.
    fn new(name: &str, weight: Tensor, bias: Option<Tensor>) -> Self {
        let named = |kind, tensor| Parameter { name: format!("{name}.{kind}"), tensor };
        Self { weight: Some(named("weight", weight)), bias: bias.map(|bias| named("bias", bias)) }
    }

    fn each(&self) -> impl Iterator<Item = &Parameter> {
        [&self.weight, &self.bias].into_iter().flatten()
    }

    /// Returns the layer's output `z` for the input `x`. If a tap records, `gradients` is called after the
    /// backward pass with `x` and the delta of `z`. It returns the gradients of the weight, and δ as
    /// [m, t, o], whose sums over the positions t are the gradients of the bias.
    fn tapped(
        &self,
        x: &Tensor,
        z: Tensor,
        gradients: impl FnOnce(&Tensor, &Tensor) -> Result<(UseGradients, Tensor)> + Send + 'static,
    ) -> Result<Tensor> {
        let (layer, x) = (self.clone(), x.detach());
        let name = self.each().next().map_or_else(String::new, |first| first.name.clone());
        tapped(&self.each().collect::<Vec<_>>(), z, move |delta| {
            if x.rank() < 2 || delta.elem_count() == 0 {
                bail!("{name}: {:?} is not a batch [m, …] of examples with positions", x.dims());
            }
            let (gradients, delta) = gradients(&x, &delta)?;
            let m = delta.dim(0)?;
            let weight = layer.weight.map(|parameter| Ok(Use { parameter, m, gradients }));
            let bias = layer.bias.map(|parameter| {
                let rows = delta.sum(1)?.contiguous()?;
                Ok(Use { parameter, m, gradients: UseGradients::Rows(rows) })
            });
            weight.into_iter().chain(bias).collect()
        })
    }
}

/// [m, …, c] as [m, t, c], contiguous.
fn positions(x: &Tensor) -> Result<Tensor> {
    let dims = x.dims();
    x.reshape((dims[0], (), dims[dims.len() - 1]))?.contiguous()
}
