//! The geometric median, by Weiszfeld's iteration with a certificate.
//!
//! n vectors x_i, d coordinates, y the iterate.

use num_traits::Float;

use super::requirements::minority;
use super::scaled::Scaled;
use super::vector::{OverVectors, refuse_non_finite};
use super::weiszfeld::{Around, Certificate, Field, start};
use super::{
    AggregateError, CenterRule, ParameterError, Requirements, Rows, Scratch, ScratchLen, VectorSet,
    center_rule,
};

/// The geometric median: the point with the least sum of distances, argmin_y Σ ‖y − x_i‖.
///
/// # Stopping rule, and why it is right
///
/// Let u_i = (x_i − y)/‖x_i − y‖ for x_i ≠ y, R = Σ u_i over these, and w the number of x_i equal to y.
/// The residual is ρ = max(0, ‖R‖ − w)/n: the length per vector of the shortest subgradient at y (each
/// x_i = y contributes any vector of the unit ball). The iteration stops at ρ ≤ `tolerance`. Then:
///
/// 1. *Objective.* Choose u_i in the unit ball for the x_i = y so that r = Σ u_i has ‖r‖ = nρ. With
///    v_i = (u_i − r/n)/(1 + ρ), Σ v_i = 0 and ‖v_i‖ ≤ 1, so that for every z
///    Σ ‖x_i − z‖ ≥ Σ ⟨v_i, x_i − z⟩ = Σ ⟨v_i, x_i − y⟩ =: L. This dual value L bounds the minimum from
///    below, and with F = Σ ‖x_i − y‖ we have F − L = (ρF + ⟨r/n, Σ (x_i − y)⟩)/(1 + ρ) ≤ 2ρF/(1 + ρ).
///    The relative duality gap is under 2·`tolerance`; [`Certificate`] holds F and L.
/// 2. *Robustness, however far the Byzantine vectors are.* Let n − f vectors lie within B of a point c, f < n/2.
///    If ‖y − c‖ = s > B, each of their u_i has a component of at least √(1 − B²/s²) towards c, hence
///    (n−f) √(1 − B²/s²) ≤ f + nρ, that is s ≤ B/√(1 − ((f + nρ)/(n−f))²).
///
/// A gap in the objective alone would not do: with a Byzantine vector at 1e30 it says nothing about the others.
///
/// # Iteration
///
/// From the coordinate-wise median, y ← y + max(0, 1 − w/‖R‖) · R/Σ(1/‖x_i − y‖): Weiszfeld's step with
/// the correction of Vardi and Zhang at a vertex (y = x_i), which leaves a vertex exactly when it is not
/// optimal. Where a step does not halve ρ, and the nearest vector has changed since the last such step (of equally
/// near ones the earlier counts), that vector is looked at: ρ is computed there, and at the minimum
/// of the quadratic model along R from there, which is taken if ρ is less than at y (a median close to a
/// vertex is hard to approach from elsewhere). If it has not changed, and the step is slow, a damped Newton step
/// follows. If the median is one of the vectors, and ‖R‖ < w − n·`tolerance` there, it is found bit for bit, after
/// finitely many steps.
///
/// # Edge cases
///
/// - n = 0: [`AggregateError::TooFew`]. n = 1: the vector. d = 1: a median; for even n one of the points
///   between the two middle values.
/// - If y no longer moves in `f64` the iteration ends; the certificate says what ρ it came to.
/// - `Policy::Propagate`: NaN in every coordinate if any value is NaN or ±∞.
/// - Breakdown: tolerates ⌊(n−1)/2⌋ Byzantine vectors, with bound 2.
/// - Cost: O(n d) an iteration; scratch 7d + 2n values, n indices.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{GeometricMedian, Requirements, Rows, ScratchBuffer};
///
/// let corners = [0.0, 0.0, /**/ 4.0, 0.0, /**/ 0.0, 4.0, /**/ 4.0, 4.0, /**/ 2.0, 2.0];
/// let rule = GeometricMedian::default();
/// let (mut scratch, mut out) = (ScratchBuffer::new(rule.scratch_len(5, 2)), [0.0; 2]);
/// let certificate =
///     rule.solve(Rows::matrix(&corners, 2).unwrap(), scratch.as_scratch(), &mut out).unwrap();
/// assert_eq!(out, [2.0, 2.0]);
/// assert!(certificate.sum_of_distances - certificate.lower_bound < 1e-9);
/// ```
///
/// Source: Weiszfeld (1937); Vardi and Zhang (2000), *The multivariate L1-median and associated data
/// depth*; in the papers: Zielinski et al. (2020) §3.2 (catalogue A19). The bound 2 is Minsker's (2015)
/// lemma 2.1 with ρ added. Deviation: the papers name no stopping rule.
///
/// Law: A19
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "RFA")]
#[doc(alias = "Weiszfeld")]
#[doc(alias = "L1 median")]
#[doc(alias = "spatial median")]
#[doc(alias = "Byzantine")]
pub struct GeometricMedian {
    /// The residual ρ at which to stop, in (0, 1).
    pub tolerance: f64,
    /// The iterations after which to give up, at most [`MOST_ITERATIONS`](super::MOST_ITERATIONS).
    pub max_iterations: usize,
}

