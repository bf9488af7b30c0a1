//! A rule for coordinates, applied to each coordinate of whole vectors.

use num_traits::Float;

use super::order::narrow;
use super::vector::refuse_non_finite;
use super::{AggregateError, CoordinateRule, Requirements, Rows, Scratch, ScratchLen, VectorRule};
use crate::finite::Policy;
use crate::number::wide;

/// Any [`CoordinateRule`] as a [`VectorRule`]: out_j is the rule of x_1j, …, x_nj.
///
/// - [`Policy::Omit`] leaves a value out of its own coordinate only, not the whole vector.
/// - Scratch: n values. They pass through `f64`, which is exact.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{Coordinatewise, Median, Rows, VectorRule};
/// use coherence_core::finite::Policy;
///
/// let gradients = [1.0, 5.0, /**/ 2.0, -5.0, /**/ 1e30, 0.5]; // the last worker is Byzantine
/// let rows = Rows::matrix(&gradients, 2).unwrap();
/// let median = Coordinatewise(Median).aggregate_to_vec(rows, Policy::Error).unwrap();
/// assert_eq!(median, [2.0, 0.5]);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Coordinatewise<R>(pub R);

impl<R: Requirements> Requirements for Coordinatewise<R> {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        self.0.check(n)
    }

    fn tolerates(&self, n: usize) -> usize {
        self.0.tolerates(n)
    }

    fn scratch_len(&self, n: usize, _d: usize) -> ScratchLen {
        ScratchLen::new(n, 0)
    }
}

impl<T: Float, R: CoordinateRule<f64>> VectorRule<T> for Coordinatewise<R> {
    fn aggregate(
        &self,
        rows: Rows<'_, T>,
        policy: Policy,
        scratch: Scratch<'_>,
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        AggregateError::check_buffers(self, rows, &scratch, out)?;
        self.check(rows.len())?;
        let by_column = match policy {
            // Before the loop, so that the index is the first by row; then there is nothing to refuse.
            Policy::Error => refuse_non_finite(rows).map(|()| Policy::Propagate)?,
            other => other,
        };
        for (j, slot) in out.iter_mut().enumerate() {
            let column = &mut scratch.values[..rows.len()];
            for (value, row) in column.iter_mut().zip(rows.iter()) {
                *value = wide(row[j]);
            }
            *slot = narrow(self.0.aggregate(column, by_column)?);
        }
        Ok(())
    }
}
