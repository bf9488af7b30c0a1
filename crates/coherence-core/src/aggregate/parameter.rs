//! Why the parameters of a rule were refused.

use core::fmt;

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
}

impl fmt::Display for ParameterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { rule, parameter, value } => {
                write!(f, "{rule} needs a {parameter} of at least 0, found {value}")
            }
            Self::EmptyBucket => f.write_str("bucketing needs a size of at least 1, found 0"),
            Self::Order { n, missing } => write!(
                f,
                "the order of {n} vectors is not a permutation of their indices: {missing} is missing"
            ),
        }
    }
}

impl core::error::Error for ParameterError {}
