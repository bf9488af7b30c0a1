//! Activation functions, applied to each value of a layer's output. Devices
//! [compute them](crate::device::Elementwise::activate).
//!
//! Legend: z: pre-activation (a layer's output before the function), h = φ(z): activation, σ: the
//! logistic function, Φ and φ₀: the standard normal distribution function and density.

use core::{fmt, str::FromStr};

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
}
