//! Rules that choose vectors by the distances between them.

use num_traits::Float;

use super::coordinate::OverValues;
use super::distances::squares_between_all;
use super::order::narrow;
use super::scaled::Scaled;
use super::vector::OverVectors;
use super::{AggregateError, Mean, Requirements, Rows, Scratch, ScratchLen};
use crate::number::wide;

/// A rule that chooses vectors by the distances between them alone, and combines those coordinate by coordinate.
///
/// [`Krum`](super::Krum), [`MultiKrum`](super::MultiKrum), [`Bulyan`](super::Bulyan) and
/// [`MinimumDiameter`](super::MinimumDiameter) are of this kind. A program that holds the vectors in parts, such as
/// a file or several machines, sums the squared distances over the parts and asks for the rest.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{DistanceRule, MinimumDiameter, Scratch};
///
/// let squares = [0.0, 1.0, 64.0, /**/ 1.0, 0.0, 49.0, /**/ 64.0, 49.0, 0.0]; // of the vectors 1, 2 and 9
/// let scratch = Scratch { values: &mut [0.0; 6], indices: &mut [0; 6] };
/// let rule = MinimumDiameter { f: 1 };
/// assert_eq!(rule.choose(&squares, scratch), [0, 1]);
/// assert_eq!(rule.combine(&mut [1.0, 2.0]), 1.5);
/// ```
pub trait DistanceRule: Requirements {
    /// The indices of the vectors chosen, ascending, given the squared distances `squares` \[n, n\] between all n.
    ///
    /// No distance is NaN; a vector that is not finite is infinitely far from all others. `scratch` holds at least
    /// 2n values and 2n indices; the n for which the rule is defined is the caller's to
    /// [check](Requirements::check).
    fn choose<'s>(&self, squares: &[f64], scratch: Scratch<'s>) -> &'s [usize];

    /// The aggregate of one coordinate of the vectors chosen, whose values it may reorder: their mean, but for
    /// [`Bulyan`](super::Bulyan).
    fn combine(&self, values: &mut [f64]) -> f64 {
        Mean.compute(values)
    }

    /// The rule after `omitted` Byzantine vectors were found and left out: they no longer count against f.
    #[must_use]
    fn lowered(&self, omitted: usize) -> Self
    where
        Self: Sized;
}

impl<R: DistanceRule> OverVectors for R {
    fn omitting(&self, omitted: usize) -> Self {
        self.lowered(omitted)
    }

    fn compute<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: Scratch<'_>,
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        let n = rows.len();
        let (squares, values) = scratch.values.split_at_mut(n * n);
        squares_between_all(Scaled::new(rows, values), squares);
        let chosen = self.choose(squares, Scratch { values, indices: scratch.indices });
        let column = &mut squares[..chosen.len()];
        for (j, slot) in out.iter_mut().enumerate() {
            for (value, &i) in column.iter_mut().zip(chosen) {
                *value = wide(rows.row(i)[j]);
            }
            *slot = narrow(self.combine(column));
        }
        Ok(())
    }
}

/// The scratch of a rule by distances: the squares and what [`DistanceRule::choose`] needs, and n indices of rows
/// left out.
pub(super) fn scratch_len(n: usize) -> ScratchLen {
    ScratchLen::new(n.saturating_mul(n.saturating_add(2)), n.saturating_mul(3))
}

/// n of squared distances [n, n].
pub(super) fn side(squares: &[f64]) -> usize {
    squares.len().isqrt()
}
