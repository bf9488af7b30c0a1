//! From order statistics to a robust mean of every lane.
//!
//! The core defines what a rule is and for how many values it is defined; this module says which order
//! statistics it needs.
#![allow(unsafe_code)]

use super::{
    Values,
    extremes::{LENGTHS, extremes},
    network::Network,
    sort8::BLOCK,
};
use crate::{
    Element,
    simd::{Simd, TILE},
};
use coherence_core::aggregate::{
    AggregateError, AnyCoordinateRule, Mean, Median, Percentile, Requirements, Trimmed, Winsorized,
};
use core::cell::RefCell;
use std::sync::{Arc, OnceLock};

/// A rule of the core that rests on one pair of order statistics.
///
/// These are [`Mean`], [`Winsorized`], [`Trimmed`] and [`Median`]; and [`OrderStatistics`], which are their own.
pub trait OrderRule: Requirements + Copy {
    /// The statistics of `m` values, for which the rule is defined.
    fn statistics(self, m: usize) -> OrderStatistics;
}

/// The `rank`-th smallest and the `rank`-th largest value, and what is made of them.
///
/// ```
/// use coherence_core::aggregate::{Median, Winsorized};
/// use coherence_cpu::order::{Finish, OrderStatistics};
/// let clipped = OrderStatistics { rank: 3, finish: Finish::ClippedMean };
/// assert_eq!(OrderStatistics::new(Winsorized { clip: 2 }, 10), clipped);
/// assert_eq!(OrderStatistics::new(Median, 10), OrderStatistics { rank: 5, finish: Finish::Middle });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrderStatistics {
    /// From 1 to ⌈m/2⌉.
    pub rank: usize,
    /// What is made of the two values.
    pub finish: Finish,
}

impl OrderStatistics {
    /// The statistics of `rule` for `m` values.
    ///
    /// # Panics
    ///
    /// With the core's error when the rule is not defined for `m` values.
    pub fn new(rule: impl OrderRule, m: usize) -> Self {
        rule.check(m).unwrap_or_else(|error| panic!("{error}"));
        rule.statistics(m)
    }

    /// Whether the rule is the plain mean, for which sums are faster than a selection.
    pub fn is_mean(self) -> bool {
        self.finish == Finish::Mean
    }

    /// The statistics of a rule that is chosen at run time for `m` values; `None` if it rests on more than one pair.
    ///
    /// ```
    /// use coherence_core::aggregate::{AnyCoordinateRule, Median, SignMajority};
    /// use coherence_cpu::order::OrderStatistics;
    /// let median = OrderStatistics::of(AnyCoordinateRule::Median(Median), 10);
    /// assert_eq!(median, Some(OrderStatistics::new(Median, 10)));
    /// assert_eq!(OrderStatistics::of(AnyCoordinateRule::SignMajority(SignMajority), 10), None);
    /// ```
    ///
    /// # Panics
    ///
    /// As [`new`](Self::new).
    pub fn of(rule: AnyCoordinateRule, m: usize) -> Option<Self> {
        match rule {
            AnyCoordinateRule::Mean(rule) => Some(Self::new(rule, m)),
            AnyCoordinateRule::Winsorized(rule) => Some(Self::new(rule, m)),
            AnyCoordinateRule::WinsorizedPercent(rule)
                if rule.definition() != Percentile::Interpolated =>
            {
                Some(Self::new(rule.by_count(m), m))
            }
            AnyCoordinateRule::Trimmed(rule) => Some(Self::new(rule, m)),
            AnyCoordinateRule::Median(rule) => Some(Self::new(rule, m)),
            _ => None,
        }
    }
}

/// How two order statistics and the values become a robust mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The mean of all values; no statistics are needed.
    Mean,
    /// The mean of the values clipped to the two statistics.
    ClippedMean,
    /// The mean without the `rank` - 1 smallest and largest values.
    InnerMean,
    /// The mean of the two statistics.
    Middle,
}

impl OrderRule for Mean {
    fn statistics(self, _: usize) -> OrderStatistics {
        OrderStatistics { rank: 1, finish: Finish::Mean }
    }
}

impl OrderRule for Winsorized {
    fn statistics(self, m: usize) -> OrderStatistics {
        match self.clip {
            0 => Mean.statistics(m),
            clip if 2 * clip == m => Median.statistics(m),
            clip => OrderStatistics { rank: clip + 1, finish: Finish::ClippedMean },
        }
    }
}

