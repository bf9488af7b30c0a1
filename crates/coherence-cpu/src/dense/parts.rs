//! Rules for rows that arrive in parts, in one or several passes: matrices larger than memory.
//!
//! `n`: rows, `d`: columns.

use coherence_core::{
    aggregate::Interpolation,
    finite::{NonFinite, Policy},
};

use super::{
    columns::{Columnwise, Method, add_signs, signs},
    count::Counting,
    finite::first_in_columns,
    select::select_columns,
    sum::{ColumnView, add_rows},
};
use crate::{
    Element, Isa,
    isa::run_loop,
    order::rule::{Selection, keeps_few},
};

/// A rule computed from order statistics of a column of many values.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    /// The ranks needed, from 0: the lower ones, then their mirror images.
    pub(super) ranks: Vec<usize>,
    pub(super) finish: CountedFinish,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum CountedFinish {
    /// The mean of the two values.
    Middle,
    /// The mean of the values clipped to the two.
    Clipped,
    /// The mean without the `trim` values at either end.
    Inner { trim: usize },
    /// The mean of the values clipped to thresholds between two values each.
    Between(Interpolation),
}

impl CountedFinish {
    /// Whether it is a mean of n values that is taken from distances to the lower threshold.
    fn is_of_distances(self, n: usize) -> bool {
        matches!(self, Self::Inner { trim } if keeps_few(n, trim))
    }
}

impl Counted {
    pub(super) fn median(n: usize) -> Self {
        Self { ranks: vec![(n - 1) / 2, n / 2], finish: CountedFinish::Middle }
    }

    pub(super) fn winsorized(clip: usize, n: usize) -> Self {
        Self { ranks: vec![clip, n - 1 - clip], finish: CountedFinish::Clipped }
    }

    pub(super) fn trimmed(trim: usize, n: usize) -> Self {
        Self { ranks: vec![trim, n - 1 - trim], finish: CountedFinish::Inner { trim } }
    }

    pub(super) fn between(between: Interpolation, n: usize) -> Self {
        let Interpolation { at, next, .. } = between;
        let ranks = vec![at, next, n - 1 - at, n - 1 - next];
        Self { ranks, finish: CountedFinish::Between(between) }
    }
}

/// The computation of a coordinate-wise rule for rows that arrive in parts.
///
/// Created by [`Columnwise::parts`]. While [`needs_pass`](Self::needs_pass) is true, add all rows, in
/// order and in parts of any size, and end the pass. The result equals that of
/// [`Columnwise::aggregate`] bit for bit.
///
/// # Example
///
/// ```
/// use coherence_core::{aggregate::{AnyCoordinateRule, Mean}, finite::Policy};
/// use coherence_cpu::dense::Columnwise;
///
/// let rule = Columnwise::new(AnyCoordinateRule::Mean(Mean), 3)?;
/// let mut parts = rule.parts::<f32>(2, Policy::Error).expect("a mean needs no more than a sum");
/// while parts.needs_pass() {
///     parts.add(&[1.0, 2.0, /**/ 3.0, 4.0])?;
///     parts.add(&[5.0, 9.0])?;
///     parts.end_pass();
/// }
/// let mut out = [0.0; 2];
/// assert!(parts.finish(&mut out).is_empty());
/// assert_eq!(out, [3.0, 5.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Parts<'a, T> {
    rule: &'a Columnwise,
    columns: usize,
    policy: Policy,
    /// Rows added in this pass.
    rows: usize,
    first_pass: bool,
    needs_pass: bool,
    /// Whether each column has a non-finite value.
    marked: Vec<bool>,
    state: PartState<T>,
}

#[derive(Debug)]
enum PartState<T> {
    Sums(Vec<f64>),
    Groups {
        group: usize,
        sums: Vec<f64>,
        /// [groups, columns]
        means: Vec<T>,
    },
    Signs(Vec<i64>),
    Counting(Counting),
    Clipped {
        low: Vec<f64>,
        high: Vec<f64>,
        sums: Vec<f64>,
    },
}

