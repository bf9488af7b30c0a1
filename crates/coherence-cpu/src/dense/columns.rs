//! Every coordinate-wise rule of the core on the columns of a matrix.
//!
//! `n`: rows, `d`: columns. The core defines the rules and the n they are defined for; this module
//! computes them for many columns at once.

use core::ops::Range;
use std::sync::Arc;

use coherence_core::{
    aggregate::{
        AggregateError, AnyCoordinateRule, CoordinateRule, Interpolation, Median, Percentile,
        Requirements, Trimmed, Winsorized, groups,
    },
    finite::{NonFinite, Policy},
};
use rayon::prelude::*;

use super::{
    finite::first_in_columns,
    parts::{Counted, median_of_means},
    select::select_columns,
    sorted::{Sorted, SortedFinish},
    sum::{ColumnView, mean_here},
};
use crate::{
    Element, Isa,
    isa::run_loop,
    order::rule::{OrderRule, Selection},
    scratch::Scratch,
};

/// Columns in a thread's unit of work.
const WIDTH: usize = 1 << 10;

/// The most rows that are sorted; with more, values are counted instead, see [`Parts`](super::Parts).
pub(super) const MOST_SORTED: usize = 1 << 12;

/// A coordinate-wise rule prepared for n rows.
///
/// `out[j]` is the rule applied to column j. Order statistics equal those of
/// [`coherence_core::aggregate`] bit for bit; sums differ from them by at most 1e-6 Σ|v|/n for `f32`
/// and 1e-14 Σ|v|/n for `f64`. Results are bit for bit the same for any number of threads, on every
/// instruction set, and for any division of the columns into blocks.
///
/// # Example
///
/// ```
/// use coherence_core::{aggregate::{AnyCoordinateRule, MeanAroundMedian}, finite::Policy};
/// use coherence_cpu::dense::Columnwise;
///
/// let rule = AnyCoordinateRule::MeanAroundMedian(MeanAroundMedian { f: 1 });
/// let mut out = [0.0f32; 2];
/// let rows = [1.0, 5.0, /**/ 3.0, 5.0, /**/ 900.0, 8.0];
/// Columnwise::new(rule, 3)?.aggregate(&rows, Policy::Error, &mut out)?;
/// assert_eq!(out, [2.0, 5.0]);
/// # Ok::<(), coherence_core::aggregate::AggregateError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Columnwise {
    pub(super) rule: AnyCoordinateRule,
    pub(super) n: usize,
    pub(super) isa: Isa,
    pub(super) method: Method,
}

/// How a rule is computed.
#[derive(Clone, Debug)]
pub(super) enum Method {
    Mean,
    /// One pair of order statistics.
    Selection(Arc<Selection>),
    /// Order statistics of many rows.
    Counted(Counted),
    /// The median of the means of groups of rows.
    MedianOfMeans(Vec<Range<usize>>, Arc<Selection>),
    /// All order statistics.
    Sorted(Sorted),
    SignMajority,
    /// The core's own function, column by column.
    Core,
}

impl Columnwise {
    /// Prepares `rule` for n rows.
    ///
    /// # Errors
    ///
    /// The error of [`Requirements::check`] if the rule is not defined for n vectors.
    pub fn new(rule: AnyCoordinateRule, n: usize) -> Result<Self, AggregateError> {
        Self::with_isa(Isa::detect(), rule, n)
    }

