//! The winsorised mean, by percentile, and what a percentile is.

use core::fmt;

use num_traits::Float;

use super::coordinate::OverValues;
use super::order::{is_ordered, sort};
use super::winsorized::mean_of_clamped;
use super::{AggregateError, Requirements, Winsorized};
use crate::number::wide;

/// Which value of n is the p-th fraction, 0 ≤ p ≤ 1/2; the upper threshold is its mirror image.
///
/// All but [`Interpolated`](Self::Interpolated) pick values, and so are a count k of values clipped:
///
/// | definition | k | n = 16, p = 0.15 | used by |
/// |---|---|---|---|
/// | `NearestRank` | nearest to p(n−1), halves up | 2 | Chatterjee (2020); NumPy's and TensorFlow's `nearest` |
/// | `Rounded` | nearest to pn, halves up | 2 | NAG g07dd |
/// | `Truncated` | ⌊pn⌋ | 2 | SciPy's `winsorize` and `trim_mean`, R's WRS2 `winmean` and `mean(trim=)` |
/// | `Interpolated` | – (threshold between values) | – | NumPy's `percentile`, R's psych `winsor` |
///
/// With n = 100 and p = 1/100 all three counts are 1; with n = 32 and p = 5/100 they are 2, 2 and 1.
/// At p = 1/2 every definition gives the median.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Percentile {
    /// The value whose rank is nearest to 1 + p(n−1).
    #[default]
    NearestRank,
    /// The number of values below is the integer nearest to pn.
    Rounded,
    /// The number of values below is ⌊pn⌋.
    Truncated,
    /// Linear between the values of rank 1 + ⌊p(n−1)⌋ and the next.
    Interpolated,
}

impl Percentile {
    /// The count k of values that lie beyond the threshold at fraction p of n, at most ⌊n/2⌋.
    ///
    /// With ⌊n/2⌋ both thresholds are the median.
    ///
    /// For [`Interpolated`](Self::Interpolated): the values wholly beyond, ⌊p(n−1)⌋.
    ///
    /// # Example
    ///
    /// ```
    /// use coherence_core::aggregate::Percentile::*;
    ///
    /// assert_eq!([NearestRank, Rounded, Truncated].map(|p| p.count(0.05, 32)), [2, 2, 1]);
    /// ```
    pub fn count(self, p: f64, n: usize) -> usize {
        let rank = p * n.saturating_sub(1) as f64;
        let count = match self {
            Self::NearestRank => libm::floor(rank + 0.5),
            Self::Rounded => libm::floor(p * n as f64 + 0.5),
            Self::Truncated => libm::floor(p * n as f64),
            Self::Interpolated => libm::floor(rank),
        };
        (count as usize).min(n / 2)
    }
}

/// The winsorised mean at a level of c percent: values are clipped to the c-th and to the
/// (100−c)-th percentile, then the mean is taken.
///
/// With the thresholds lo and hi of the [`Percentile`] definition: (1/n) Σ min(max(x_i, lo), hi).
///
/// - Domain: c in [0, 50]; c = 0 is the mean, c = 50 the [`Median`](super::Median).
/// - Where the definition is a count, it is [`Winsorized`] with that count, to the bit.
/// - Breakdown: tolerates [`Percentile::count`] Byzantine values, as [`Winsorized`].
/// - Interpolation between −∞ and +∞ gives NaN.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::{CoordinateRule, Percentile, WinsorizedPercent};
/// use coherence_core::finite::Policy;
///
/// let values = [0.0, 1.0, 2.0, 3.0, 10.0];
/// let nearest = WinsorizedPercent::new(20.0, Percentile::NearestRank).unwrap();
/// assert_eq!(nearest.aggregate(&mut values.clone(), Policy::Error), Ok(2.0)); // (1 + 1 + 2 + 3 + 3) / 5
/// let between = WinsorizedPercent::new(12.5, Percentile::Interpolated).unwrap();
/// assert_eq!(between.aggregate(&mut values.clone(), Policy::Error), Ok(2.6)); // (0.5 + 1 + 2 + 3 + 6.5) / 5
/// ```
///
/// Source: Chatterjee (2020) §3.1; Chatterjee and Zielinski (2022) §7 (catalogue A18).
///
/// Law: A18
#[derive(Clone, Copy, Debug, PartialEq)]
#[doc(alias = "winsorised")]
#[doc(alias = "percentile clipping")]
#[doc(alias = "Byzantine")]
pub struct WinsorizedPercent {
    percent: f64,
    definition: Percentile,
}

