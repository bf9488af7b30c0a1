//! Bulyan: repeated Krum, then the mean around the median.

use super::distance_rule::{self, DistanceRule, side};
use super::distances::of_row;
use super::krum::krum_score;
use super::mean_around_median::mean_around_median;
use super::{AggregateError, Requirements, Scratch, ScratchLen};

/// Bulyan: n − 2f vectors are chosen one by one with Krum among those left, then each coordinate is
/// the mean of the n − 4f values of the chosen that are closest to their median.
///
/// - Domain: n ≥ 4f + 3.
/// - Breakdown: tolerates f Byzantine vectors. In each coordinate the result is within the honest range [a, b]
///   widened by b − a on either side: of the n − 2f ≥ 2f + 3 chosen at most f are Byzantine, so the median is
///   in [a, b], and the n − 4f closest are no farther away than the honest ones chosen.
/// - Where fewer than f + 3 vectors are left, Krum counts one neighbour at least (the paper leaves it open).
/// - `Policy::Propagate`: a vector with NaN or ±∞ is chosen last, infinitely far from all others;
///   if one is chosen, NaN reaches the result.
/// - Cost: O(n² d + n³ log n) time; scratch n² + 2n values, 3n indices.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{Bulyan, Rows, VectorRule};
/// use coherence_core::finite::Policy;
///
/// let rows = Rows::matrix(&[1.0, 2.0, 3.0, 2.0, 1.0, 3.0, 1e30], 1).unwrap();
/// let rule = Bulyan { f: 1 };
/// let out = rule.aggregate_to_vec(rows, Policy::Error).unwrap();
/// assert!(1.0 <= out[0] && out[0] <= 3.0);
/// ```
///
/// Source: El Mhamdi, Guerraoui and Rouault (2018), *The Hidden Vulnerability of Distributed Learning
/// in Byzantium*, §4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "Byzantine")]
pub struct Bulyan {
    /// f, the number of Byzantine vectors to tolerate.
    pub f: usize,
}

impl Requirements for Bulyan {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_count("bulyan", "f", n, self.f.saturating_mul(4).saturating_add(3))
    }

    fn tolerates(&self, n: usize) -> usize {
        if self.check(n).is_ok() { self.f } else { 0 }
    }

    fn scratch_len(&self, n: usize, _d: usize) -> ScratchLen {
        distance_rule::scratch_len(n)
    }
}

impl DistanceRule for Bulyan {
    fn choose<'s>(&self, squares: &[f64], scratch: Scratch<'s>) -> &'s [usize] {
        let n = side(squares);
        let (left, chosen) = scratch.indices.split_at_mut(n);
        let chosen = &mut chosen[..n - 2 * self.f];
        choose(squares, self.f, left, scratch.values, chosen);
        chosen.sort_unstable();
        chosen
    }

    fn combine(&self, values: &mut [f64]) -> f64 {
        mean_around_median(values, 2 * self.f)
    }

    fn lowered(&self, omitted: usize) -> Self {
        Self { f: self.f.saturating_sub(omitted) }
    }
}

/// The indices of rows, each the best of those then left by Krum, into `chosen`.
///
/// `left` [n]: the rows left; `work` [2n]: their squared distances from one of them, and a sorted copy.
fn choose(squares: &[f64], f: usize, left: &mut [usize], work: &mut [f64], chosen: &mut [usize]) {
    let n = left.len();
    let (near, sorted) = work.split_at_mut(n);
    left.iter_mut().enumerate().for_each(|(i, slot)| *slot = i);
    for (round, slot) in chosen.iter_mut().enumerate() {
        let count = n - round;
        let neighbors = count.saturating_sub(f + 2).max(1).min(count - 1);
        let mut best = (0, f64::INFINITY);
        for p in 0..count {
            let row = of_row(squares, n, left[p]);
            near.iter_mut().zip(&left[..count]).for_each(|(s, &j)| *s = row[j]);
            let score = krum_score(&near[..count], neighbors, &mut sorted[..count]);
            if score < best.1 {
                best = (p, score);
            }
        }
        *slot = left[best.0];
        left.copy_within(best.0 + 1..count, best.0);
    }
}
