//! A rule for coordinates, applied to each coordinate of whole vectors.

use num_traits::Float;

use super::order::narrow;
use super::vector::refuse_non_finite;
use super::{AggregateError, CoordinateRule, Requirements, Rows, VectorRule};
use crate::finite::Policy;
use crate::number::wide;

/// Any [`CoordinateRule`] as a [`VectorRule`]: out_j is the rule of x_1j, …, x_nj.
///
/// - [`Policy::Omit`] leaves a value out of its own coordinate only, not the whole vector.
/// - Scratch: n. The values pass through `f64`, which is exact.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{Coordinatewise, Median, Rows, VectorRule};
///
/// let gradients = [1.0, 5.0, /**/ 2.0, -5.0, /**/ 1e30, 0.5]; // the last worker is bad
/// let (mut scratch, mut out) = ([0.0; 3], [0.0; 2]);
/// let rows = Rows::matrix(&gradients, 2).unwrap();
/// Coordinatewise(Median).aggregate(rows, &mut scratch, &mut out).unwrap();
/// assert_eq!(out, [2.0, 0.5]);
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
}

impl<R: CoordinateRule + Copy> VectorRule for Coordinatewise<R> {
    fn work_len(&self, n: usize, _d: usize) -> usize {
        n
    }

    fn scratch_len(&self, n: usize, d: usize) -> usize {
        self.work_len(n, d)
    }

    fn omitting(&self, _omitted: usize) -> Self {
        *self
    }

    fn aggregate<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: &mut [f64],
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        self.aggregate_with(rows, Policy::Propagate, scratch, out)
    }

    fn aggregate_with<T: Float>(
        &self,
        rows: Rows<'_, T>,
        policy: Policy,
        scratch: &mut [f64],
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        let n = rows.len();
        self.check(n)?;
        AggregateError::check_length("out", out.len(), rows.dim())?;
        AggregateError::check_scratch(scratch.len(), n)?;
        if policy == Policy::Error {
            refuse_non_finite(rows)?; // before the loop, so that the index is the first by row
        }
        for (j, slot) in out.iter_mut().enumerate() {
            let column = &mut scratch[..n];
            for (value, row) in column.iter_mut().zip(rows.iter()) {
                *value = wide(row[j]);
            }
            *slot = narrow(self.0.aggregate_with(column, policy)?);
        }
        Ok(())
    }
}
