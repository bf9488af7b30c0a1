//! A convolution with the normalisation that follows it.

use crate::{
    Activation, Builder, GraphError, Initial, Value,
    device::Device,
    layer::{BatchNorm, Convolution, EPSILON, GroupNorm},
};
use coherence_cpu::{Element, convolution};

/// The normalisation layers of a residual network.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Norm {
    /// Batch normalisation. In training it makes the examples of a batch depend on each other, so that
    /// there are no per-example gradients.
    #[default]
    Batch,
    /// Group normalisation: every example has a gradient of its own, in training too.
    Group,
}

/// A normalisation layer whose channels are not yet known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Normalization {
    Batch { epsilon: f64 },
    Group { groups: usize },
}

/// Batch normalisation with PyTorch's ε.
pub(super) const BATCH: Normalization = Normalization::Batch { epsilon: EPSILON };

/// The parts of [`normalized_convolution`].
pub(super) struct Normalized<'a> {
    /// The names of the convolution and of the normalisation.
    pub(super) names: [&'a str; 2],
    pub(super) of: convolution::Convolution,
    /// The standard deviation of the initial weights.
    pub(super) std: f64,
    pub(super) normalization: Normalization,
    pub(super) activation: Activation,
}

/// Appends a convolution without a bias, with weights N(0, 1) · `std`, then the normalisation, then the
/// activation function.
pub(super) fn normalized_convolution<T: Element, D: Device<T>>(
    net: &mut Builder<T, D>,
    x: Value,
    Normalized { names: [name, norm], of, std, normalization, activation }: Normalized,
) -> Result<Value, GraphError> {
    let layer = Convolution::new(of)?
        .without_bias()
        .with_initial(Initial::Normal { std }, Initial::Constant(0.0));
    let z = net.push(name, layer, &[x], Activation::Identity)?;
    match normalization {
        Normalization::Batch { epsilon } => {
            net.push(norm, BatchNorm::new(z.shape).with_epsilon(epsilon), &[z], activation)
        }
        Normalization::Group { groups } => {
            net.push(norm, GroupNorm::new(z.shape, groups)?, &[z], activation)
        }
    }
}

/// He's initialisation by the fan out: N(0, 1) · √(2 / (o · kh · kw)).
pub(super) fn by_fan_out(of: &convolution::Convolution) -> f64 {
    let [kh, kw] = of.kernel;
    (2.0 / (of.outputs * kh * kw) as f64).sqrt()
}
