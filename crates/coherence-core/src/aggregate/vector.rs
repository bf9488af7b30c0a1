//! The trait of rules that see whole vectors.

use num_traits::Float;

use super::{AggregateError, Requirements, Rows, Scratch};
use crate::finite::{NonFinite, Policy};

/// A rule that turns n vectors `[d]` into one vector `[d]`.
///
/// Nothing is allocated: the caller brings scratch of
/// [`scratch_len`](Requirements::scratch_len). Distances, norms and sums run in `f64` whatever `T` is.
/// The trait is object-safe.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{Coordinatewise, GeometricMedian, Krum, Median, Rows, VectorRule};
/// use coherence_core::finite::Policy;
///
/// let rules: [Box<dyn VectorRule<f32>>; 3] = [
///     Box::new(Coordinatewise(Median)),
///     Box::new(GeometricMedian::default()),
///     Box::new(Krum { f: 1 }),
/// ];
/// let x = [1.0, 1.0, /**/ 1.1, 1.0, /**/ 0.9, 1.0, /**/ 1.0, 0.9, /**/ -50.0, 90.0];
/// let rows = Rows::matrix(&x, 2)?;
/// for rule in &rules {
///     let update = rule.aggregate_to_vec(rows, Policy::Error)?;
///     assert!((update[0] - 1.0).abs() < 0.1 && (update[1] - 1.0).abs() < 0.1);
/// }
/// # Ok::<(), coherence_core::aggregate::AggregateError>(())
/// ```
pub trait VectorRule<T: Float>: Requirements {
    /// The aggregate of `rows` `[n, d]` into `out` `[d]`.
    ///
    /// [`Policy::Omit`] leaves out every row that holds NaN or ±∞, and lowers the rule's f by their
    /// number: they count as Byzantine vectors found. [`Coordinatewise`](super::Coordinatewise) leaves out the
    /// value from its coordinate only, and lowers nothing. Each rule says what NaN and ±∞ lead to under
    /// [`Policy::Propagate`].
    ///
    /// # Errors
    ///
    /// [`AggregateError`]: `out` or `scratch` of a wrong length, a value that is not finite under
    /// [`Policy::Error`] (with the index row · d + coordinate), a number of rows (under [`Policy::Omit`]:
    /// left) for which the rule is not defined, or no convergence.
    fn aggregate(
        &self,
        rows: Rows<'_, T>,
        policy: Policy,
        scratch: Scratch<'_>,
        out: &mut [T],
    ) -> Result<(), AggregateError>;

    /// The aggregate of `rows` `[n, d]` as a vector `[d]`, in scratch of its own.
    ///
    /// # Errors
    ///
    /// As [`aggregate`](Self::aggregate).
    #[cfg(feature = "alloc")]
    fn aggregate_to_vec(
        &self,
        rows: Rows<'_, T>,
        policy: Policy,
    ) -> Result<alloc::vec::Vec<T>, AggregateError> {
        let mut buffer = super::ScratchBuffer::new(self.scratch_len(rows.len(), rows.dim()));
        let mut out = alloc::vec![T::nan(); rows.dim()];
        self.aggregate(rows, policy, buffer.as_scratch(), &mut out)?;
        Ok(out)
    }
}

/// What the core's own rules over whole vectors implement; [`VectorRule`] adds the policy and the checks.
pub trait OverVectors: Requirements + Sized {
    /// The rule after `omitted` Byzantine vectors were found and left out: they no longer count against f.
    #[must_use]
    fn omitting(&self, omitted: usize) -> Self;

    /// The aggregate of n vectors for which the rule is defined, with enough scratch.
    fn compute<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: Scratch<'_>,
        out: &mut [T],
    ) -> Result<(), AggregateError>;
}

impl<T: Float, R: OverVectors> VectorRule<T> for R {
    fn aggregate(
        &self,
        rows: Rows<'_, T>,
        policy: Policy,
        scratch: Scratch<'_>,
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        let n = rows.len();
        AggregateError::check_buffers(self, rows, &scratch, out)?;
        let (omitting, indices) = scratch.indices.split_at_mut(n);
        let taken = rows.admit(policy, omitting)?;
        let rule = self.omitting(n - taken.len());
        rule.check(taken.len())?;
        rule.compute(taken, Scratch { values: scratch.values, indices }, out)
    }
}

/// `Ok` if every value is finite, else the first that is not, by row · d + coordinate.
pub(super) fn refuse_non_finite<T: Float>(rows: Rows<'_, T>) -> Result<(), NonFinite> {
    for (i, row) in rows.iter().enumerate() {
        Policy::Error.admit(row).map_err(|error| error.in_row(i, rows.dim()))?;
    }
    Ok(())
}
