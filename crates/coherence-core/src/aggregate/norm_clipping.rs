//! Norm clipping: no vector longer than a limit.

use num_traits::Float;

use super::centered_clipping::clip_scale;
use super::distances::check;
use super::mixing::{Mixing, check_mixing};
use super::order::narrow;
use super::{AggregateError, Requirements, Rows, VectorRule};
use crate::number::wide;

/// Norm clipping: each vector is shortened to a norm of at most `limit`, x_i min(1, limit/‖x_i‖).
///
/// As a [`VectorRule`] it is the mean of the shortened vectors; as [`Mixing`] it makes them, for another rule.
///
/// - Domain: `limit` ≥ 0; ∞ clips nothing. n = 0: [`AggregateError::TooFew`] as a rule.
/// - Breakdown: none in the sense of the other rules, but bounded: the mean's norm is at most `limit`, and f
///   bad vectors move it by at most f·`limit`/n further than leaving them at 0 would.
/// - A vector so long that its squared norm overflows, or with ±∞, becomes 0 or NaN under
///   `Policy::Propagate`.
/// - Cost: O(nd); scratch 2n.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{NormClipping, Rows, VectorRule};
///
/// let rows = Rows::matrix(&[3.0, 4.0, /**/ 0.3, 0.4, /**/ 0.0, 0.0], 2).unwrap();
/// let rule = NormClipping { limit: 1.0 };
/// let (mut scratch, mut out) = (vec![0.0; rule.scratch_len(3, 2)], [0.0f64; 2]);
/// rule.aggregate(rows, &mut scratch, &mut out).unwrap();
/// assert!((out[0] - 0.3).abs() < 1e-15 && (out[1] - 0.4).abs() < 1e-15); // (0.6 + 0.3)/3, (0.8 + 0.4)/3
/// ```
///
/// Source: Sun et al. (2019), *Can You Really Backdoor Federated Learning?*, §4.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NormClipping {
    /// The greatest norm.
    pub limit: f64,
}

impl NormClipping {
    fn scale<T: Float>(&self, x: &[T]) -> f64 {
        let square: f64 = x.iter().map(|&x| wide(x) * wide(x)).sum();
        clip_scale(libm::sqrt(square), self.limit)
    }
}

impl Requirements for NormClipping {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_any("norm-clipping", n)
    }

    fn tolerates(&self, _n: usize) -> usize {
        0
    }
}

impl VectorRule for NormClipping {
    fn work_len(&self, n: usize, _d: usize) -> usize {
        n
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
        let n = rows.len();
        Requirements::check(self, n)?;
        check(rows, scratch, n, out)?;
        let scales = &mut scratch[..n];
        scales.iter_mut().zip(rows.iter()).for_each(|(scale, x)| *scale = self.scale(x));
        for (j, slot) in out.iter_mut().enumerate() {
            let sum: f64 = rows.iter().zip(&*scales).map(|(x, scale)| wide(x[j]) * scale).sum();
            *slot = narrow(sum / n as f64);
        }
        Ok(())
    }
}

impl Mixing for NormClipping {
    fn rows_out(&self, n: usize) -> usize {
        n
    }

    fn scratch_len(&self, _n: usize) -> usize {
        0
    }

    fn mix<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: &mut [f64],
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        check_mixing(self, rows, scratch, out)?;
        for (x, row) in rows.iter().zip(out.chunks_exact_mut(rows.dim().max(1))) {
            let scale = self.scale(x);
            row.iter_mut().zip(x).for_each(|(slot, &x)| *slot = narrow(wide(x) * scale));
        }
        Ok(())
    }
}
