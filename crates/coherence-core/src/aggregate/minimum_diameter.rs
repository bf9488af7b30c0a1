//! Minimum-diameter averaging (MDA), for few vectors.

use super::distance_rule::{self, DistanceRule, side};
use super::distances::of_row;
use super::{AggregateError, Requirements, Scratch, ScratchLen};

/// The largest number of subsets that a search may have to test: about a second.
const MOST_SUBSETS: usize = 1 << 24;

/// Minimum-diameter averaging: the mean of the n − f vectors whose greatest distance from each other
/// is least.
///
/// - Domain: n ≥ 2f + 1, and at most 2²⁴ subsets (n choose f): every
///   subset may have to be tested, though most are cut off early. Of equal diameters the subset of
///   the earliest vectors, in lexicographic order, is taken.
/// - Breakdown: tolerates f Byzantine vectors. With D the diameter of the honest ones, the subset's is at most D
///   and it holds an honest vector, so the result is within D of it.
/// - `Policy::Propagate`: a vector with NaN or ±∞ is infinitely far from all others.
/// - Cost: O(n² d) and the search; scratch n² + 2n values, 3n indices.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{MinimumDiameter, Rows, VectorRule};
/// use coherence_core::finite::Policy;
///
/// let rows = Rows::matrix(&[1.0, 2.0, 99.0, 3.0], 1).unwrap();
/// let rule = MinimumDiameter { f: 1 };
/// let out = rule.aggregate_to_vec(rows, Policy::Error).unwrap();
/// assert_eq!(out, [2.0]);
/// ```
///
/// Source: El Mhamdi et al. (2020), *Genuinely Distributed Byzantine Machine Learning*, §3 (after
/// Rousseeuw, 1985).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[doc(alias = "MDA")]
#[doc(alias = "minimum diameter averaging")]
#[doc(alias = "Byzantine")]
pub struct MinimumDiameter {
    /// f, the number of vectors left out.
    pub f: usize,
}

impl Requirements for MinimumDiameter {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        let rule = "minimum-diameter";
        AggregateError::check_count(rule, "f", n, self.f.saturating_mul(2).saturating_add(1))?;
        if subsets(n, self.f).is_none_or(|count| count > MOST_SUBSETS) {
            return Err(AggregateError::TooMany { rule, n, most: greatest_n(self.f) });
        }
        Ok(())
    }

    fn tolerates(&self, n: usize) -> usize {
        if self.check(n).is_ok() { self.f } else { 0 }
    }

    fn scratch_len(&self, n: usize, _d: usize) -> ScratchLen {
        distance_rule::scratch_len(n)
    }
}

impl DistanceRule for MinimumDiameter {
    fn choose<'s>(&self, squares: &[f64], scratch: Scratch<'s>) -> &'s [usize] {
        let n = side(squares);
        let (trial, best) = scratch.indices.split_at_mut(n);
        // Until a subset of finite diameter is found, the first subset is the result.
        best[..n].iter_mut().enumerate().for_each(|(i, slot)| *slot = i);
        let mut search = Search { squares, n, keep: n - self.f, trial, best, least: f64::INFINITY };
        search.extend(0, 0, 0.0);
        &best[..n - self.f]
    }

    fn lowered(&self, omitted: usize) -> Self {
        Self { f: self.f.saturating_sub(omitted) }
    }
}

/// A search through subsets in lexicographic order, cut off where the diameter is no longer less.
struct Search<'a> {
    squares: &'a [f64],
    n: usize,
    keep: usize,
    trial: &'a mut [usize],
    best: &'a mut [usize],
    /// The squared diameter of `best`.
    least: f64,
}

impl Search<'_> {
    /// Tries all ways to go on from the first `size` of `trial`, of squared diameter `diameter`, with
    /// rows from `from` on.
    fn extend(&mut self, size: usize, from: usize, diameter: f64) {
        if size == self.keep {
            self.best[..size].copy_from_slice(&self.trial[..size]);
            self.least = diameter;
            return;
        }
        for i in from..=self.n - (self.keep - size) {
            let row = of_row(self.squares, self.n, i);
            let reach = |d: f64, j: &usize| d.max(row[*j]);
            let wider = self.trial[..size].iter().fold(diameter, reach);
            if wider < self.least {
                self.trial[size] = i;
                self.extend(size + 1, i + 1, wider);
            }
        }
    }
}

/// n choose f, or `None` where the product leaves `usize`.
fn subsets(n: usize, f: usize) -> Option<usize> {
    (0..f).try_fold(1usize, |count, i| Some(count.checked_mul(n - i)? / (i + 1)))
}

/// The greatest n for which the subsets without f of them are few enough to search.
fn greatest_n(f: usize) -> usize {
    let few = |n: &usize| subsets(*n, f).is_some_and(|count| count <= MOST_SUBSETS);
    (f..=MOST_SUBSETS).take_while(few).last().unwrap_or(f)
}
