//! Krum and Multi-Krum: decided by the Gram matrix, or by exact distances where rounding of the Gram
//! matrix could change the choice.
//!
//! `n`: rows, `d`: columns. The rule is the core's [`MultiKrum`], and the rows chosen are the same.

use coherence_core::aggregate::{AggregateError, Krum, MultiKrum, Requirements};
use rayon::prelude::*;

use super::{gram_on, square_between};
use crate::{Element, Isa};

/// The columns whose part of a distance is summed by one thread. They are the same for any number of threads.
const PIECE: usize = 1 << 16;

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
    let pieces = |e: usize| rows[e * d..][..d].par_chunks(PIECE);
    let square = |&[e, f]: &[usize; 2]| -> f64 {
        let squares = pieces(e).zip(pieces(f)).map(|(x, y)| square_between(isa, x, y));
        squares.collect::<Vec<_>>().iter().sum()
    };
    let squares: Vec<f64> = choice.pairs().par_iter().map(square).collect();
    Ok(choice.decide(&squares))
}

/// The rows of a Multi-Krum that the Gram matrix decides, and the distances that decide the others.
#[derive(Clone, Debug)]
pub struct KrumChoice {
    rule: MultiKrum,
    neighbors: usize,
    kept: Vec<usize>,
    undecided: Vec<Undecided>,
    pairs: Vec<[usize; 2]>,
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
        let bounds = Bounds { gram, n, neighbors, relative, absolute };
        let scores: Vec<[f64; 2]> = (0..n).into_par_iter().map(|e| bounds.of_score(e)).collect();
        let [lows, highs] = [0, 1].map(|side| sorted(scores.iter().map(|score| score[side])));
        // Row e is kept if at most `keep` rows, itself included, may have a score as low as its own. It
        // is left out if `keep` rows certainly have a lower score.
        let kept = |&e: &usize| lows.partition_point(|&low| low <= scores[e][1]) <= rule.keep;
        let out = |e: usize| highs.partition_point(|&high| high < scores[e][0]) >= rule.keep;
        let (kept, others): (Vec<usize>, Vec<usize>) = (0..n).partition(kept);
        let undecided = others.into_iter().filter(|&e| !out(e));
        let undecided: Vec<_> =
            undecided.map(|row| Undecided { row, pairs: bounds.nearest_pairs(row) }).collect();
        let pairs = pairs_that_decide(&undecided);
        Self { rule, neighbors, kept, undecided, pairs }
    }

    /// The pairs of rows whose squared distances [`decide`](Self::decide) needs, each of them once.
    pub fn pairs(&self) -> &[[usize; 2]] {
        &self.pairs
    }

    /// The indices of the rows kept, in ascending order, given the squared distance of each of the
    /// [`pairs`](Self::pairs).
    ///
    /// # Panics
    ///
    /// If `squares` has another length.
    pub fn decide(mut self, squares: &[f64]) -> Vec<usize> {
        assert_eq!(squares.len(), self.pairs.len(), "a square for each pair");
        let score = |Undecided { row, pairs }: &Undecided| {
            let places = pairs.iter().filter_map(|pair| self.pairs.binary_search(pair).ok());
            // NaN counts as infinite, as in the core: such a row is never a nearest neighbour.
            let infinite = |x: f64| if x.is_nan() { f64::INFINITY } else { x };
            (least_sum(places.map(|at| infinite(squares[at])), self.neighbors), *row)
        };
        let mut scored: Vec<(f64, usize)> = self.undecided.iter().map(score).collect();
        scored.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let missing = self.rule.keep - self.kept.len();
        self.kept.extend(scored.into_iter().take(missing).map(|(_, e)| e));
        self.kept.sort_unstable();
        self.kept
    }
}

/// A row, and its pairs with the rows that may be among its nearest neighbours.
#[derive(Clone, Debug)]
struct Undecided {
    row: usize,
    pairs: Vec<[usize; 2]>,
}

/// The pairs of all rows, sorted, each once. None if every row has the same: then the scores are the same
/// sum, as those of two rows that are each other's only neighbour.
fn pairs_that_decide(undecided: &[Undecided]) -> Vec<[usize; 2]> {
    if undecided.windows(2).all(|two| two[0].pairs == two[1].pairs) {
        return Vec::new();
    }
    let mut pairs: Vec<_> = undecided.iter().flat_map(|row| &row.pairs).copied().collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    values
}

/// The sum of the `count` least values, added in ascending order.
fn least_sum(values: impl Iterator<Item = f64>, count: usize) -> f64 {
    sorted(values).iter().take(count).sum()
}

/// What a Gram matrix [n, n], known up to an error, says of squared distances.
struct Bounds<'a> {
    gram: &'a [f64],
    n: usize,
    neighbors: usize,
    relative: f64,
    absolute: f64,
}

impl Bounds<'_> {
    /// The least and the greatest value that ‖x_e − x_f‖² may have.
    fn of_square(&self, e: usize, f: usize) -> [f64; 2] {
        let dot = |e: usize, f: usize| self.gram[e * self.n + f];
        let size = dot(e, e) + dot(f, f);
        let (square, error) = (size - 2.0 * dot(e, f), self.relative * size + self.absolute);
        // If the square overflowed, nothing is known about the distance.
        if square.is_finite() {
            [(square - error).max(0.0), square + error]
        } else {
            [0.0, f64::INFINITY]
        }
    }

    fn others(&self, e: usize) -> impl Iterator<Item = usize> {
        (0..self.n).filter(move |&f| f != e)
    }

    /// The least and the greatest value that the score of row e may have.
    fn of_score(&self, e: usize) -> [f64; 2] {
        [0, 1].map(|side| {
            least_sum(self.others(e).map(|f| self.of_square(e, f)[side]), self.neighbors)
        })
    }

    /// The pairs of row e with the rows that may be among its nearest: each is no farther, at the least, than
    /// the last of those that are nearest at the greatest.
    fn nearest_pairs(&self, e: usize) -> Vec<[usize; 2]> {
        let greatest = sorted(self.others(e).map(|f| self.of_square(e, f)[1]));
        let last = greatest[self.neighbors - 1];
        let near = self.others(e).filter(|&f| self.of_square(e, f)[0] <= last);
        near.map(|f| [e.min(f), e.max(f)]).collect()
    }
}