impl OrderRule for Trimmed {
    fn statistics(self, m: usize) -> OrderStatistics {
        match self.trim {
            0 => Mean.statistics(m),
            trim => OrderStatistics { rank: trim + 1, finish: Finish::InnerMean },
        }
    }
}

impl OrderRule for Median {
    fn statistics(self, m: usize) -> OrderStatistics {
        OrderStatistics { rank: m.div_ceil(2), finish: Finish::Middle }
    }
}

/// Defined for so many values that the `rank`-th smallest comes before the `rank`-th largest, or is it.
impl Requirements for OrderStatistics {
    fn check(&self, n: usize) -> Result<(), AggregateError> {
        let (rule, parameter) = ("a pair of order statistics", "rank");
        let least = self.rank.saturating_mul(2).saturating_sub(1);
        match self.rank {
            0 => Err(AggregateError::Zero { rule, parameter }),
            _ if n < least => {
                Err(AggregateError::TooFew { rule, parameter: Some(parameter), n, least })
            }
            _ => Ok(()),
        }
    }

    fn tolerates(&self, n: usize) -> usize {
        self.check(n).map_or(0, |()| self.rank - 1)
    }
}

impl OrderRule for OrderStatistics {
    fn statistics(self, _: usize) -> OrderStatistics {
        self
    }
}

/// A rule prepared for `m` examples.
#[derive(Debug)]
pub(crate) struct Selection {
    m: usize,
    statistics: OrderStatistics,
    /// `networks[n]` is for n granules of values; only for ranks beyond the register lists.
    networks: Vec<OnceLock<Network>>,
}

impl Selection {
    /// `rule` for `m` examples. A thread keeps the latest selection, which all tensors and steps of
    /// a training run share.
    ///
    /// Panics with the core's error when the rule is not defined for `m` values.
    pub(crate) fn from_rule(rule: impl OrderRule, m: usize) -> Arc<Self> {
        std::thread_local! {
            static LATEST: RefCell<Option<Arc<Selection>>> = const { RefCell::new(None) };
        }
        let statistics = OrderStatistics::new(rule, m);
        LATEST.with_borrow_mut(|latest| match latest {
            Some(same) if (same.m, same.statistics) == (m, statistics) => same.clone(),
            _ => latest.insert(Arc::new(Self::new(statistics, m))).clone(),
        })
    }

    fn new(statistics: OrderStatistics, m: usize) -> Self {
        let mut selection = Self { m, statistics, networks: Vec::new() };
        if statistics.rank > LENGTHS[LENGTHS.len() - 1] {
            selection.networks.resize_with(m.div_ceil(selection.granule()) + 1, OnceLock::new);
        }
        selection
    }

    /// Whether the rule is the plain mean, for which sums are faster than a selection.
    pub(crate) fn is_mean(&self) -> bool {
        self.statistics.is_mean()
    }

    /// Counts of values are rounded up to a multiple of this with zeros: whole blocks, and so few
    /// different counts that a network for each is cheap.
    pub(crate) fn granule(&self) -> usize {
        BLOCK * (self.m / 128).max(1)
    }

    /// With fewer non-zero values than this the result is zero.
    pub(crate) fn least_values(&self) -> usize {
        self.statistics.rank
    }

    /// Rows of a tile that [`Selection::aggregate`] needs as scratch.
    pub(crate) fn scratch_rows(&self) -> usize {
        if self.networks.is_empty() { 0 } else { self.m.next_multiple_of(self.granule()) }
    }

    /// The robust mean of `values` and m - values.len() zeros in each lane; a zero result is +0.
    ///
    /// # Safety
    /// `scratch` is writable for [`Selection::scratch_rows`] rows of `S::LANES` values.
    #[inline(always)]
    pub(crate) unsafe fn aggregate<T: Element, S: Simd<T>>(
        &self,
        simd: S,
        values: &impl Values<T, S>,
        scratch: *mut T,
    ) -> S::V {
        let zeros = self.m - values.len();
        // SAFETY: the caller's promise is passed on.
        let (low, high) = unsafe { self.thresholds(simd, values, zeros, scratch) };
        let plus_zero = simd.splat(T::zero());
        if simd.all_equal(low, high) {
            return simd.add(low, plus_zero);
        }
        let mean =
            simd.add(self.finish::<_, _, SUM_BLOCK>(simd, values, zeros, low, high), plus_zero);
        if simd.all_equal(simd.sub(mean, mean), plus_zero) {
            return mean;
        }
        let exact = simd.add(self.finish::<_, _, 1>(simd, values, zeros, low, high), plus_zero);
        finite_or(simd, mean, exact)
    }

