//! Why vectors could not be aggregated.

use core::fmt;

use crate::finite::NonFinite;

/// Why n vectors could not be aggregated; `out` is then unspecified.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AggregateError {
    /// A slice has not the length that the others ask for.
    Length {
        /// Which slice.
        what: &'static str,
        /// Its length.
        found: usize,
        /// The length it needs (for scratch: at least).
        expected: usize,
    },
    /// The rule is not defined for so few vectors.
    TooFew {
        /// The rule.
        rule: &'static str,
        /// n, the vectors given (under `Policy::Omit`: left).
        found: usize,
        /// The least n.
        needed: usize,
    },
    /// The rule would have to look at too many subsets of so many vectors.
    TooMany {
        /// The rule.
        rule: &'static str,
        /// n, the vectors given.
        found: usize,
        /// The greatest n, or the n at which the search is given up.
        limit: usize,
    },
    /// An iteration came to its limit before its stopping rule held.
    NotConverged {
        /// The rule.
        rule: &'static str,
        /// The iterations made.
        iterations: usize,
        /// What the stopping rule measures, now.
        residual: f64,
        /// What it had to fall to.
        tolerance: f64,
    },
    /// A value is NaN or ±∞ and the policy is to refuse it; the index is row · d + coordinate.
    NonFinite(NonFinite),
}

impl AggregateError {
    /// `Ok` if a slice is as long as it must be.
    pub(super) fn check_length(
        what: &'static str,
        found: usize,
        expected: usize,
    ) -> Result<(), Self> {
        if found == expected { Ok(()) } else { Err(Self::Length { what, found, expected }) }
    }

    /// `Ok` if scratch is at least as long as it must be.
    pub(super) fn check_scratch(found: usize, expected: usize) -> Result<(), Self> {
        Self::check_length("scratch", found.min(expected), expected)
    }

    /// `Ok` if there are at least `needed` vectors.
    pub(super) fn check_count(rule: &'static str, found: usize, needed: usize) -> Result<(), Self> {
        if found >= needed { Ok(()) } else { Err(Self::TooFew { rule, found, needed }) }
    }
}

impl From<NonFinite> for AggregateError {
    fn from(error: NonFinite) -> Self {
        Self::NonFinite(error)
    }
}

impl fmt::Display for AggregateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { what, found, expected } => {
                write!(f, "{what} has length {found}, expected {expected}")
            }
            Self::TooFew { rule, found, needed } => {
                write!(
                    f,
                    "{rule} needs at least {needed} vectors, found {found} (lower f, or add vectors)"
                )
            }
            Self::TooMany { rule, found, limit } => {
                write!(
                    f,
                    "{rule} looks at every subset and bears {limit} vectors at most, found {found}"
                )
            }
            Self::NotConverged { rule, iterations, residual, tolerance } => write!(
                f,
                "{rule} stopped after {iterations} iterations at residual {residual:e}, \
                 tolerance {tolerance:e} (raise either)"
            ),
            Self::NonFinite(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for AggregateError {}
