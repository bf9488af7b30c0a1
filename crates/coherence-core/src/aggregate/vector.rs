//! The trait of rules that see whole vectors.

use num_traits::Float;

use super::{AggregateError, Requirements, Rows};
use crate::finite::{NonFinite, Policy};

/// A rule that turns n vectors `[d]` into one vector `[d]`.
///
/// Nothing is allocated: the caller brings [`scratch_len`](Self::scratch_len) values of scratch, whose
/// contents do not matter before and mean nothing after.
/// Distances, norms and sums run in `f64` whatever `T` is.
pub trait VectorRule: Requirements {
    /// The scratch that [`aggregate`](Self::aggregate) needs for n vectors of length d.
    fn work_len(&self, n: usize, d: usize) -> usize;

    /// The scratch that n vectors of length d need under every policy.
    fn scratch_len(&self, n: usize, d: usize) -> usize {
        n.saturating_add(self.work_len(n, d))
    }

    /// The rule after `omitted` bad vectors were found and left out: they no longer count against f.
    #[must_use]
    fn omitting(&self, omitted: usize) -> Self;

    /// The aggregate of `rows` `[n, d]` into `out` `[d]`, under [`Policy::Propagate`].
    ///
    /// Each rule says what NaN and ±∞ then lead to.
    ///
    /// # Errors
    ///
    /// [`AggregateError`]: no rows or too few, `out` or `scratch` of a wrong length, or no convergence.
    fn aggregate<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: &mut [f64],
        out: &mut [T],
    ) -> Result<(), AggregateError>;

    /// The aggregate of `rows` `[n, d]` into `out` `[d]` with a choice of what NaN and ±∞ mean.
    ///
    /// [`Policy::Omit`] leaves out every row that holds such a value, and [`omitting`](Self::omitting)
    /// them lowers the rule's f: they are bad vectors found.
    ///
    /// # Errors
    ///
    /// As [`aggregate`](Self::aggregate); [`AggregateError::NonFinite`] under [`Policy::Error`], with the
    /// index row · d + coordinate.
    fn aggregate_with<T: Float>(
        &self,
        rows: Rows<'_, T>,
        policy: Policy,
        scratch: &mut [f64],
        out: &mut [T],
    ) -> Result<(), AggregateError>
    where
        Self: Sized,
    {
        match policy {
            Policy::Propagate => self.aggregate(rows, scratch, out),
            Policy::Error => {
                refuse_non_finite(rows)?;
                self.aggregate(rows, scratch, out)
            }
            Policy::Omit => aggregate_finite(self, rows, scratch, out),
        }
    }
}

/// `rule` over the rows that are finite throughout; the first n of `scratch` hold their numbers.
fn aggregate_finite<R: VectorRule, T: Float>(
    rule: &R,
    rows: Rows<'_, T>,
    scratch: &mut [f64],
    out: &mut [T],
) -> Result<(), AggregateError> {
    let n = rows.len();
    AggregateError::check_scratch(scratch.len(), n + rule.work_len(n, rows.dim()))?;
    let (numbers, work) = scratch.split_at_mut(n);
    let finite = rows.admit(Policy::Omit, numbers)?;
    rule.omitting(n - finite.len()).aggregate(finite, work, out)
}

/// `Ok` if every value is finite, else the first that is not, by row · d + coordinate.
pub(super) fn refuse_non_finite<T: Float>(rows: Rows<'_, T>) -> Result<(), NonFinite> {
    for (i, row) in rows.iter().enumerate() {
        Policy::Error.admit(row).map_err(|error| error.in_row(i, rows.dim()))?;
    }
    Ok(())
}
