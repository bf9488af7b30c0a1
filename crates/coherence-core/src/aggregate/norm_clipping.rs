//! Norm clipping: vectors longer than a limit are shortened to it.

use num_traits::Float;

use super::mixing::{Mixing, check_mixing};
use super::order::{mean, narrow};
use super::vector::OverVectors;
use super::{AggregateError, ParameterError, Requirements, Rows, Scratch, ScratchLen};
use crate::number::{binary_scale, wide};

/// Norm clipping: each vector is shortened to a norm of at most limit, x_i min(1, limit/‖x_i‖).
///
/// As a [`VectorRule`](super::VectorRule) it is the mean of the shortened vectors; as [`Mixing`] it makes them, for another rule.
///
/// - Domain: limit ≥ 0; ∞ clips nothing. As a rule n ≥ 1.
/// - Breakdown: none in the sense of the other rules, but bounded: the mean's norm is at most limit, and f
///   Byzantine vectors move it by at most f·limit/n further than leaving them at 0 would.
/// - `Policy::Propagate`: a vector with ±∞ becomes NaN unless the limit is ∞.
/// - Cost: O(nd); scratch 2n values, n indices.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{NormClipping, Rows, VectorRule};
/// use coherence_core::finite::Policy;
///
/// let rows = Rows::matrix(&[3.0, 4.0, /**/ 0.3, 0.4, /**/ 0.0, 0.0], 2).unwrap();
/// let out: Vec<f64> = NormClipping::new(1.0).unwrap().aggregate_to_vec(rows, Policy::Error).unwrap();
/// assert!((out[0] - 0.3).abs() < 1e-15 && (out[1] - 0.4).abs() < 1e-15); // (0.6 + 0.3)/3, (0.8 + 0.4)/3
/// ```
///
/// Source: Sun et al. (2019), *Can You Really Backdoor Federated Learning?*, §4.
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "gradient clipping")]
#[doc(alias = "Byzantine")]
pub struct NormClipping {
    limit: f64,
}

impl NormClipping {
    /// The rule with this greatest norm.
    ///
    /// # Errors
    ///
    /// [`ParameterError::Length`] if the limit is negative or NaN.
    pub fn new(limit: f64) -> Result<Self, ParameterError> {
        ParameterError::check_length("norm-clipping", "limit", limit)?;
        Ok(Self { limit })
    }

    /// The greatest norm.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// The factor by which a vector of this norm is shortened, min(1, limit/norm).
    pub fn factor(&self, norm: f64) -> f64 {
        if norm <= self.limit { 1.0 } else { self.limit / norm }
    }

    /// Two factors that shorten `x`, the first a power of two: no square and no norm leaves the range.
    fn factors<T: Float>(&self, x: &[T]) -> [f64; 2] {
        let scale = binary_scale(x);
        let square: f64 = x.iter().map(|&x| (wide(x) * scale) * (wide(x) * scale)).sum();
        let norm = libm::sqrt(square); // of the scaled vector
        if norm <= self.limit * scale { [1.0, 1.0] } else { [scale, self.limit / norm] }
    }
}

impl Requirements for NormClipping {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_any("norm-clipping", n)
    }

    fn tolerates(&self, _n: usize) -> usize {
        0
    }

    fn scratch_len(&self, n: usize, _d: usize) -> ScratchLen {
        ScratchLen::new(n.saturating_mul(2), n)
    }
}

impl OverVectors for NormClipping {
    fn omitting(&self, _omitted: usize) -> Self {
        *self
    }

    fn compute<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: Scratch<'_>,
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        let n = rows.len();
        let (scales, factors) = scratch.values.split_at_mut(n);
        for ((scale, factor), x) in scales.iter_mut().zip(&mut *factors).zip(rows.iter()) {
            [*scale, *factor] = self.factors(x);
        }
        for (j, slot) in out.iter_mut().enumerate() {
            let shortened = scales.iter().zip(&*factors).zip(rows.iter());
            *slot = narrow(mean(shortened.map(|((s, f), x)| wide(x[j]) * s * f), n));
        }
        Ok(())
    }
}

impl Mixing for NormClipping {
    fn rows_out(&self, n: usize) -> usize {
        n
    }

    fn scratch_len(&self, _n: usize) -> ScratchLen {
        ScratchLen::default()
    }

    fn mix<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: Scratch<'_>,
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        check_mixing(self, rows, &scratch, out)?;
        for (x, row) in rows.iter().zip(out.chunks_exact_mut(rows.dim().max(1))) {
            let [scale, factor] = self.factors(x);
            row.iter_mut().zip(x).for_each(|(slot, &x)| *slot = narrow(wide(x) * scale * factor));
        }
        Ok(())
    }
}