    /// [`new`](Self::new) on a given instruction set.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_isa(isa: Isa, rule: AnyCoordinateRule, n: usize) -> Result<Self, AggregateError> {
        rule.check(n)?;
        Ok(Self { rule, n, isa, method: Method::new(rule, n) })
    }

    /// The aggregate of `rows` [n, d] into `out` \[d\].
    ///
    /// # Errors
    ///
    /// [`AggregateError::NonFinite`] under [`Policy::Error`], with the index row · d + column of a
    /// non-finite value: the first by row in the first block of 1024 columns that has one; under
    /// [`Policy::Omit`] that of the rule's [`check`](Requirements::check) if a column has too few
    /// values left.
    ///
    /// # Panics
    ///
    /// When `rows` is not n × d.
    pub fn aggregate<T: Element>(
        &self,
        rows: &[T],
        policy: Policy,
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        let d = out.len();
        assert_eq!(rows.len(), self.n * d, "rows [{}, {d}]", self.n);
        let block = |(at, out): (usize, &mut [T])| {
            self.view(ColumnView { rows, d, start: at * WIDTH }, policy, out)
        };
        let blocks = out.par_chunks_mut(WIDTH).enumerate();
        let failed = blocks.map(block).find_first(Result::is_err);
        failed.unwrap_or(Ok(()))
    }

    /// [`aggregate`](Self::aggregate) on the calling thread only.
    ///
    /// # Errors
    ///
    /// As [`aggregate`](Self::aggregate), with the index of the first non-finite value by row.
    ///
    /// # Panics
    ///
    /// When `rows` is not n × d.
    pub fn aggregate_here<T: Element>(
        &self,
        rows: &[T],
        policy: Policy,
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        let d = out.len();
        assert_eq!(rows.len(), self.n * d, "rows [{}, {d}]", self.n);
        self.view(ColumnView { rows, d, start: 0 }, policy, out)
    }

    /// The core's rule applied to one column of n values, in `f64` as in
    /// [`Coordinatewise`](coherence_core::aggregate::Coordinatewise).
    ///
    /// # Errors
    ///
    /// [`AggregateError::NonFinite`] if the policy refuses a value; under [`Policy::Omit`] that of the
    /// rule's [`check`](Requirements::check) if too few values are left.
    pub fn column<T: Element>(
        &self,
        values: &mut [f64],
        policy: Policy,
    ) -> Result<T, AggregateError> {
        self.rule.aggregate(values, policy).map(T::narrow)
    }

    fn view<T: Element>(
        &self,
        view: ColumnView<'_, T>,
        policy: Policy,
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        let first = first_in_columns(self.isa, view, out.len());
        if let (Some(index), Policy::Error) = (first, policy) {
            return Err(NonFinite { index }.into());
        }
        self.aggregate_finite(view, out);
        self.recompute(view, policy, first.is_some(), out)
    }

    /// Applies the rule to columns whose values are finite.
    fn aggregate_finite<T: Element>(&self, view: ColumnView<'_, T>, out: &mut [T]) {
        let (isa, n) = (self.isa, self.n);
        match &self.method {
            Method::Mean => mean_here(isa, view, &vec![1.0; n], n as f64, out),
            Method::Selection(selection) => select_columns(isa, selection, view, out),
            Method::Counted(_) => self.in_parts(view, out),
            Method::MedianOfMeans(groups, median) => {
                let width = out.len();
                let mut means = Scratch::new(groups.len() * width);
                for (group, mean) in groups.iter().zip(means.chunks_exact_mut(width)) {
                    let rows = &view.rows[group.start * view.d..group.end * view.d];
                    let weights = vec![1.0; group.len()];
                    mean_here(isa, ColumnView { rows, ..view }, &weights, group.len() as f64, mean);
                }
                median_of_means(isa, median, &means, out);
            }
            Method::Sorted(sorted) => sorted.columns(isa, view, out),
            Method::SignMajority => {
                let mut balance = vec![0; out.len()];
                for row in view.rows.chunks_exact(view.d) {
                    add_signs(isa, &row[view.start..][..out.len()], &mut balance);
                }
                signs(&balance, out);
            }
            Method::Core => out.fill(T::nan()), // `recompute` replaces every NaN
        }
    }

    /// Columns of many rows, by the same passes as a file too large for memory. Columns that must be
    /// recomputed become NaN.
    fn in_parts<T: Element>(&self, view: ColumnView<'_, T>, out: &mut [T]) {
        const ROWS: usize = 64;
        let ColumnView { rows, d, start } = view;
        let width = out.len();
        let Some(mut parts) = self.parts(width, Policy::Propagate) else { return };
        let mut part = Scratch::new(ROWS * width);
        while parts.needs_pass() {
            for rows in rows.chunks(ROWS * d) {
                let part = &mut part[..rows.len() / d * width];
                for (to, row) in part.chunks_exact_mut(width).zip(rows.chunks_exact(d)) {
                    to.copy_from_slice(&row[start..][..width]);
                }
                // `Propagate` refuses no value.
                let _ = parts.add(part);
            }
            parts.end_pass();
        }
        for column in parts.finish(out) {
            out[column] = T::nan();
        }
    }

    /// Recomputes with the core the columns that have a non-finite value (searched for if
    /// `any_non_finite`) and those whose sum exceeded the range of the element type.
    fn recompute<T: Element>(
        &self,
        view: ColumnView<'_, T>,
        policy: Policy,
        any_non_finite: bool,
        out: &mut [T],
    ) -> Result<(), AggregateError> {
        let mut column = Vec::new();
        for (j, out) in out.iter_mut().enumerate() {
            if out.is_finite() && !any_non_finite {
                continue;
            }
            let values = view.rows[view.start + j..].iter().step_by(view.d);
            column.clear();
            column.extend(values.map(|x| x.widen()));
            if !out.is_finite() || column.iter().any(|x| !x.is_finite()) {
                *out = self.column(&mut column, policy)?;
            }
        }
        Ok(())
    }
}

