//! Activation functions between the layers of a perceptron.
//!
//! Legend: z: pre-activation (a layer's output before the function), h = φ(z): activation, δ: gradient
//! of the SUM loss by z, σ: the logistic function, Φ and φ₀: the standard normal distribution and
//! density.

use coherence_cpu::{
    Element,
    elementwise::{add_bias, bias_relu, relu_backward},
};
use core::{fmt, str::FromStr};
use rayon::prelude::*;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// What is applied to every neuron of a hidden layer: h = φ(z). Logits have none.
///
/// | name | φ(z) | φ′(z) | PyTorch |
/// |---|---|---|---|
/// | `relu` | max(z, 0) | 1 for z > 0, else 0 | `ReLU` |
/// | `leaky-relu:SLOPE` | z for z > 0, else SLOPE · z | 1 for z > 0, else SLOPE | `LeakyReLU`, SLOPE = 0.01 |
/// | `tanh` | tanh z | 1 − h² | `Tanh` |
/// | `sigmoid` | σ(z) = 1/(1 + e⁻ᶻ) | h (1 − h) | `Sigmoid` |
/// | `silu` | z σ(z) | σ(z) (1 + z (1 − σ(z))) | `SiLU` |
/// | `gelu` | z Φ(z) = z/2 · (1 + erf(z/√2)) | Φ(z) + z φ₀(z) | `GELU`, `approximate='none'` |
/// | `identity` | z | 1 | `Identity`, or none |
///
/// GELU is the exact form, PyTorch's default. The tanh approximation, JAX's default, is another
/// function and is not offered.
///
/// ReLU, leaky ReLU, tanh and sigmoid have their derivative from h, which a pass keeps anyway. SiLU
/// and GELU are not monotone: a [`Workspace`](crate::Workspace) keeps z for them, too.
///
/// ```
/// use coherence_nn::Activation;
/// let leaky: Activation = "leaky-relu:0.2".parse()?;
/// assert_eq!(leaky, Activation::LeakyRelu { slope: 0.2 });
/// assert_eq!(leaky.to_string(), "leaky-relu:0.2");
/// assert_eq!("leaky-relu".parse(), Ok(Activation::LeakyRelu { slope: 0.01 }));
/// # Ok::<(), coherence_nn::ActivationError>(())
/// ```
///
/// Source: GELU: Hendrycks, Gimpel (2016), *Gaussian Error Linear Units* (arXiv 1606.08415), which
/// names SiLU, too.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// The rectifier; φ′(0) = 0, as in PyTorch.
    #[default]
    Relu,
    /// The rectifier with a slope for negative values.
    LeakyRelu {
        /// φ′(z) for z ≤ 0: finite and not negative, so that h has the sign of z.
        slope: f64,
    },
    /// The hyperbolic tangent.
    Tanh,
    /// The logistic function.
    Sigmoid,
    /// The sigmoid linear unit, also called swish.
    Silu,
    /// The Gaussian error linear unit, exact.
    Gelu,
    /// None: the network is linear.
    Identity,
}

/// PyTorch's slope of a leaky ReLU.
const SLOPE: f64 = 0.01;

/// A text that names no [`Activation`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActivationError {
    /// Another name.
    #[error(
        "no activation {0} (there are relu, leaky-relu:SLOPE, tanh, sigmoid, silu, gelu, identity)"
    )]
    Name(String),
    /// A slope that is no number, infinite or negative.
    #[error("slope {0} of leaky-relu (must be finite and at least 0)")]
    Slope(String),
}

impl FromStr for Activation {
    type Err = ActivationError;

    fn from_str(text: &str) -> Result<Self, ActivationError> {
        if let Some(slope) = text.strip_prefix("leaky-relu:") {
            let valid = |slope: &f64| slope.is_finite() && *slope >= 0.0;
            return match slope.parse().ok().filter(valid) {
                Some(slope) => Ok(Self::LeakyRelu { slope }),
                None => Err(ActivationError::Slope(slope.to_owned())),
            };
        }
        match text {
            "relu" => Ok(Self::Relu),
            "leaky-relu" => Ok(Self::LeakyRelu { slope: SLOPE }),
            "tanh" => Ok(Self::Tanh),
            "sigmoid" => Ok(Self::Sigmoid),
            "silu" => Ok(Self::Silu),
            "gelu" => Ok(Self::Gelu),
            "identity" => Ok(Self::Identity),
            _ => Err(ActivationError::Name(text.to_owned())),
        }
    }
}

