//! Centred clipping: the mean of what is clipped around a centre.

use num_traits::Float;

use super::distances::check;
use super::requirements::minority;
use super::vector::refuse_non_finite;
use super::weiszfeld::{distance, start, write};
use super::{AggregateError, Requirements, Rows, VectorRule};
use crate::number::wide;

/// Centred clipping: from a centre v, L times v ← v + (1/n) Σ (x_i − v) min(1, τ/‖x_i − v‖).
///
/// - Domain: τ = `radius` ≥ 0, L = `iterations`. n = 0: [`AggregateError::TooFew`]. τ = ∞ and L = 1 is the
///   mean (up to rounding); L = 0 or τ = 0 is the centre.
/// - The centre is the coordinate-wise median; [`refine`](Self::refine) takes the caller's, as the source
///   does with the previous aggregate.
/// - Breakdown: bears ⌊(n−1)/2⌋ bad vectors: each iteration moves v by at most τ, so the result is within
///   Lτ of the centre, which is in the honest range in every coordinate.
/// - `Policy::Propagate`: NaN in every coordinate if any value is NaN or ±∞.
/// - Cost: O(L n d); scratch 2d + n.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CenteredClipping, Rows, VectorRule};
///
/// let rows = Rows::matrix(&[0.0, 1.0, 5.0, 1.0, 1e9], 1).unwrap();
/// let rule = CenteredClipping { radius: 2.0, iterations: 1 };
/// let (mut scratch, mut out) = (vec![0.0; rule.scratch_len(5, 1)], [0.0]);
/// rule.aggregate(rows, &mut scratch, &mut out).unwrap();
/// assert_eq!(out, [1.6]); // 1 + (−1 + 0 + 2 + 0 + 2)/5
/// ```
///
/// Source: Karimireddy, He and Jaggi (2021), *Learning from History for Byzantine Robust Optimization*,
/// §5. Deviation: the centre of a first call.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CenteredClipping {
    /// τ, the distance from the centre to which vectors are clipped.
    pub radius: f64,
    /// L, how often the centre moves.
    pub iterations: usize,
}

impl CenteredClipping {
    /// Moves the caller's centre `v` `[d]` towards `rows` `[n, d]`, n ≥ 1; `step` `[d]` is scratch.
    ///
    /// # Panics
    ///
    /// If `v`, `step` and the rows differ in length.
    pub fn refine<T: Float>(&self, rows: Rows<'_, T>, v: &mut [f64], step: &mut [f64]) {
        assert!(
            v.len() == step.len() && (v.len() == rows.dim()),
            "centre, step and rows differ in length"
        );
        for _ in 0..self.iterations {
            step.fill(0.0);
            for x in rows.iter() {
                let scale = clip_scale(distance(x, v), self.radius);
                for ((s, &x), &v) in step.iter_mut().zip(x).zip(&*v) {
                    *s += (wide(x) - v) * scale;
                }
            }
            v.iter_mut().zip(&*step).for_each(|(v, s)| *v += s / rows.len() as f64);
        }
    }
}

/// min(1, τ/‖·‖): by how much a vector of this length is shortened to fit within `radius`.
pub(super) fn clip_scale(length: f64, radius: f64) -> f64 {
    if length <= radius { 1.0 } else { radius / length }
}

impl Requirements for CenteredClipping {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_any("centered-clipping", n)
    }

    fn tolerates(&self, n: usize) -> usize {
        minority(n)
    }
}

impl VectorRule for CenteredClipping {
    fn work_len(&self, n: usize, d: usize) -> usize {
        d.saturating_mul(2).saturating_add(n)
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
        let (n, d) = (rows.len(), rows.dim());
        self.check(n)?;
        check(rows, scratch, self.work_len(n, d), out)?;
        if refuse_non_finite(rows).is_err() {
            out.fill(T::nan());
            return Ok(());
        }
        let (v, rest) = scratch.split_at_mut(d);
        let (step, column) = rest.split_at_mut(d);
        start(rows, column, v);
        self.refine(rows, v, step);
        write(v, out);
        Ok(())
    }
}
