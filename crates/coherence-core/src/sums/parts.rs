//! Sums as plain numbers, which travel between machines, and the check of those that arrive.

use core::fmt;

use crate::{finite::Policy, squares::SquareSum};

/// What [`Sums`](crate::Sums) hold, as plain numbers.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SumsParts<B> {
    /// S · 2^−exponent `[d]`, S = Σ g_i.
    pub sum: B,
    /// The binary exponent of `sum`: −600, 0 or 64.
    pub exponent: i32,
    /// Q = Σ ‖g_i‖².
    pub squares: SquareSum,
    /// m, the number of examples added.
    pub m: u64,
    /// How many examples were left out under [`Policy::Omit`].
    pub omitted: u64,
    /// What non-finite gradients do.
    pub policy: Policy,
}

/// What [`WeightedSums`](crate::WeightedSums) hold, as plain numbers.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WeightedSumsParts<B> {
    /// S · 2^−exponent `[d]`, S = Σ w_i g_i.
    pub sum: B,
    /// The binary exponent of `sum`: `weight_exponent` and −600, 0 or 64.
    pub exponent: i32,
    /// Σ u_i ‖g_i‖², u_i = w_i · 2^−weight_exponent.
    pub squares: SquareSum,
    /// Σ u_i² ‖g_i‖².
    pub weighted_squares: SquareSum,
    /// Σ u_i.
    pub weight: f64,
    /// Σ u_i².
    pub sum_sq_weights: f64,
    /// The binary exponent of the weights: a multiple of 32.
    pub weight_exponent: i32,
    /// m, the number of examples of weight above 0.
    pub m: u64,
    /// How many examples were left out under [`Policy::Omit`].
    pub omitted: u64,
    /// What non-finite gradients do.
    pub policy: Policy,
}

/// What [`CoordinateSums`](crate::similarity::CoordinateSums) hold, as plain numbers.
#[derive(Clone, Debug, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CoordinateSumsParts<B> {
    /// Σ g_ij, then Σ g_ij² `[2 d]`.
    pub sums: B,
    /// m, the number of examples added.
    pub m: u64,
    /// How many examples were left out under [`Policy::Omit`].
    pub omitted: u64,
    /// What non-finite gradients do.
    pub policy: Policy,
}

/// Why numbers were refused as the parts of an accumulator.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum PartsError {
    /// A sum of squares or of weights is negative.
    Negative {
        /// The sum.
        value: f64,
    },
    /// A sum is NaN or ±∞, and the policy is not [`Policy::Propagate`].
    NonFinite {
        /// The sum.
        value: f64,
    },
    /// m = 0, and a sum is not 0.
    NoExamples {
        /// The sum.
        value: f64,
    },
    /// A count exceeds 2⁵³.
    Count {
        /// The count.
        count: u64,
    },
    /// No accumulator uses this binary exponent.
    Exponent {
        /// The exponent.
        exponent: i32,
    },
    /// The buffer of [`CoordinateSums`](crate::similarity::CoordinateSums) has an odd length.
    OddLength {
        /// The length.
        len: usize,
    },
}

impl fmt::Display for PartsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Negative { value } => {
                write!(f, "a sum of squares or weights is negative: {value}")
            }
            Self::NonFinite { value } => {
                write!(f, "a sum is {value} (only the policy `Propagate` leads to such sums)")
            }
            Self::NoExamples { value } => write!(f, "a sum over no examples is {value}, not 0"),
            Self::Count { count } => write!(f, "{count} examples are more than 2^53"),
            Self::Exponent { exponent } => {
                write!(f, "binary exponent {exponent} is not one that these sums use")
            }
            Self::OddLength { len } => {
                write!(f, "{len} numbers are not two sums for each coordinate")
            }
        }
    }
}

impl core::error::Error for PartsError {}

/// Refuses counts that f64 does not hold exactly.
pub(crate) fn check_counts(m: u64, omitted: u64) -> Result<(), PartsError> {
    match [m, omitted].into_iter().find(|count| *count > 1 << 53) {
        Some(count) => Err(PartsError::Count { count }),
        None => Ok(()),
    }
}

/// Refuses sums that m gradients cannot have under this policy.
pub(crate) fn check_sums(
    m: u64,
    policy: Policy,
    mut sums: impl Iterator<Item = f64>,
) -> Result<(), PartsError> {
    sums.try_for_each(|value| {
        if !value.is_finite() && policy != Policy::Propagate {
            Err(PartsError::NonFinite { value })
        } else if m == 0 && value != 0.0 {
            Err(PartsError::NoExamples { value })
        } else {
            Ok(())
        }
    })
}

/// Refuses sums of squares or of weights that are negative.
pub(crate) fn check_not_negative(mut sums: impl Iterator<Item = f64>) -> Result<(), PartsError> {
    match sums.find(|value| *value < 0.0) {
        Some(value) => Err(PartsError::Negative { value }),
        None => Ok(()),
    }
}