impl Method {
    fn new(rule: AnyCoordinateRule, n: usize) -> Self {
        match rule {
            AnyCoordinateRule::Mean(_) => Self::Mean,
            AnyCoordinateRule::Median(_) => Self::median(n),
            AnyCoordinateRule::Winsorized(rule) => Self::winsorized(rule.clip, n),
            AnyCoordinateRule::WinsorizedPercent(rule) => match rule.definition() {
                Percentile::Interpolated => Self::interpolated(rule.percent(), n),
                _ => Self::winsorized(rule.by_count(n).clip, n),
            },
            AnyCoordinateRule::Trimmed(rule) => Self::trimmed(rule.trim, n),
            AnyCoordinateRule::MedianOfMeans(rule) if rule.groups <= MOST_SORTED => {
                let median = Selection::from_rule(Median, rule.groups);
                Self::MedianOfMeans(groups(n, rule.groups).collect(), median)
            }
            AnyCoordinateRule::MeanAroundMedian(rule) if rule.f == 0 => Self::Mean,
            AnyCoordinateRule::MeanAroundMedian(rule) if n <= MOST_SORTED => {
                Self::Sorted(Sorted::new(SortedFinish::Around { f: rule.f }, n))
            }
            AnyCoordinateRule::SignMajority(_) => Self::SignMajority,
            _ => Self::Core,
        }
    }

    fn median(n: usize) -> Self {
        Self::select(n, Median, Counted::median(n))
    }

    fn winsorized(clip: usize, n: usize) -> Self {
        match clip {
            0 => Self::Mean,
            // 2 clip is at most n; 2 clip = n is the median.
            _ if 2 * clip >= n => Self::median(n),
            _ => Self::select(n, Winsorized { clip }, Counted::winsorized(clip, n)),
        }
    }

    fn trimmed(trim: usize, n: usize) -> Self {
        match trim {
            0 => Self::Mean,
            _ => Self::select(n, Trimmed { trim }, Counted::trimmed(trim, n)),
        }
    }

    fn interpolated(percent: f64, n: usize) -> Self {
        let between = Interpolation::new(percent, n);
        if n <= MOST_SORTED {
            Self::Sorted(Sorted::new(SortedFinish::Between(between), n))
        } else {
            Self::Counted(Counted::between(between, n))
        }
    }

    /// Selection, or counting if there are many rows.
    fn select(n: usize, rule: impl OrderRule, counted: Counted) -> Self {
        if n <= MOST_SORTED {
            Self::Selection(Selection::from_rule(rule, n))
        } else {
            Self::Counted(counted)
        }
    }
}

/// Adds the sign of each value to the balance of its column; zeros abstain.
pub(super) fn add_signs<T: Element>(isa: Isa, row: &[T], balance: &mut [i64]) {
    run_loop!(isa, {
        for (balance, &x) in balance.iter_mut().zip(row) {
            *balance += i64::from(x > T::zero()) - i64::from(x < T::zero());
        }
    });
}

/// The sign of each balance: 1, 0 or −1.
pub(super) fn signs<T: Element>(balance: &[i64], out: &mut [T]) {
    for (out, balance) in out.iter_mut().zip(balance) {
        *out = T::narrow(balance.signum() as f64);
    }
}
