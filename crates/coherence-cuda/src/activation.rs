//! Activation functions h = φ(z) and their derivatives.

use crate::{
    View, ViewMut,
    argument::{Arguments, blocks_for},
    engine::{Engine, Real},
};

/// An activation function.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Function {
    /// z.
    Identity,
    /// max(z, 0); φ′(0) = 0.
    Relu,
    /// z for z > 0, else slope · z.
    LeakyRelu {
        /// φ′(z) for z ≤ 0.
        slope: f64,
    },
    /// min(max(z, 0), 6).
    Relu6,
    /// tanh z.
    Tanh,
    /// σ(z) = 1/(1 + e⁻ᶻ).
    Sigmoid,
    /// z σ(z).
    Silu,
    /// z Φ(z), for the distribution function Φ of the standard normal distribution.
    Gelu,
}

impl Function {
    /// The number in elementwise.cu, and the slope.
    fn code<T: Real>(self) -> (u32, T) {
        let code = match self {
            Self::Identity => 0,
            Self::Relu => 1,
            Self::LeakyRelu { slope } => return (2, T::narrow(slope)),
            Self::Relu6 => 3,
            Self::Tanh => 4,
            Self::Sigmoid => 5,
            Self::Silu => 6,
            Self::Gelu => 7,
        };
        (code, T::zero())
    }
}

/// Adds `bias` \[o\], if there is one, to `x` [m, o], copies the sum z to `pre_activations`, if it is wanted,
/// and applies the function: `x = φ(z)`. NaN stays NaN.
///
/// # Panics
///
/// When `x` is not rows of the bias's length, or `pre_activations` not as long as `x`.
pub fn activate<T: Real>(
    engine: &impl Engine,
    function: Function,
    bias: Option<View<'_, T>>,
    x: ViewMut<'_, T>,
    pre_activations: Option<ViewMut<'_, T>>,
) {
    let (n, o) = (x.len(), bias.map_or(1, |bias| bias.len()));
    x.check(engine, n);
    bias.iter().for_each(|bias| bias.check(engine, o));
    pre_activations.iter().for_each(|z| z.check(engine, n));
    assert!(n.checked_rem(o).unwrap_or(n) == 0, "{n} values in rows of {o}");
    let (code, slope) = function.code::<T>();
    let arguments = (code, slope, bias, o, x, pre_activations, n);
    // SAFETY: x and pre_activations have n values, bias o > 0 unless n = 0, on this engine.
    unsafe { arguments.launch::<T>(engine, "activate", blocks_for(n)) }
}

/// `delta *= φ′(z)`, computed from `kept`: z for SiLU and GELU, h = φ(z) for the others.
///
/// # Panics
///
/// When the lengths differ.
pub fn backward<T: Real>(
    engine: &impl Engine,
    function: Function,
    kept: View<'_, T>,
    delta: ViewMut<'_, T>,
) {
    let n = delta.len();
    kept.check(engine, n);
    delta.check(engine, n);
    let (code, slope) = function.code::<T>();
    let arguments = (code, slope, kept, delta, n);
    // SAFETY: kept and delta have n values on this engine.
    unsafe { arguments.launch::<T>(engine, "activation_backward", blocks_for(n)) }
}