/// The name that [`FromStr`] reads.
impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Relu => f.write_str("relu"),
            Self::LeakyRelu { slope } => write!(f, "leaky-relu:{slope}"),
            Self::Tanh => f.write_str("tanh"),
            Self::Sigmoid => f.write_str("sigmoid"),
            Self::Silu => f.write_str("silu"),
            Self::Gelu => f.write_str("gelu"),
            Self::Identity => f.write_str("identity"),
        }
    }
}

impl Activation {
    /// Whether the derivative needs the pre-activations z, not only h.
    pub fn needs_pre_activations(self) -> bool {
        matches!(self, Self::Silu | Self::Gelu)
    }

    /// Adds the bias \[o\] to `x` [m, o] and applies the function; z goes to `pre_activations` [m, o]
    /// where the derivative needs it.
    pub(crate) fn forward<T: Element>(self, bias: &[T], x: &mut [T], pre_activations: &mut [T]) {
        if self == Self::Relu {
            return bias_relu(bias, x);
        }
        add_bias(bias, x);
        if self.needs_pre_activations() {
            pre_activations.copy_from_slice(x);
        }
        match self {
            Self::Relu | Self::Identity => {}
            Self::LeakyRelu { slope } => {
                let slope = T::narrow(slope);
                map(x, |z| if z < T::zero() { slope * z } else { z });
            }
            Self::Tanh => map(x, T::tanh),
            Self::Sigmoid => map(x, sigmoid),
            Self::Silu => map(x, |z| z * sigmoid(z)),
            Self::Gelu => map(x, |z| T::narrow(z.widen() * normal_distribution(z.widen()))),
        }
    }

    /// Turns the gradient by h into that by z: `delta[e, j] *= φ′(z[e, j])`, from what was kept.
    pub(crate) fn backward<T: Element>(self, kept: Kept<'_, T>, delta: &mut [T]) {
        let (h, z) = (kept.activations, kept.pre_activations);
        let one = T::one();
        match self {
            Self::Relu => relu_backward(h, delta),
            Self::Identity => {}
            Self::LeakyRelu { slope } => {
                let slope = T::narrow(slope);
                zip(h, delta, |h| if h > T::zero() { one } else { slope });
            }
            Self::Tanh => zip(h, delta, |h| one - h * h),
            Self::Sigmoid => zip(h, delta, |h| h * (one - h)),
            Self::Silu => zip(z, delta, |z| {
                let s = sigmoid(z);
                s * (one + z * (one - s))
            }),
            Self::Gelu => zip(z, delta, |z| {
                let z = z.widen();
                T::narrow(normal_distribution(z) + z * normal_density(z))
            }),
        }
    }
}

/// What a forward pass keeps of a layer for the way back.
pub(crate) struct Kept<'a, T> {
    /// h [m, o].
    pub(crate) activations: &'a [T],
    /// z [m, o]; empty where the derivative does not need it.
    pub(crate) pre_activations: &'a [T],
}

fn sigmoid<T: Element>(z: T) -> T {
    T::one() / (T::one() + (-z).exp())
}

/// Φ(z), whose tail keeps its relative precision for z → −∞.
fn normal_distribution(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// φ₀(z) = e^(−z²/2) / √(2π).
fn normal_density(z: f64) -> f64 {
    0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * (-0.5 * z * z).exp()
}

/// Elements that a thread takes at a time. Every element is computed on its own, so results do not
/// depend on it.
const PIECE: usize = 1 << 13;

fn map<T: Element>(x: &mut [T], f: impl Fn(T) -> T + Sync) {
    x.par_chunks_mut(PIECE).for_each(|x| x.iter_mut().for_each(|x| *x = f(*x)));
}

/// Multiplies each delta by the derivative that `f` has from what was kept.
fn zip<T: Element>(kept: &[T], delta: &mut [T], f: impl Fn(T) -> T + Sync) {
    assert_eq!(kept.len(), delta.len(), "a workspace of a network with this activation");
    delta.par_chunks_mut(PIECE).zip(kept.par_chunks(PIECE)).for_each(|(delta, kept)| {
        delta.iter_mut().zip(kept).for_each(|(delta, &kept)| *delta = *delta * f(kept));
    });
}
