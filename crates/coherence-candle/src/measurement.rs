//! What is measured of the per-example gradients of a model.
//!
//! Legend: m: examples, S = Σ_e g_e, Q = Σ_e ‖g_e‖², of the SUM loss.

use candle_core::{Result, Tensor, TensorId, backprop::GradStore, bail};
use candle_nn::VarMap;
use coherence_core::{Coherence, layers};
use std::sync::PoisonError;

/// Sums and norms of the per-example gradients, parameter by parameter.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use candle_nn::{Module, VarBuilder, VarMap};
/// use coherence_candle::{Tap, linear};
///
/// let variables = VarMap::new();
/// let vb = VarBuilder::from_varmap(&variables, DType::F32, &Device::Cpu);
/// let model = linear(2, 3, vb.pp("head"))?;
/// let (tap, x) = (Tap::new(), Tensor::new(&[[1f32, 0.0], [0.0, 1.0]], &Device::Cpu)?);
/// tap.record(|| model.forward(&x))?.sum_all()?.backward()?;
/// let measured = tap.measure()?;
/// // Weights: orthogonal gradients, 3 + 3 = ‖S‖² = Q. Biases: equal ones, ‖S‖² = 12, Q = 6.
/// let alphas: Vec<f64> = measured.tensors().iter().map(|t| t.coherence.alpha()).collect();
/// assert_eq!(alphas, [0.5, 1.0]);
/// assert_eq!(measured.layers()[0].0, "head");
/// assert_eq!(measured.network().alpha(), 0.75); // 18 / (2 · 12)
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TapMeasurement {
    m: usize,
    tensors: Vec<TensorMeasurement>,
}

/// Sums and norms of the per-example gradients of one parameter.
#[derive(Debug, Clone)]
pub struct TensorMeasurement {
    /// The parameter's name, such as `fc1.weight`.
    pub name: String,
    /// S, of the parameter's shape: the gradient of the batch's SUM loss.
    pub sum: Tensor,
    /// The squared norm ‖g_e‖² of each example \[m\].
    pub sq_norms: Vec<f64>,
    /// m, ‖S‖² and Q.
    pub coherence: Coherence,
    /// The parameter in candle.
    pub(crate) id: TensorId,
}

impl TapMeasurement {
    pub(crate) fn new(m: usize, tensors: Vec<TensorMeasurement>) -> Self {
        Self { m, tensors }
    }

    /// The number of examples m.
    pub fn examples(&self) -> usize {
        self.m
    }

    /// The parameters, in the order of their first use.
    pub fn tensors(&self) -> &[TensorMeasurement] {
        &self.tensors
    }

    /// The statistics by layer: parameters of the same name up to the last dot, in the order of their
    /// first use.
    pub fn layers(&self) -> Vec<(&str, Coherence)> {
        let mut layers: Vec<(&str, Vec<Coherence>)> = Vec::new();
        for TensorMeasurement { name, coherence, .. } in &self.tensors {
            let name = name.rsplit_once('.').map_or(&name[..], |(layer, _)| layer);
            match layers.iter_mut().find(|(known, _)| *known == name) {
                Some((_, parts)) => parts.push(*coherence),
                None => layers.push((name, vec![*coherence])),
            }
        }
        layers.into_iter().map(|(name, parts)| (name, total(&parts))).collect()
    }

    /// The statistics over all tapped parameters. Without any, m = 0.
    pub fn network(&self) -> Coherence {
        total(&self.tensors.iter().map(|tensor| tensor.coherence).collect::<Vec<_>>())
    }

    /// The squared norm of each example's gradient over all tapped parameters \[m\].
    pub fn sq_norms(&self) -> Vec<f64> {
        (0..self.m).map(|e| self.tensors.iter().map(|tensor| tensor.sq_norms[e]).sum()).collect()
    }

    /// Checks that all gradients of the variables come from tapped layers: that each of `variables` with
    /// a gradient in `gradients`, the result of the backward pass, was measured, and that S is this gradient
    /// up to 1e-4 Σ_e ‖g_e‖. To run it once for a new model is enough.
    ///
    /// # Errors
    ///
    /// If a variable is used outside of tapped layers; the error names it.
    pub fn check_complete(&self, variables: &VarMap, gradients: &GradStore) -> Result<()> {
        let variables = variables.data().lock().unwrap_or_else(PoisonError::into_inner);
        for (name, var) in variables.iter() {
            let Some(gradient) = gradients.get(var) else { continue };
            let Some(tensor) = self.tensors.iter().find(|tensor| tensor.id == var.id()) else {
                bail!(
                    "{name} has a gradient but is in no tapped layer (use a layer of this crate)"
                );
            };
            let rest = (gradient - &tensor.sum)?.sqr()?.sum_all()?.to_scalar::<f32>()?;
            let norms: f64 = tensor.sq_norms.iter().map(|sq_norm| sq_norm.sqrt()).sum();
            let distance = f64::from(rest).sqrt();
            // A distance that is NaN is no agreement.
            if distance.is_nan() || distance > 1e-4 * norms {
                bail!(
                    "{name} is used outside of tapped layers, too: the sum of the measured gradients is \
                     {distance} from its gradient (give every layer that uses it a tap)"
                );
            }
        }
        Ok(())
    }
}

/// The statistics of parameters together.
fn total(parts: &[Coherence]) -> Coherence {
    layers::network(parts).expect("all parts are of the same examples")
}
