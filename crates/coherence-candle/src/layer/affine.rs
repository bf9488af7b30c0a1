//! y = γ x̂ + β for each channel: what follows a normalisation.

use super::{WeightAndBias, positions};
use crate::{TensorDevice, device::on_device, uses::UseGradients};
use candle_core::{Result, Tensor};

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
            let rows = on_device!(x.device(), device => scale_gradients(&device, &x, &delta))?;
            Ok((UseGradients::Rows(rows), delta))
        })
    }
}

/// Σ_t δ x̂ [m, c] of x̂ and δ [m, t, c], summed in f64.
pub(crate) fn scale_gradients<D: TensorDevice>(
    device: &D,
    x: &Tensor,
    delta: &Tensor,
) -> Result<Tensor> {
    let (m, _, c) = x.dims3()?;
    let mean_and_variance = device.buffer_from([vec![0.0; c], vec![1.0; c]].concat());
    let mut identity = D::Standardization::default();
    device.running_moments(D::view(&mean_and_variance), 0.0, &mut identity);
    let mut shift = device.zeros(m * c);
    device.new_tensor(x.device(), (m, c), |mut scale| {
        device.with_values(x, |x| {
            device.with_values(delta, |delta| {
                let gradients = [D::reborrow(&mut scale), D::view_mut(&mut shift)];
                device.batch_example_gradients(x, delta, &identity, gradients);
            })
        })?
    })
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
