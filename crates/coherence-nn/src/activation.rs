//! Activation functions, applied to each value of a layer's output.
//!
//! Legend: z: pre-activation (a layer's output before the function), h = φ(z): activation, δ: gradient
//! of the SUM loss with respect to z, σ: the logistic function, Φ and φ₀: the standard normal
//! distribution function and density.

use coherence_cpu::{
    Element,
    elementwise::{add_bias, bias_relu, relu_backward},
};
use core::{fmt, str::FromStr};
use rayon::prelude::*;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

/// An activation function h = φ(z).
///
/// | name | φ(z) | φ′(z) | PyTorch |
/// |---|---|---|---|
/// | `relu` | max(z, 0) | 1 for z > 0, else 0 | `ReLU` |
/// | `leaky-relu:SLOPE` | z for z > 0, else SLOPE · z | 1 for z > 0, else SLOPE | `LeakyReLU`, SLOPE = 0.01 |
/// | `relu6` | min(max(z, 0), 6) | 1 for 0 < z < 6, else 0 | `ReLU6` |
/// | `tanh` | tanh z | 1 − h² | `Tanh` |
/// | `sigmoid` | σ(z) = 1/(1 + e⁻ᶻ) | h (1 − h) | `Sigmoid` |
/// | `silu` | z σ(z) | σ(z) (1 + z (1 − σ(z))) | `SiLU` |
/// | `gelu` | z Φ(z) = z/2 · (1 + erf(z/√2)) | Φ(z) + z φ₀(z) | `GELU`, `approximate='none'` |
/// | `identity` | z | 1 | `Identity`, or none |
///
/// GELU is the exact form, PyTorch's default. The tanh approximation, JAX's default, is another
/// function and is not offered.
///
/// The derivatives of ReLU, leaky ReLU, ReLU6, tanh and sigmoid are computed from h, which a forward pass
/// keeps in any case. SiLU and GELU are not monotone: for them a [`Workspace`](crate::Workspace)
/// also keeps z.
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
/// Source of GELU and SiLU: Hendrycks, Gimpel (2016), *Gaussian Error Linear Units* (arXiv 1606.08415).
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// The rectifier; φ′(0) = 0, as in PyTorch.
    #[default]
    Relu,
    /// The rectifier with a slope for negative values.
    LeakyRelu {
        /// φ′(z) for z ≤ 0: finite and not negative, so that the sign of z can be read from h.
        slope: f64,
    },
    /// The rectifier that is at most 6.
    Relu6,
    /// The hyperbolic tangent.
    Tanh,
    /// The logistic function.
    Sigmoid,
    /// The sigmoid linear unit, also called swish.
    Silu,
    /// The Gaussian error linear unit, exact.
    Gelu,
    /// No activation function.
    Identity,
}

/// PyTorch's slope of a leaky ReLU.
const SLOPE: f64 = 0.01;

/// A text that is not the name of an [`Activation`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ActivationError {
    /// The name is unknown.
    #[error(
        "unknown activation {0} (known: relu, leaky-relu:SLOPE, relu6, tanh, sigmoid, silu, gelu, identity)"
    )]
    Name(String),
    /// The slope is not a number, infinite or negative.
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
            "relu6" => Ok(Self::Relu6),
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
            Self::Relu6 => f.write_str("relu6"),
            Self::Tanh => f.write_str("tanh"),
            Self::Sigmoid => f.write_str("sigmoid"),
            Self::Silu => f.write_str("silu"),
            Self::Gelu => f.write_str("gelu"),
            Self::Identity => f.write_str("identity"),
        }
    }
}

impl Activation {
    /// Panics if the slope of a leaky ReLU is negative or not finite.
    pub(crate) fn check(self) {
        if let Self::LeakyRelu { slope } = self {
            assert!(slope.is_finite() && slope >= 0.0, "a leaky ReLU of slope {slope}");
        }
    }

    /// Whether the derivative needs the pre-activations z, not only h.
    pub fn needs_pre_activations(self) -> bool {
        matches!(self, Self::Silu | Self::Gelu)
    }

    /// Adds the bias \[o\], unless it is empty, to `x` [m, o] and applies the function; copies z to `pre_activations` [m, o]
    /// unless that is empty.
    pub(crate) fn forward<T: Element>(self, bias: &[T], x: &mut [T], pre_activations: &mut [T]) {
        match (self, bias) {
            (Self::Relu, [_, ..]) => return bias_relu(bias, x),
            (_, [_, ..]) => add_bias(bias, x),
            (_, []) => {}
        }
        if !pre_activations.is_empty() {
            pre_activations.copy_from_slice(x);
        }
        match self {
            Self::Identity => {}
            // NaN stays NaN.
            Self::Relu => map(x, |z| if z < T::zero() { T::zero() } else { z }),
            Self::LeakyRelu { slope } => {
                let slope = T::narrow(slope);
                map(x, |z| if z < T::zero() { slope * z } else { z });
            }
            // NaN stays NaN.
            Self::Relu6 => map(x, |z| {
                let z = if z < T::zero() { T::zero() } else { z };
                if z > six() { six() } else { z }
            }),
            Self::Tanh => map(x, T::tanh),
            Self::Sigmoid => map(x, sigmoid),
            Self::Silu => map(x, |z| z * sigmoid(z)),
            Self::Gelu => map(x, |z| T::narrow(z.widen() * normal_distribution(z.widen()))),
        }
    }

    /// Turns the gradient with respect to h into that with respect to z: `delta[e, j] *= φ′(z[e, j])`.
    /// `z` may be empty if the derivative does not need it.
    pub(crate) fn backward<T: Element>(self, h: &[T], z: &[T], delta: &mut [T]) {
        let one = T::one();
        match self {
            Self::Relu => relu_backward(h, delta),
            Self::Identity => {}
            Self::LeakyRelu { slope } => {
                let slope = T::narrow(slope);
                zip(h, delta, |h| if h > T::zero() { one } else { slope });
            }
            Self::Relu6 => {
                zip(h, delta, |h| if h > T::zero() && h < six() { one } else { T::zero() });
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

fn six<T: Element>() -> T {
    T::narrow(6.0)
}

fn sigmoid<T: Element>(z: T) -> T {
    T::one() / (T::one() + (-z).exp())
}

/// Φ(z), with full relative precision also for z → −∞.
fn normal_distribution(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// φ₀(z) = e^(−z²/2) / √(2π).
fn normal_density(z: f64) -> f64 {
    0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * (-0.5 * z * z).exp()
}

/// Elements in a thread's unit of work. Elements are computed independently, so that results do not
/// depend on it.
const PIECE: usize = 1 << 13;

fn map<T: Element>(x: &mut [T], f: impl Fn(T) -> T + Sync) {
    x.par_chunks_mut(PIECE).for_each(|x| x.iter_mut().for_each(|x| *x = f(*x)));
}

/// Multiplies each delta by the derivative, which `f` computes from the kept value.
fn zip<T: Element>(kept: &[T], delta: &mut [T], f: impl Fn(T) -> T + Sync) {
    assert_eq!(kept.len(), delta.len(), "the workspace is of a network with another activation");
    delta.par_chunks_mut(PIECE).zip(kept.par_chunks(PIECE)).for_each(|(delta, kept)| {
        delta.iter_mut().zip(kept).for_each(|(delta, &kept)| *delta = *delta * f(kept));
    });
}
