//! Krum and Multi-Krum: the vectors whose neighbours are near.

use super::distance_rule::{self, DistanceRule, side};
use super::distances::{of_row, sort_indices_by};
use super::order::sort;
use super::{AggregateError, Requirements, Scratch, ScratchLen};

/// Krum: the vector with the least sum of squared distances to its n − f − 2 nearest others.
///
/// score(i) = Σ_{j among the n−f−2 nearest} ‖x_i − x_j‖²; the result is x_{argmin score}, bit for bit.
///
/// - Domain: n ≥ 2f + 3. Of equal scores the earlier vector is taken.
/// - Breakdown: tolerates f Byzantine vectors. With D the greatest distance between honest vectors, the result is
///   within D·√(n−f−2) of an honest one: its score is at most that of an honest vector, which is at most
///   (n−f−2) D², and one at least of its n−f−2 ≥ f+1 nearest is honest.
///   (By the same count f + 1 Byzantine vectors do not unbound it; f + 2 copies do when n = 2f + 3.)
/// - `Policy::Propagate`: a vector with NaN or ±∞ is infinitely far from all others.
/// - Cost: O(n² d) time; scratch n² + 2n values, 3n indices.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{Krum, Rows, VectorRule};
/// use coherence_core::finite::Policy;
///
/// let x = [1.0, 0.0, /**/ 1.1, 0.0, /**/ 0.9, 0.1, /**/ 1.0, 0.2, /**/ -50.0, 90.0];
/// let rows = Rows::matrix(&x, 2).unwrap();
/// let out = Krum { f: 1 }.aggregate_to_vec(rows, Policy::Error).unwrap();
/// assert_eq!(out, [1.0, 0.0]);
/// ```
///
/// Source: Blanchard et al. (2017), *Machine Learning with Adversaries*, §4, where 2f + 2 < n.
/// ByzFL 0.0.11 differs: its Krum and Multi-Krum take the n − f − 1 nearest others
/// (`sort(dist)[:, 1:n-f]`), one more, and require 2f < n only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "Byzantine")]
pub struct Krum {
    /// f, the number of Byzantine vectors to tolerate.
    pub f: usize,
}

impl Requirements for Krum {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_count("krum", "f", n, self.f.saturating_mul(2).saturating_add(3))
    }

    fn tolerates(&self, n: usize) -> usize {
        if self.check(n).is_ok() { self.f } else { 0 }
    }

    fn scratch_len(&self, n: usize, _d: usize) -> ScratchLen {
        distance_rule::scratch_len(n)
    }
}

impl DistanceRule for Krum {
    fn choose<'s>(&self, squares: &[f64], scratch: Scratch<'s>) -> &'s [usize] {
        MultiKrum { f: self.f, keep: 1 }.choose(squares, scratch)
    }

    fn lowered(&self, omitted: usize) -> Self {
        Self { f: self.f.saturating_sub(omitted) }
    }
}

/// Multi-Krum: the mean of the `keep` vectors of least [`Krum`] score.
///
/// - Domain: n ≥ 2f + 3 and 1 ≤ `keep` ≤ n − f; n − f is the usual choice.
/// - Breakdown: tolerates f Byzantine vectors, with Krum's bound: as there are n − f honest vectors, no vector
///   kept has a score above the greatest honest one.
/// - Scores, ties, NaN, cost: as [`Krum`].
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{MultiKrum, Rows, VectorRule};
/// use coherence_core::finite::Policy;
///
/// let rows = Rows::matrix(&[1.0, 2.0, 3.0, 2.0, 99.0], 1).unwrap();
/// let rule = MultiKrum { f: 1, keep: 3 };
/// let out = rule.aggregate_to_vec(rows, Policy::Error).unwrap();
/// assert_eq!(out, [5.0 / 3.0]); // 2, 2 and, of 1 and 3, the earlier
/// ```
///
/// Source: Blanchard et al. (2017), §4 and §7 (with m = `keep`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "m-Krum")]
#[doc(alias = "Byzantine")]
pub struct MultiKrum {
    /// f, the number of Byzantine vectors to tolerate.
    pub f: usize,
    /// How many vectors are averaged.
    pub keep: usize,
}

impl Requirements for MultiKrum {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_not_zero("multi-krum", "keep", self.keep)?;
        AggregateError::check_count(
            "multi-krum",
            "f",
            n,
            self.f.saturating_mul(2).saturating_add(3),
        )?;
        AggregateError::check_count("multi-krum", "keep", n, self.f.saturating_add(self.keep))
    }

    fn tolerates(&self, n: usize) -> usize {
        if self.check(n).is_ok() { self.f } else { 0 }
    }

    fn scratch_len(&self, n: usize, _d: usize) -> ScratchLen {
        distance_rule::scratch_len(n)
    }
}

impl DistanceRule for MultiKrum {
    fn choose<'s>(&self, squares: &[f64], scratch: Scratch<'s>) -> &'s [usize] {
        let n = side(squares);
        let (scores, sorted) = scratch.values.split_at_mut(n);
        for (i, score) in scores.iter_mut().enumerate() {
            *score = krum_score(of_row(squares, n, i), n - self.f - 2, &mut sorted[..n]);
        }
        let indices = &mut scratch.indices[..n];
        sort_indices_by(indices, scores);
        let chosen = &mut indices[..self.keep];
        chosen.sort_unstable();
        chosen
    }

    fn lowered(&self, omitted: usize) -> Self {
        Self { f: self.f.saturating_sub(omitted), keep: self.keep }
    }
}

/// The sum of the `neighbors` least of a row of squared distances, its own zero left out.
///
/// `sorted` `[n]` is overwritten. The sum runs in ascending order.
pub(super) fn krum_score(squares: &[f64], neighbors: usize, sorted: &mut [f64]) -> f64 {
    sorted.copy_from_slice(squares);
    sort(sorted);
    sorted[..=neighbors].iter().sum() // the least is the distance to itself, 0
}