impl Columnwise {
    /// This rule for `columns` columns whose rows arrive in parts; `None` if it needs all rows at once,
    /// because it sorts them or the core computes it.
    pub fn parts<T: Element>(&self, columns: usize, policy: Policy) -> Option<Parts<'_, T>> {
        let state = match &self.method {
            Method::Mean => PartState::Sums(vec![0.0; columns]),
            Method::MedianOfMeans(groups, _) => PartState::Groups {
                group: 0,
                sums: vec![0.0; columns],
                means: vec![T::zero(); groups.len() * columns],
            },
            Method::SignMajority => PartState::Signs(vec![0; columns]),
            Method::Counted(counted) => {
                PartState::Counting(Counting::new::<T>(&counted.ranks, columns))
            }
            Method::Selection(_) | Method::Sorted(_) | Method::Core => return None,
        };
        let marked = vec![false; columns];
        let (rows, first_pass, needs_pass) = (0, true, true);
        Some(Parts { rule: self, columns, policy, rows, first_pass, needs_pass, marked, state })
    }
}

impl Columnwise {
    /// Bytes of memory per column that [`parts`](Self::parts) takes; `None` if it returns `None`.
    pub fn part_state<T: Element>(&self) -> Option<usize> {
        match &self.method {
            Method::Mean | Method::SignMajority => Some(size_of::<f64>()),
            Method::MedianOfMeans(groups, _) => {
                Some(size_of::<f64>() + groups.len() * size_of::<T>())
            }
            Method::Counted(counted) => Some(Counting::bytes_per_column(counted.ranks.len())),
            Method::Selection(_) | Method::Sorted(_) | Method::Core => None,
        }
    }
}