impl Default for GeometricMedian {
    /// ρ ≤ 1e-10, which takes some tens of steps.
    fn default() -> Self {
        Self { tolerance: 1e-10, max_iterations: 1000 }
    }
}

impl GeometricMedian {
    /// The geometric median of `rows` `[n, d]`, n ≥ 1, into `out` `[d]`, with what is proven about it.
    ///
    /// # Errors
    ///
    /// [`AggregateError`]: no rows, wrong lengths, a value that is not finite, or no convergence (`out`
    /// then holds the last iterate).
    pub fn solve<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: Scratch<'_>,
        out: &mut [T],
    ) -> Result<Certificate, AggregateError> {
        let d = rows.dim();
        self.check(rows.len())?;
        AggregateError::check_length("out", out.len(), d)?;
        let needed = self.scratch_len(rows.len(), d).values;
        AggregateError::check_scratch(&scratch, ScratchLen::new(needed, 0))?;
        refuse_non_finite(rows)?;
        let (y, rest) = scratch.values.split_at_mut(d);
        let scaled = Scaled::new(rows, rest);
        start(scaled, rest, y);
        let (certificate, vertex) = self.iterate(&scaled, y, rest);
        match vertex {
            Some(i) => out.copy_from_slice(rows.row(i)),
            None => scaled.write(y, out),
        }
        self.check_converged(certificate)
    }

    /// The certificate, unless the limit was reached before the stopping rule held.
    fn check_converged(&self, certificate: Certificate) -> Result<Certificate, AggregateError> {
        let Certificate { iterations, residual, .. } = certificate;
        if residual <= self.tolerance || iterations < self.max_iterations {
            return Ok(certificate);
        }
        let (rule, tolerance) = ("geometric-median", self.tolerance);
        Err(AggregateError::NotConverged { rule, iterations, residual, tolerance })
    }

    /// Steps from `y` until the stopping rule holds, nothing moves, or the limit is reached. If the stopping rule
    /// holds at a vector that was looked at, its index.
    ///
    /// `scratch` [at least 6d + 2n]: R, the last step, room for a second point or a Newton step, and what is known of
    /// each vector.
    fn iterate(
        &self,
        vectors: &dyn VectorSet,
        y: &mut [f64],
        scratch: &mut [f64],
    ) -> (Certificate, Option<usize>) {
        let (work, rest) = scratch.split_at_mut(6 * y.len());
        let (pull, work) = work.split_at_mut(y.len());
        let (step, other) = work.split_at_mut(y.len());
        let around = &mut Around::new(vectors, rest);
        let (mut looked_at, mut iterations) = (None, 0);
        let mut here = Field::at(around, y, pull);
        loop {
            let stop = here.residual() <= self.tolerance || iterations >= self.max_iterations;
            if stop || !here.step(y, pull, step) {
                return (here.certificate(around, y, pull, iterations), None);
            }
            iterations += 1;
            let stepped = Field::at(around, y, pull);
            if stepped.residual() <= here.residual() / 2.0 {
                here = stepped;
                continue;
            }
            if looked_at == Some(here.nearest) {
                here = stepped.hastened(&here, around, y, pull, step, other);
                continue;
            }
            looked_at = Some(here.nearest);
            let (vertex, curved) = other.split_at_mut(y.len());
            vectors.copy_vector(here.nearest, vertex);
            let there = Field::at(around, vertex, pull);
            if there.residual() <= self.tolerance {
                y.copy_from_slice(vertex);
                return (there.certificate(around, y, pull, iterations), looked_at);
            }
            there.leave(around, vertex, pull, &mut curved[..y.len()]);
            here = Field::at(around, vertex, pull);
            if here.residual() < stepped.residual() {
                y.copy_from_slice(vertex);
            } else {
                here = Field::at(around, y, pull);
            }
        }
    }
}

impl CenterRule for GeometricMedian {
    fn move_center(
        &self,
        vectors: &dyn VectorSet,
        center: &mut [f64],
        scratch: &mut [f64],
    ) -> Result<Option<usize>, AggregateError> {
        let (certificate, vertex) = self.iterate(vectors, center, scratch);
        self.check_converged(certificate)?;
        Ok(vertex)
    }
}

impl Requirements for GeometricMedian {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        ParameterError::check_iterations("geometric-median", self.max_iterations)?;
        AggregateError::check_any("geometric-median", n)
    }

    fn tolerates(&self, n: usize) -> usize {
        minority(n)
    }

    fn scratch_len(&self, n: usize, d: usize) -> ScratchLen {
        ScratchLen::new(d.saturating_mul(7).saturating_add(n.saturating_mul(2)), n)
    }
}

impl OverVectors for GeometricMedian {
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
