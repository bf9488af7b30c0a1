//! The trait of maps that are applied to the vectors before a rule.

use num_traits::Float;

use super::{AggregateError, Rows, Scratch, ScratchLen};

/// A map from n vectors to n or fewer vectors, after which any [`VectorRule`](super::VectorRule) follows.
///
/// NaN and ±∞ follow IEEE arithmetic: [`Rows::admit`] refuses or omits them beforehand.
pub trait Mixing {
    /// The number of vectors that n become.
    fn rows_out(&self, n: usize) -> usize;

    /// The scratch that n vectors need.
    fn scratch_len(&self, n: usize) -> ScratchLen;

    /// The mixed vectors of `rows` `[n, d]` into `out` [rows_out(n), d], row-major.
    ///
    /// # Errors
    ///
    /// [`AggregateError`]: `out` or `scratch` of a wrong length, or too few vectors.
    fn mix<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: Scratch<'_>,
        out: &mut [T],
    ) -> Result<(), AggregateError>;
}

/// Checks of what every [`Mixing`] is given.
pub(super) fn check_mixing<T: Float>(
    mixing: &impl Mixing,
    rows: Rows<'_, T>,
    scratch: &Scratch<'_>,
    out: &[T],
) -> Result<(), AggregateError> {
    let n = rows.len();
    AggregateError::check_length("out", out.len(), mixing.rows_out(n).saturating_mul(rows.dim()))?;
    AggregateError::check_scratch(scratch, mixing.scratch_len(n))
}
