//! Why the parameters of a rule were refused.

use core::fmt;

/// The most iterations that a rule takes, 10,000: each reads all vectors.
///
/// Centred clipping takes 1 to a few, the geometric median some tens.
pub const MOST_ITERATIONS: usize = 10_000;

/// A parameter that is out of range for any number of vectors.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ParameterError {
    /// A length is negative or NaN.
    Length {
        /// The rule.
        rule: &'static str,
        /// The parameter.
        parameter: &'static str,
        /// Its value.
        value: f64,
    },
    /// An iteration may take more steps than [`MOST_ITERATIONS`].
    Iterations {
        /// The rule.
        rule: &'static str,
        /// The number of iterations.
        found: usize,
    },
    /// The size of a bucket is 0.
    EmptyBucket,
    /// An order is not a permutation of 0 … n−1.
    Order {
        /// The length of the order.
        n: usize,
        /// The first index that is missing.
        missing: usize,
    },
}

impl ParameterError {
    /// `Ok` if a length is at least 0, ∞ included.
    pub(super) fn check_length(
        rule: &'static str,
        parameter: &'static str,
        value: f64,
    ) -> Result<(), Self> {
        // Written so that NaN fails too.
        if value >= 0.0 { Ok(()) } else { Err(Self::Length { rule, parameter, value }) }
    }

    /// `Ok` if a number of iterations is at most [`MOST_ITERATIONS`].
    pub(super) fn check_iterations(rule: &'static str, found: usize) -> Result<(), Self> {
        if found <= MOST_ITERATIONS { Ok(()) } else { Err(Self::Iterations { rule, found }) }
    }
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { rule, parameter, value } => {
                write!(f, "{rule} needs a {parameter} of at least 0, found {value}")
            }
            Self::Iterations { rule, found } => write!(
                f,
                "{rule} takes at most {MOST_ITERATIONS} iterations, found {found} (a few are enough: lower it)"
            ),
            Self::EmptyBucket => f.write_str("bucketing needs a size of at least 1, found 0"),
            Self::Order { n, missing } => write!(
                f,
                "the order of {n} vectors is not a permutation of their indices: {missing} is missing"
            ),
        }
    }
}

impl core::error::Error for ParameterError {}