impl<T: Element> Parts<'_, T> {
    /// Whether another pass over the rows is needed.
    pub fn needs_pass(&self) -> bool {
        self.needs_pass
    }

    /// Adds the next rows [rows, columns] of this pass.
    ///
    /// # Errors
    ///
    /// [`NonFinite`] under [`Policy::Error`], with the index row · columns + column, rows counted from
    /// the first of the pass.
    ///
    /// # Panics
    ///
    /// If `rows` are not whole rows, or there are more than n in total.
    pub fn add(&mut self, rows: &[T]) -> Result<(), NonFinite> {
        let (columns, isa) = (self.columns, self.rule.isa);
        assert!(rows.len().is_multiple_of(columns), "rows of {columns} values");
        let before = self.rows;
        self.rows += rows.len() / columns;
        assert!(self.rows <= self.rule.n, "more than {} rows", self.rule.n);
        let sums_tell = matches!(self.state, PartState::Sums(_) | PartState::Groups { .. });
        if self.first_pass && !sums_tell {
            self.find_non_finite(rows, before)?;
        }
        let mut are_sums_finite = true;
        match &mut self.state {
            PartState::Sums(sums) => are_sums_finite = add_rows(isa, rows, sums),
            PartState::Signs(balance) => {
                rows.chunks_exact(columns).for_each(|row| add_signs(isa, row, balance));
            }
            PartState::Counting(counting) => counting.add(rows),
            PartState::Groups { group, sums, means } => {
                let Method::MedianOfMeans(groups, _) = &self.rule.method else { return Ok(()) };
                let (mut rows, mut row) = (rows, before);
                while !rows.is_empty() {
                    let here = &groups[*group];
                    let (now, later) = rows.split_at(rows.len().min((here.end - row) * columns));
                    are_sums_finite &= add_rows(isa, now, sums);
                    (rows, row) = (later, row + now.len() / columns);
                    if row == here.end {
                        divide(sums, here.len(), &mut means[*group * columns..][..columns]);
                        sums.fill(0.0);
                        *group += 1;
                    }
                }
            }
            PartState::Clipped { low, high, sums } => {
                let Method::Counted(Counted { finish, .. }) = &self.rule.method else {
                    unreachable!("values are clipped at counted ranks")
                };
                let above = f64::from(u8::from(finish.is_of_distances(self.rule.n)));
                run_loop!(isa, {
                    for row in rows.chunks_exact(columns) {
                        let places = row.iter().zip(&*low).zip(&*high);
                        for (sum, ((x, &low), &high)) in sums.iter_mut().zip(places) {
                            let x = x.widen();
                            let x = if x > low { x } else { low };
                            *sum += (if x < high { x } else { high }) - above * low;
                        }
                    }
                });
            }
        }
        if are_sums_finite { Ok(()) } else { self.find_non_finite(rows, before) }
    }

    /// The error, or the mark, of the rows' non-finite values, if there are any.
    fn find_non_finite(&mut self, rows: &[T], before: usize) -> Result<(), NonFinite> {
        let (columns, isa) = (self.columns, self.rule.isa);
        let view = ColumnView { rows, d: columns, start: 0 };
        let Some(index) = first_in_columns(isa, view, columns) else { return Ok(()) };
        if self.policy == Policy::Error {
            return Err(NonFinite { index: before * columns + index });
        }
        for row in rows.chunks_exact(columns) {
            for (marked, x) in self.marked.iter_mut().zip(row) {
                *marked |= !x.is_finite();
            }
        }
        Ok(())
    }

    /// Ends a pass over all n rows.
    ///
    /// # Panics
    ///
    /// If fewer than n rows were added.
    pub fn end_pass(&mut self) {
        assert_eq!(self.rows, self.rule.n, "a pass must cover all rows");
        (self.rows, self.first_pass) = (0, false);
        let PartState::Counting(counting) = &mut self.state else {
            self.needs_pass = false;
            return;
        };
        counting.end_pass::<T>();
        if counting.needs_pass() {
            return;
        }
        let values = counting.values::<T>();
        let Method::Counted(Counted { finish, .. }) = &self.rule.method else { return };
        let at = |rank: usize, column: usize| values[rank * self.columns + column];
        let thresholds = |j: usize| match finish {
            CountedFinish::Between(between) => {
                between.thresholds([0, 1, 2, 3].map(|rank| at(rank, j)))
            }
            _ => (at(0, j), at(1, j)),
        };
        let (low, high) = (0..self.columns).map(thresholds).unzip();
        self.needs_pass = !matches!(finish, CountedFinish::Middle);
        self.state = PartState::Clipped { low, high, sums: vec![0.0; self.columns] };
    }

    /// Writes the results to `out` \[columns\] and returns the columns without a valid result: those
    /// with a non-finite value, or a sum beyond the range of the element type. Compute these with
    /// [`Columnwise::column`].
    ///
    /// # Panics
    ///
    /// If another pass is needed, or `out` does not have one value per column.
    pub fn finish(self, out: &mut [T]) -> Vec<usize> {
        assert!(
            !self.needs_pass && out.len() == self.columns,
            "all passes must be over, and out must have one value per column"
        );
        let (rule, n) = (self.rule, self.rule.n as f64);
        match (&self.state, &rule.method) {
            (PartState::Sums(sums), _) => divide(sums, rule.n, out),
            (PartState::Signs(balance), _) => signs(balance, out),
            (PartState::Groups { means, .. }, Method::MedianOfMeans(_, median)) => {
                median_of_means(rule.isa, median, means, out);
            }
            (PartState::Clipped { low, high, sums }, Method::Counted(Counted { finish, .. })) => {
                for (j, out) in out.iter_mut().enumerate() {
                    let (low, high) = (low[j], high[j]);
                    let mean = match *finish {
                        _ if low == high => low,
                        CountedFinish::Middle => (low + high) / 2.0,
                        CountedFinish::Inner { trim } => {
                            let base = if finish.is_of_distances(rule.n) { low } else { 0.0 };
                            let outside = trim as f64 * ((low - base) + (high - base));
                            let above = (sums[j] - outside) / (n - 2.0 * trim as f64);
                            (base + above).clamp(low, high)
                        }
                        CountedFinish::Clipped | CountedFinish::Between(_) => sums[j] / n,
                    };
                    *out = T::narrow(mean) + T::zero();
                }
            }
            _ => unreachable!("the state is that of the rule's method"),
        }
        let absent = |j: &usize| self.marked[*j] || !out[*j].is_finite();
        (0..self.columns).filter(absent).collect()
    }
}

/// `out` = `sums` / `count`; a zero is +0.
fn divide<T: Element>(sums: &[f64], count: usize, out: &mut [T]) {
    for (out, sum) in out.iter_mut().zip(sums) {
        *out = T::narrow(sum / count as f64) + T::zero();
    }
}

/// The median of the rows of `means`; NaN where a mean exceeded the range of the element type.
pub(super) fn median_of_means<T: Element>(
    isa: Isa,
    median: &Selection,
    means: &[T],
    out: &mut [T],
) {
    let d = out.len();
    select_columns(isa, median, ColumnView { rows: means, d, start: 0 }, out);
    for mean in means.chunks_exact(d) {
        for (out, x) in out.iter_mut().zip(mean) {
            if !x.is_finite() {
                *out = T::nan();
            }
        }
    }
}