    #[inline(always)]
    unsafe fn thresholds<T: Element, S: Simd<T>>(
        &self,
        simd: S,
        values: &impl Values<T, S>,
        zeros: usize,
        scratch: *mut T,
    ) -> (S::V, S::V) {
        let rank = self.statistics.rank;
        match rank {
            _ if self.is_mean() => (simd.splat(T::neg_infinity()), simd.splat(T::infinity())),
            1..=2 => extremes::<T, S, 2>(simd, values, zeros, rank),
            3 => extremes::<T, S, 3>(simd, values, zeros, rank),
            4..=5 => extremes::<T, S, 5>(simd, values, zeros, rank),
            6..=9 => extremes::<T, S, 9>(simd, values, zeros, rank),
            10..=17 => extremes::<T, S, 17>(simd, values, zeros, rank),
            // SAFETY: the caller's promise is passed on.
            _ => unsafe { self.sorted_thresholds(simd, values, zeros, scratch) },
        }
    }

    /// Sorts in memory as far as the wanted ranks need.
    #[inline(always)]
    unsafe fn sorted_thresholds<T: Element, S: Simd<T>>(
        &self,
        simd: S,
        values: &impl Values<T, S>,
        zeros: usize,
        scratch: *mut T,
    ) -> (S::V, S::V) {
        let count = values.len();
        let filled = count.next_multiple_of(BLOCK);
        for row in 0..filled {
            // SAFETY: row < count where it is read; filled <= scratch_rows.
            unsafe {
                let v = if row < count { values.at(simd, row) } else { simd.splat(T::infinity()) };
                simd.store(scratch.add(row * S::LANES), v);
            }
        }
        let rank = self.statistics.rank;
        let ranks = [rank, self.m + 1 - rank];
        let network = self.networks[count.div_ceil(self.granule())].get_or_init(|| {
            let wires = ranks.map(|r| [r.checked_sub(1), r.checked_sub(zeros + 1)]);
            Network::new(filled, &wires.concat().into_iter().flatten().collect::<Vec<_>>())
        });
        // SAFETY: the network is for `filled` rows, all written above.
        unsafe { network.run(simd, scratch, S::LANES) };
        // SAFETY: rows below `count` are written, and m = count + zeros.
        let ranked = |r| unsafe { ranked(simd, scratch, count, zeros, r) };
        (ranked(ranks[0]), ranked(ranks[1]))
    }

    #[inline(always)]
    fn finish<T: Element, S: Simd<T>, const G: usize>(
        &self,
        simd: S,
        values: &impl Values<T, S>,
        zeros: usize,
        low: S::V,
        high: S::V,
    ) -> S::V {
        let (total, count) = match self.statistics.finish {
            Finish::Middle => (simd.wide_add(simd.widen(low), simd.widen(high)), 2.0),
            Finish::Mean | Finish::ClippedMean => {
                let sum = clipped_sum::<T, S, G, false>(simd, values, zeros, low, high);
                (sum, self.m as f64)
            }
            Finish::InnerMean => {
                return self.inner_mean::<_, _, G>(simd, values, zeros, low, high);
            }
        };
        simd.narrow(simd.wide_div(total, simd.wide_splat(count)))
    }

    /// The mean of the values that are not cut off, which lies between them. Where fewer than half are kept it is taken
    /// from the distances of all clipped values to `low`: rounding is then a part of `high − low`, however few these
    /// are. `G` = 1, where such distances exceed the range of the element type, takes the values themselves.
    #[inline(always)]
    fn inner_mean<T: Element, S: Simd<T>, const G: usize>(
        &self,
        simd: S,
        values: &impl Values<T, S>,
        zeros: usize,
        low: S::V,
        high: S::V,
    ) -> S::V {
        let cut = self.statistics.rank - 1;
        let kept = self.m - 2 * cut;
        let zero = simd.splat(T::zero());
        let (base, sum) = if G > 1 && keeps_few(self.m, cut) {
            (low, clipped_sum::<T, S, 1, true>(simd, values, zeros, low, high))
        } else {
            (zero, clipped_sum::<T, S, G, false>(simd, values, zeros, low, high))
        };
        let ends = simd.wide_add(simd.widen(simd.sub(low, base)), simd.widen(simd.sub(high, base)));
        let outside = simd.wide_mul(ends, simd.wide_splat(-(cut as f64)));
        let above = simd.wide_div(simd.wide_add(sum, outside), simd.wide_splat(kept as f64));
        let mean = simd.narrow(simd.wide_add(simd.widen(base), above));
        // What is not finite stays so.
        simd.add(simd.min(simd.max(mean, low), high), simd.sub(mean, mean))
    }
}