impl WinsorizedPercent {
    /// A level of `percent`, in [0, 50], under a definition of percentiles.
    ///
    /// # Errors
    ///
    /// [`PercentError`] if `percent` is not in [0, 50].
    pub fn new(percent: f64, definition: Percentile) -> Result<Self, PercentError> {
        // Written so that NaN fails too.
        if (0.0..=50.0).contains(&percent) {
            Ok(Self { percent, definition })
        } else {
            Err(PercentError { percent })
        }
    }

    /// c, in [0, 50].
    pub fn percent(&self) -> f64 {
        self.percent
    }

    /// The definition of percentiles.
    pub fn definition(&self) -> Percentile {
        self.definition
    }

    /// The rule by count that this is for n values; for interpolation, the one that clips less.
    pub fn by_count(&self, n: usize) -> Winsorized {
        Winsorized { clip: self.definition.count(self.percent / 100.0, n) }
    }
}

impl Requirements for WinsorizedPercent {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        AggregateError::check_any("winsorized", n)
    }

    fn tolerates(&self, n: usize) -> usize {
        self.by_count(n).tolerates(n)
    }
}

impl OverValues for WinsorizedPercent {
    fn compute<T: Float>(&self, values: &mut [T]) -> T {
        if self.definition != Percentile::Interpolated {
            return self.by_count(values.len()).compute(values);
        }
        if !is_ordered(values) {
            return T::nan();
        }
        sort(values);
        let last = values.len() - 1;
        let between = Interpolation::new(self.percent, values.len());
        let ranks = [between.at, between.next, last - between.at, last - between.next];
        let (lo, hi) = between.thresholds(ranks.map(|rank| wide(values[rank])));
        mean_of_clamped(values, lo, hi)
    }
}

/// The order statistics between which [interpolated](Percentile::Interpolated) percentiles lie. Ranks count from 0, from
/// the smallest value for the lower threshold and from the largest for the upper one.
///
/// # Example
///
/// ```
/// use coherence_core::aggregate::Interpolation;
///
/// let between = Interpolation::new(12.5, 5); // rank 0.5 of 0 … 4
/// assert_eq!([between.at, between.next], [0, 1]);
/// assert_eq!(between.thresholds([0.0, 1.0, 10.0, 3.0]), (0.5, 6.5));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interpolation {
    /// ⌊p(n−1)⌋.
    pub at: usize,
    /// The next rank, or the same at the end.
    pub next: usize,
    /// How far the percentile is from `at` to `next`.
    t: f64,
}

impl Interpolation {
    /// Of n values, at a level of `percent`, in [0, 50]; of no values as of one.
    pub fn new(percent: f64, n: usize) -> Self {
        let last = n.saturating_sub(1);
        let rank = percent / 100.0 * last as f64;
        let at = rank as usize; // the integer part
        Self { at, next: (at + 1).min(last), t: rank - at as f64 }
    }

    /// The lower and the upper threshold, given the values at the ranks `at` and `next` from below, then from above.
    pub fn thresholds(self, [low, low_next, high, high_next]: [f64; 4]) -> (f64, f64) {
        let (low, high) = (between(low, low_next, self.t), between(high, high_next, self.t));
        // At 50 % the two are one number but for rounding.
        (low.min(high), high.max(low))
    }
}

/// (1−t) a + t b for t in [0, 1), never outside of [a, b] or [b, a]; a itself at t = 0, even if b is infinite.
fn between(a: f64, b: f64, t: f64) -> f64 {
    if t == 0.0 { a } else { ((1.0 - t) * a + t * b).clamp(a.min(b), a.max(b)) }
}

/// A level of winsorisation that is not between 0 and 50 percent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PercentError {
    /// The level asked for.
    pub percent: f64,
}

impl fmt::Display for PercentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} percent is not between 0 and 50 (50 is the median)", self.percent)
    }
}

impl core::error::Error for PercentError {}
