//! Krum and Multi-Krum: decided by the Gram matrix, or by exact distances where rounding of the Gram
//! matrix could change the choice.
//!
//! `n`: rows, `d`: columns. The rule is the core's [`MultiKrum`], and the rows chosen are the same.

use coherence_core::aggregate::{AggregateError, Krum, MultiKrum, Requirements};
use rayon::prelude::*;

use super::{gram_on, square_between};
use crate::{Element, Isa};

/// Krum: the index of the row with the least sum of squared distances to its n − f − 2 nearest other
/// rows; the first row if sums are equal.
///
/// Distances are computed from the Gram matrix, ‖x_e − x_f‖² = G_ee + G_ff − 2 G_ef. Rows whose order
/// rounding could change are scored again by differences in `f64`. `f64` values must be zero or have
/// magnitudes between 1e-140 and 1e140.
///
/// # Errors
///
/// The core's error unless n ≥ 2f + 3.
///
/// # Panics
///
/// When `rows` is not `n` rows of one width.
///
/// Source: Blanchard et al. (2017), *Machine Learning with Adversaries*, §4.
///
/// ```
/// use coherence_cpu::{Isa, dense::krum};
/// let rows = [1.0f32, 1.1, 0.8, 1.05, 90.0];
/// assert_eq!(krum(Isa::detect(), &rows, 5, 1), Ok(3));
/// ```
pub fn krum<T: Element>(isa: Isa, rows: &[T], n: usize, f: usize) -> Result<usize, AggregateError> {
    Krum { f }.check(n)?;
    Ok(multi_krum(isa, rows, n, MultiKrum { f, keep: 1 })?[0])
}

/// Multi-Krum: the indices of the `keep` rows with the least [`krum`] scores, in ascending order.
///
/// # Errors
///
/// The core's error unless n ≥ 2f + 3 and 1 ≤ keep ≤ n − f.
///
/// # Panics
///
/// When `rows` is not `n` rows of one width.
pub fn multi_krum<T: Element>(
    isa: Isa,
    rows: &[T],
    n: usize,
    rule: MultiKrum,
) -> Result<Vec<usize>, AggregateError> {
    rule.check(n)?;
    let d = rows.len() / n;
    let choice = KrumChoice::from_gram::<T>(rule, &gram_on(isa, rows, n), n, d);
    let squares: Vec<f64> = choice
        .undecided()
        .par_iter()
        .flat_map_iter(|&e| {
            (0..n).map(move |f| square_between(isa, &rows[e * d..][..d], &rows[f * d..][..d]))
        })
        .collect();
    Ok(choice.decide(&squares))
}

/// The rows of a Multi-Krum that the Gram matrix decides, and those that it leaves undecided.
#[derive(Clone, Debug)]
pub struct KrumChoice {
    rule: MultiKrum,
    n: usize,
    kept: Vec<usize>,
    undecided: Vec<usize>,
}

impl KrumChoice {
    /// The choice by the Gram matrix [n, n], as [`gram_on`] computes it, of n rows of d values of type
    /// `T`. The caller must have checked the rule for n.
    pub fn from_gram<T: Element>(rule: MultiKrum, gram: &[f64], n: usize, d: usize) -> Self {
        // Twice the error that `gram` states for a dot, and the error of products that underflow.
        let (relative, absolute) = if size_of::<T>() == size_of::<f32>() {
            (6e-6, d as f64 * 1e-37)
        } else {
            (1e-13, d as f64 * 1e-300)
        };
        let neighbors = n - rule.f - 2;
        let bounds: Vec<(f64, f64)> = (0..n)
            .into_par_iter()
            .map(|e| score_bounds(gram, n, e, neighbors, relative, absolute))
            .collect();
        let (mut lows, mut highs): (Vec<f64>, Vec<f64>) = bounds.iter().copied().unzip();
        lows.sort_unstable_by(f64::total_cmp);
        highs.sort_unstable_by(f64::total_cmp);
        // Row e is kept if at most `keep` rows, itself included, may have a score as low as its own. It
        // is left out if `keep` rows certainly have a lower score.
        let kept = |&e: &usize| lows.partition_point(|&low| low <= bounds[e].1) <= rule.keep;
        let out = |e: usize| highs.partition_point(|&high| high < bounds[e].0) >= rule.keep;
        let (kept, others): (Vec<usize>, Vec<usize>) = (0..n).partition(kept);
        let undecided = others.into_iter().filter(|&e| !out(e)).collect();
        Self { rule, n, kept, undecided }
    }

    /// The indices of the rows that [`decide`](Self::decide) needs the squared distances of.
    pub fn undecided(&self) -> &[usize] {
        &self.undecided
    }

    /// The indices of the rows kept, in ascending order, given the squared distances of each undecided
    /// row to all rows, `squares` [undecided, n].
    ///
    /// # Panics
    ///
    /// If `squares` has another length.
    pub fn decide(mut self, squares: &[f64]) -> Vec<usize> {
        let n = self.n;
        assert_eq!(squares.len(), self.undecided.len() * n, "n squares for each undecided row");
        let neighbors = n - self.rule.f - 2;
        let score = |(place, &e): (usize, &usize)| {
            let squares = &squares[place * n..][..n];
            (least_sum(others(squares, e), neighbors), e)
        };
        let mut scored: Vec<(f64, usize)> = self.undecided.iter().enumerate().map(score).collect();
        scored.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let missing = self.rule.keep - self.kept.len();
        self.kept.extend(scored.into_iter().take(missing).map(|(_, e)| e));
        self.kept.sort_unstable();
        self.kept
    }
}

/// The squared distances of row e to all other rows.
fn others(squares: &[f64], e: usize) -> Vec<f64> {
    // NaN counts as infinite, as in the core: such a row is never a nearest neighbour.
    let infinite = |x: f64| if x.is_nan() { f64::INFINITY } else { x };
    (0..squares.len()).filter(|&f| f != e).map(|f| infinite(squares[f])).collect()
}

/// The sum of the `count` least values, added in ascending order.
fn least_sum(mut values: Vec<f64>, count: usize) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[..count].iter().sum()
}

/// A lower and an upper bound of the score of row e.
fn score_bounds(
    gram: &[f64],
    n: usize,
    e: usize,
    neighbors: usize,
    relative: f64,
    absolute: f64,
) -> (f64, f64) {
    let square = |f: usize| gram[e * n + e] + gram[f * n + f] - 2.0 * gram[e * n + f];
    let error = |f: usize| relative * (gram[e * n + e] + gram[f * n + f]) + absolute;
    // If the square overflowed, nothing is known about the distance.
    let low = |f| if square(f).is_finite() { (square(f) - error(f)).max(0.0) } else { 0.0 };
    let high = |f| if square(f).is_finite() { square(f) + error(f) } else { f64::INFINITY };
    let bound = |bound: &dyn Fn(usize) -> f64| {
        least_sum(others(&(0..n).map(bound).collect::<Vec<_>>(), e), neighbors)
    };
    (bound(&low), bound(&high))
}