/// Whether fewer than half of n values are kept where `cut` are left out at either end. Distances to the smallest value
/// kept then round less than the values, and the mean is taken from these.
pub(crate) fn keeps_few(n: usize, cut: usize) -> bool {
    2 * (n - 2 * cut) < n
}

/// In each lane `first` if it is finite, else `second`.
#[inline(always)]
fn finite_or<T: Element, S: Simd<T>>(simd: S, first: S::V, second: S::V) -> S::V {
    let mut lanes = [[T::zero(); TILE]; 2];
    // SAFETY: TILE is a multiple of the lanes of every instruction set.
    unsafe {
        simd.store(lanes[0].as_mut_ptr(), first);
        simd.store(lanes[1].as_mut_ptr(), second);
    }
    let [first, second] = &mut lanes;
    for (first, second) in first.iter_mut().zip(second) {
        *first = if first.is_finite() { *first } else { *second };
    }
    // SAFETY: as above.
    unsafe { simd.load(first.as_ptr()) }
}

/// The r-th smallest of `count` rows in order and `zeros` zeros, in each lane: of x sorted and z
/// zeros it is max(x[r - z], min(x[r], 0)), with x = -∞ before its beginning and +∞ after its end.
///
/// # Safety
/// `rows` is readable for `count` rows of `S::LANES` values; 1 <= r <= count + zeros.
#[inline(always)]
unsafe fn ranked<T: Element, S: Simd<T>>(
    simd: S,
    rows: *const T,
    count: usize,
    zeros: usize,
    r: usize,
) -> S::V {
    let mut upper = simd.splat(T::infinity());
    if r <= count {
        // SAFETY: row r - 1 < count.
        upper = unsafe { simd.load(rows.add((r - 1) * S::LANES)) };
    }
    let mut lower = simd.splat(T::neg_infinity());
    if r > zeros {
        // SAFETY: r <= count + zeros, so row r - zeros - 1 < count.
        lower = unsafe { simd.load(rows.add((r - zeros - 1) * S::LANES)) };
    }
    simd.max(lower, simd.min(upper, simd.splat(T::zero())))
}

/// Values added in the element type before they go to the `f64` sum: seven roundings of at most
/// half a unit each keep the sum within 4.2e-7 of Σ|v| in `f32`.
const SUM_BLOCK: usize = 8;

/// Σ c(v) over `values` and `zeros` zeros, in `f64` every `G` values, where c(v) is v [`clipped`].
#[inline(always)]
fn clipped_sum<T: Element, S: Simd<T>, const G: usize, const ABOVE: bool>(
    simd: S,
    values: &impl Values<T, S>,
    zeros: usize,
    low: S::V,
    high: S::V,
) -> S::Wide {
    let zero = simd.splat(T::zero());
    let of_zero = clipped::<T, S, ABOVE>(simd, zero, low, high);
    let mut total = simd.wide_mul(simd.widen(of_zero), simd.wide_splat(zeros as f64));
    let whole = values.len() / G * G;
    for start in (0..whole).step_by(G) {
        let mut sum = zero;
        for n in start..start + G {
            // SAFETY: n < whole <= len.
            let value = unsafe { values.at(simd, n) };
            sum = simd.add(sum, clipped::<T, S, ABOVE>(simd, value, low, high));
        }
        total = simd.wide_add(total, simd.widen(sum));
    }
    for n in whole..values.len() {
        // SAFETY: n < len.
        let value = unsafe { values.at(simd, n) };
        total = simd.wide_add(total, simd.widen(clipped::<T, S, ABOVE>(simd, value, low, high)));
    }
    total
}

/// min(max(v, low), high), and with `ABOVE` its distance to `low`.
#[inline(always)]
fn clipped<T: Element, S: Simd<T>, const ABOVE: bool>(
    simd: S,
    v: S::V,
    low: S::V,
    high: S::V,
) -> S::V {
    let clipped = simd.min(simd.max(v, low), high);
    if ABOVE { simd.sub(clipped, low) } else { clipped }
}
