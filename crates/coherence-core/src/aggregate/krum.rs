//! Krum and Multi-Krum: the vectors whose neighbours are near.

use num_traits::Float;

use super::distances::{check, mean_of_rows, of_row, sort_numbers_by, squares_between_all};
use super::order::sort;
use super::{AggregateError, Requirements, Rows, VectorRule};

/// Krum: the vector with the least sum of squared distances to its n − f − 2 nearest others.
///
/// score(i) = Σ_{j among the n−f−2 nearest} ‖x_i − x_j‖²; the result is x_{argmin score}, bit for bit.
///
/// - Domain: n ≥ 2f + 3. Of equal scores the earlier vector is taken.
/// - Breakdown: bears f bad vectors. With D the greatest distance between honest vectors, the result is
///   within D·√(n−f−2) of an honest one: its score is at most that of an honest vector, which is at most
///   (n−f−2) D², and one at least of its n−f−2 ≥ f+1 nearest is honest.
///   (By the same count f + 1 bad vectors do not unbound it; f + 2 copies do when n = 2f + 3.)
/// - `Policy::Propagate`: a vector with NaN or ±∞ is infinitely far from all others.
/// - Cost: O(n² d) time; scratch n² + 2n.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{Krum, Rows, VectorRule};
///
/// let x = [1.0, 0.0, /**/ 1.1, 0.0, /**/ 0.9, 0.1, /**/ 1.0, 0.2, /**/ -50.0, 90.0];
/// let rows = Rows::matrix(&x, 2).unwrap();
/// let (mut scratch, mut out) = (vec![0.0; Krum { f: 1 }.scratch_len(5, 2)], [0.0; 2]);
/// Krum { f: 1 }.aggregate(rows, &mut scratch, &mut out).unwrap();
/// assert_eq!(out, [1.0, 0.0]);
/// ```
///
/// Source: Blanchard et al. (2017), *Machine Learning with Adversaries*, §4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Krum {
    /// The number of bad vectors to be borne.
    pub f: usize,
}

impl Requirements for Krum {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_count("krum", "f", n, self.f.saturating_mul(2).saturating_add(3))
    }

    fn tolerates(&self, n: usize) -> usize {
        if self.check(n).is_ok() { self.f } else { 0 }
    }
}

impl VectorRule for Krum {
    fn work_len(&self, n: usize, d: usize) -> usize {
        MultiKrum { f: self.f, keep: 1 }.work_len(n, d)
    }

    fn omitting(&self, omitted: usize) -> Self {
        Self { f: self.f.saturating_sub(omitted) }
    }

    fn aggregate<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: &mut [f64],
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        self.check(rows.len())?;
        MultiKrum { f: self.f, keep: 1 }.aggregate(rows, scratch, out)
    }
}

/// Multi-Krum: the mean of the `keep` vectors of least [`Krum`] score.
///
/// - Domain: n ≥ 2f + 3 and 1 ≤ `keep` ≤ n − f; n − f is the usual choice.
/// - Breakdown: bears f bad vectors, with Krum's bound: as there are n − f honest vectors, no vector
///   kept has a score above the greatest honest one.
/// - Scores, ties, NaN, cost: as [`Krum`].
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{MultiKrum, Rows, VectorRule};
///
/// let rows = Rows::matrix(&[1.0, 2.0, 3.0, 2.0, 99.0], 1).unwrap();
/// let rule = MultiKrum { f: 1, keep: 3 };
/// let (mut scratch, mut out) = (vec![0.0; rule.scratch_len(5, 1)], [0.0]);
/// rule.aggregate(rows, &mut scratch, &mut out).unwrap();
/// assert_eq!(out, [5.0 / 3.0]); // 2, 2 and, of 1 and 3, the earlier
/// ```
///
/// Source: Blanchard et al. (2017), §4 and §7 (with m = `keep`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MultiKrum {
    /// The number of bad vectors to be borne.
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
}

impl VectorRule for MultiKrum {
    fn work_len(&self, n: usize, _d: usize) -> usize {
        n.saturating_mul(n).saturating_add(2 * n)
    }

    fn omitting(&self, omitted: usize) -> Self {
        Self { f: self.f.saturating_sub(omitted), keep: self.keep }
    }

    fn aggregate<T: Float>(
        &self,
        rows: Rows<'_, T>,
        scratch: &mut [f64],
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        let (n, f, keep) = (rows.len(), self.f, self.keep);
        self.check(n)?;
        check(rows, scratch, self.work_len(n, rows.dim()), out)?;
        let (squares, rest) = scratch.split_at_mut(n * n);
        let (scores, numbers) = rest.split_at_mut(n);
        squares_between_all(rows, squares);
        for (i, score) in scores.iter_mut().enumerate() {
            *score = krum_score(of_row(squares, n, i), n - f - 2, &mut numbers[..n]);
        }
        sort_numbers_by(&mut numbers[..n], scores);
        mean_of_rows(rows, &numbers[..keep], out);
        Ok(())
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
