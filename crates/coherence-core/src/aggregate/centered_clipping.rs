//! Centred clipping: the mean of what is clipped around a centre.

use num_traits::Float;

use super::requirements::minority;
use super::scaled::Scaled;
use super::vector::OverVectors;
use super::{
    AggregateError, CenterRule, ParameterError, Requirements, Rows, Scratch, ScratchLen, VectorSet,
    center_rule,
};

/// Centred clipping: from a centre v, L times v ← v + (1/n) Σ (x_i − v) min(1, τ/‖x_i − v‖).
///
/// - Domain: τ ≥ 0, L ≤ [`MOST_ITERATIONS`](super::MOST_ITERATIONS), n ≥ 1. τ = ∞ and L = 1 is the mean (up to rounding); L = 0 or τ = 0
///   is the centre.
/// - The centre is the coordinate-wise median; [`refine`](Self::refine) takes the caller's, as the source
///   does with the previous aggregate.
/// - Breakdown: tolerates ⌊(n−1)/2⌋ Byzantine vectors: each iteration moves v by at most τ, so the result is within
///   Lτ of the centre, which is in the honest range in every coordinate.
/// - `Policy::Propagate`: NaN in every coordinate if any value is NaN or ±∞.
/// - Cost: O(L n d); scratch 2d + n values, n indices.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CenteredClipping, Rows, VectorRule};
/// use coherence_core::finite::Policy;
///
/// let rows = Rows::matrix(&[0.0, 1.0, 5.0, 1.0, 1e9], 1).unwrap();
/// let rule = CenteredClipping::new(2.0, 1).unwrap();
/// let out = rule.aggregate_to_vec(rows, Policy::Error).unwrap();
/// assert_eq!(out, [1.6]); // 1 + (−1 + 0 + 2 + 0 + 2)/5
/// ```
///
/// Source: Karimireddy, He and Jaggi (2021), *Learning from History for Byzantine Robust Optimization*,
/// §5, where L is 1 to a few. Deviation: the centre of a first call, and the bound of L.
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "centred clipping")]
#[doc(alias = "CClip")]
#[doc(alias = "Byzantine")]
pub struct CenteredClipping {
    radius: f64,
    iterations: usize,
}

impl CenteredClipping {
    /// The rule with the radius τ and L iterations.
    ///
    /// # Errors
    ///
    /// [`ParameterError::Length`] if the radius is negative or NaN, [`ParameterError::Iterations`] if L exceeds
    /// [`MOST_ITERATIONS`](super::MOST_ITERATIONS).
    pub fn new(radius: f64, iterations: usize) -> Result<Self, ParameterError> {
        ParameterError::check_length("centered-clipping", "radius", radius)?;
        ParameterError::check_iterations("centered-clipping", iterations)?;
        Ok(Self { radius, iterations })
    }

    /// τ, the distance from the centre to which vectors are clipped.
    pub fn radius(&self) -> f64 {
        self.radius
    }

    /// L, how often the centre moves.
    pub fn iterations(&self) -> usize {
        self.iterations
    }

    /// Moves the caller's centre `v` `[d]` towards `rows` `[n, d]`, n ≥ 1; `scratch` is [d + n].
    ///
    /// # Panics
    ///
    /// If `v` and the rows differ in length, or `scratch` is not of d + n values.
    pub fn refine<T: Float>(&self, rows: Rows<'_, T>, v: &mut [f64], scratch: &mut [f64]) {
        let fits = v.len() == rows.dim() && scratch.len() == v.len() + rows.len();
        assert!(fits, "centre, rows or scratch");
        self.refine_among(&Scaled::unscaled(rows), v, scratch);
    }

    /// The same among any vectors; `scratch` [at least d + n].
    fn refine_among(&self, vectors: &dyn VectorSet, v: &mut [f64], scratch: &mut [f64]) {
        let (n, radius) = (vectors.count(), self.radius * vectors.scale());
        let (step, rest) = scratch.split_at_mut(v.len());
        let weights = &mut rest[..n];
        for _ in 0..self.iterations {
            vectors.distances(v, weights);
            for weight in &mut *weights {
                *weight = if *weight <= radius { 1.0 } else { radius / *weight };
            }
            vectors.weighted_sum(v, weights, step);
            v.iter_mut().zip(&*step).for_each(|(v, s)| *v += s / n as f64);
        }
    }
}

impl CenterRule for CenteredClipping {
    fn move_center(
        &self,
        vectors: &dyn VectorSet,
        center: &mut [f64],
        scratch: &mut [f64],
    ) -> Result<Option<usize>, AggregateError> {
        self.refine_among(vectors, center, scratch);
        Ok(None)
    }
}

impl Requirements for CenteredClipping {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_any("centered-clipping", n)
    }

    fn tolerates(&self, n: usize) -> usize {
        minority(n)
    }

    fn scratch_len(&self, n: usize, d: usize) -> ScratchLen {
        ScratchLen::new(d.saturating_mul(2).saturating_add(n), n)
    }
}

impl OverVectors for CenteredClipping {
    fn omitting(&self, _omitted: usize) -> Self {
        *self
    }

    fn compute<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: Scratch<'_>,
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        center_rule::compute(self, rows, scratch, out)
    }
}
