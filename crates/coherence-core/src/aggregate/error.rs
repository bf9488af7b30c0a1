//! Why vectors could not be aggregated.

use core::fmt;

use super::{ParameterError, Requirements, Rows, Scratch, ScratchLen};
use crate::finite::NonFinite;

/// Why n vectors could not be aggregated; `out` is then unspecified.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum AggregateError {
    /// A slice has the wrong length.
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
        /// Its parameter that asks for more vectors, if one does.
        parameter: Option<&'static str>,
        /// n, the vectors given (under `Policy::Omit`: left).
        n: usize,
        /// The least n.
        least: usize,
    },
    /// The rule would have to look at too many subsets of so many vectors.
    TooMany {
        /// The rule.
        rule: &'static str,
        /// n, the vectors given.
        n: usize,
        /// The greatest n for which the search ends in reasonable time.
        most: usize,
    },
    /// A parameter that counts something is 0.
    Zero {
        /// The rule.
        rule: &'static str,
        /// The parameter.
        parameter: &'static str,
    },
    /// Another parameter is out of range for any number of vectors.
    Parameter(ParameterError),
    /// An iteration reached its limit before its stopping rule held.
    NotConverged {
        /// The rule.
        rule: &'static str,
        /// The iterations made.
        iterations: usize,
        /// The value that the stopping rule measures, after these iterations.
        residual: f64,
        /// The value at which the iteration would have stopped.
        tolerance: f64,
    },
    /// A value is NaN or ±∞ and the policy is to refuse it; the index is row · d + coordinate.
    NonFinite(NonFinite),
}

impl AggregateError {
    /// `Ok` if a slice has the required length.
    pub(super) fn check_length(
        what: &'static str,
        found: usize,
        expected: usize,
    ) -> Result<(), Self> {
        if found == expected { Ok(()) } else { Err(Self::Length { what, found, expected }) }
    }

    /// `Ok` if scratch has at least the required length.
    pub(super) fn check_scratch(scratch: &Scratch<'_>, needed: ScratchLen) -> Result<(), Self> {
        let check =
            |what, found: usize, needed| Self::check_length(what, found.min(needed), needed);
        check("scratch values", scratch.values.len(), needed.values)?;
        check("scratch indices", scratch.indices.len(), needed.indices)
    }

    /// Checks of what every rule over vectors is given.
    pub(super) fn check_buffers<T: Copy>(
        rule: &impl Requirements,
        rows: Rows<'_, T>,
        scratch: &Scratch<'_>,
        out: &[T],
    ) -> Result<(), Self> {
        Self::check_length("out", out.len(), rows.dim())?;
        Self::check_scratch(scratch, rule.scratch_len(rows.len(), rows.dim()))
    }

    /// `Ok` if there is a vector, which is all that `rule` needs.
    pub(super) fn check_any(rule: &'static str, n: usize) -> Result<(), Self> {
        let error = Self::TooFew { rule, parameter: None, n, least: 1 };
        if n > 0 { Ok(()) } else { Err(error) }
    }

    /// `Ok` if there are at least as many vectors as `rule` needs for its parameter's value, and one.
    pub(super) fn check_count(
        rule: &'static str,
        parameter: &'static str,
        n: usize,
        least: usize,
    ) -> Result<(), Self> {
        Self::check_any(rule, n)?;
        let error = Self::TooFew { rule, parameter: Some(parameter), n, least };
        if n >= least { Ok(()) } else { Err(error) }
    }

    /// `Ok` if a parameter that counts something is not 0.
    pub(super) fn check_not_zero(
        rule: &'static str,
        parameter: &'static str,
        value: usize,
    ) -> Result<(), Self> {
        if value > 0 { Ok(()) } else { Err(Self::Zero { rule, parameter }) }
    }
}

impl From<ParameterError> for AggregateError {
    fn from(error: ParameterError) -> Self {
        Self::Parameter(error)
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
            Self::TooFew { rule, parameter: Some(parameter), n, least } => write!(
                f,
                "{rule} needs at least {least} vectors for its {parameter}, found {n} \
                 (lower {parameter}, or add vectors)"
            ),
            Self::TooFew { rule, parameter: None, n, least } => {
                write!(f, "{rule} needs at least {least} vector, found {n}")
            }
            Self::TooMany { rule, n, most } => write!(
                f,
                "{rule} tries every subset of at most {most} vectors for its f, found {n} \
                 (lower f, or take fewer vectors)"
            ),
            Self::Zero { rule, parameter } => {
                write!(f, "{rule} needs {parameter} of at least 1, found 0")
            }
            Self::Parameter(error) => error.fmt(f),
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
