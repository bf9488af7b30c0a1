//! y = γ x̂ + β for each channel: what follows a normalisation.

use super::{WeightAndBias, positions};
use crate::{part::Part, storage};
use candle_core::{Device, Result, Tensor};
use coherence_cpu::normalize::{Standardization, batch};

impl WeightAndBias {
    /// γ x̂ + β with the weight γ \[c\] and the bias β \[c\]; axis 0 of x̂ is the examples, `axis` the
    /// channels. The gradients of example e are `Σ_t δ_{e,t} x̂_{e,t}` and `Σ_t δ_{e,t}` over its
    /// positions t.
    pub(super) fn affine(&self, x: Tensor, axis: usize) -> Result<Tensor> {
        let mut dims = vec![1; x.rank()];
        dims[axis] = x.dim(axis)?;
        let mut y = x.clone();
        if let Some(scale) = &self.weight {
            y = y.broadcast_mul(&scale.tensor.reshape(&dims[..])?)?;
        }
        if let Some(shift) = &self.bias {
            y = y.broadcast_add(&shift.tensor.reshape(&dims[..])?)?;
        }
        self.tapped(&x, y, move |x, delta| {
            // The order of the positions does not matter to sums over them.
            let last = |x: &Tensor| positions(&x.transpose(axis, x.rank() - 1)?.contiguous()?);
            let (x, delta) = (last(x)?, last(delta)?);
            Ok((Part::Rows(scale_gradients(&x, &delta)?), delta))
        })
    }
}

/// Σ_t δ x̂ [m, c] of x̂ and δ [m, t, c], summed in f64.
fn scale_gradients(x: &Tensor, delta: &Tensor) -> Result<Tensor> {
    let (m, _, c) = x.dims3()?;
    let [mut scale, mut shift] = [(); 2].map(|()| vec![0.0; m * c]);
    let identity = Standardization::from_moments(vec![0.0; c], &vec![1.0; c], 0.0);
    storage::read(x, |x| {
        storage::read(delta, |delta| {
            batch::example_gradients(x, delta, &identity, &mut scale, &mut shift);
        })
    })??;
    Tensor::from_vec(scale, (m, c), &Device::Cpu)
}

/// x̂ = (x − μ)/√(σ² + ε) over the last axis; without `remove_mean`, x/√(mean(x²) + ε).
///
/// candle_nn's own layer normalisation of contiguous inputs has no backward pass.
pub(super) fn standardize(x: &Tensor, epsilon: f64, remove_mean: bool) -> Result<Tensor> {
    let last = x.rank() - 1;
    let n = x.dim(last)? as f64;
    let x = if remove_mean { x.broadcast_sub(&(x.sum_keepdim(last)? / n)?)? } else { x.clone() };
    let variance = (x.sqr()?.sum_keepdim(last)? / n)?;
    x.broadcast_div(&(variance + epsilon)?.sqrt()?)
}
