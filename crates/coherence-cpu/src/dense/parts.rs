//! Rules whose rows come in parts, one or several times: matrices larger than memory.
//!
//! `n`: rows, `d`: columns.

use coherence_core::finite::{NonFinite, Policy};

use super::{
    columns::{Columnwise, Method, add_signs, signs},
    count::Counting,
    finite::first_in_columns,
    select::select_columns,
    sorted::Between,
    sum::{View, add_rows},
};
use crate::{Element, Isa, elementwise::Loop, order::rule::Selection};

/// What is made of the order statistics of a column of many values.
#[derive(Clone, Debug)]
pub(super) struct Counted {
    /// Places from 0, the lower before their mirror images.
    pub(super) ranks: Vec<usize>,
    pub(super) finish: Finish,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Finish {
    /// The mean of the two values.
    Middle,
    /// The mean of the values clipped to the two.
    Clipped,
    /// As clipped, without what is clipped: so many at either end.
    Inner { trim: usize },
    /// The mean of the values clipped to thresholds between two values each.
    Between(Between),
}

impl Counted {
    pub(super) fn median(n: usize) -> Self {
        Self { ranks: vec![(n - 1) / 2, n / 2], finish: Finish::Middle }
    }

    pub(super) fn winsorized(clip: usize, n: usize) -> Self {
        Self { ranks: vec![clip, n - 1 - clip], finish: Finish::Clipped }
    }

    pub(super) fn trimmed(trim: usize, n: usize) -> Self {
        Self { ranks: vec![trim, n - 1 - trim], finish: Finish::Inner { trim } }
    }

    pub(super) fn between(between: Between, n: usize) -> Self {
        let Between { at, next, .. } = between;
        let ranks = vec![at, next, n - 1 - at, n - 1 - next];
        Self { ranks, finish: Finish::Between(between) }
    }
}

/// A rule by coordinate whose rows come in parts.
///
/// Made by [`Columnwise::parts`]. While [`needs_pass`](Self::needs_pass), all rows are added, in
/// their order and in parts of any size, and the pass is ended. The result is that of
/// [`Columnwise::aggregate`] to the bit.
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
    /// Columns with a value that is not finite.
    marked: Vec<bool>,
    state: State<T>,
}

#[derive(Debug)]
enum State<T> {
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
    /// This rule for `columns` columns whose rows come in parts; `None` if it must have all rows at
    /// hand: if it sorts them, or the core computes it.
    pub fn parts<T: Element>(&self, columns: usize, policy: Policy) -> Option<Parts<'_, T>> {
        let state = match &self.method {
            Method::Mean => State::Sums(vec![0.0; columns]),
            Method::MedianOfMeans(groups, _) => State::Groups {
                group: 0,
                sums: vec![0.0; columns],
                means: vec![T::zero(); groups.len() * columns],
            },
            Method::SignMajority => State::Signs(vec![0; columns]),
            Method::Counted(counted) => {
                State::Counting(Counting::new::<T>(&counted.ranks, columns))
            }
            Method::Selection(_) | Method::Sorted(_) | Method::Core => return None,
        };
        let marked = vec![false; columns];
        let (rows, first_pass, needs_pass) = (0, true, true);
        Some(Parts { rule: self, columns, policy, rows, first_pass, needs_pass, marked, state })
    }
}

impl Columnwise {
    /// The bytes of memory that [`parts`](Self::parts) keep for each column; `None` where there are none.
    pub fn part_state<T: Element>(&self) -> Option<usize> {
        match &self.method {
            Method::Mean | Method::SignMajority => Some(size_of::<f64>()),
            Method::MedianOfMeans(groups, _) => {
                Some(size_of::<f64>() + groups.len() * size_of::<T>())
            }
            Method::Counted(counted) => Some(Counting::bytes_a_column(counted.ranks.len())),
            Method::Selection(_) | Method::Sorted(_) | Method::Core => None,
        }
    }
}

impl<T: Element> Parts<'_, T> {
    /// Whether the rows are needed once more.
    pub fn needs_pass(&self) -> bool {
        self.needs_pass
    }

    /// Adds the next rows [rows, columns] of this pass.
    ///
    /// # Errors
    ///
    /// [`NonFinite`] under [`Policy::Error`], with the index row · columns + column in all rows.
    ///
    /// # Panics
    ///
    /// If `rows` are not whole rows, or more than n in all.
    pub fn add(&mut self, rows: &[T]) -> Result<(), NonFinite> {
        let (columns, isa) = (self.columns, self.rule.isa);
        assert!(rows.len().is_multiple_of(columns), "rows of {columns} values");
        let before = self.rows;
        self.rows += rows.len() / columns;
        assert!(self.rows <= self.rule.n, "more than {} rows", self.rule.n);
        if self.first_pass {
            self.look_for_non_finite(rows, before)?;
        }
        match &mut self.state {
            State::Sums(sums) => add_rows(isa, rows, sums),
            State::Signs(balance) => {
                rows.chunks_exact(columns).for_each(|row| add_signs(isa, row, balance));
            }
            State::Counting(counting) => counting.add(rows),
            State::Groups { group, sums, means } => {
                let Method::MedianOfMeans(groups, _) = &self.rule.method else { return Ok(()) };
                let (mut rows, mut row) = (rows, before);
                while !rows.is_empty() {
                    let here = &groups[*group];
                    let (now, later) = rows.split_at(rows.len().min((here.end - row) * columns));
                    add_rows(isa, now, sums);
                    (rows, row) = (later, row + now.len() / columns);
                    if row == here.end {
                        divide(sums, here.len(), &mut means[*group * columns..][..columns]);
                        sums.fill(0.0);
                        *group += 1;
                    }
                }
            }
            State::Clipped { low, high, sums } => {
                T::run(
                    isa,
                    Loop(|| {
                        for row in rows.chunks_exact(columns) {
                            let places = row.iter().zip(&*low).zip(&*high);
                            for (sum, ((x, &low), &high)) in sums.iter_mut().zip(places) {
                                let x = x.widen();
                                let x = if x > low { x } else { low };
                                *sum += if x < high { x } else { high };
                            }
                        }
                    }),
                );
            }
        }
        Ok(())
    }

    fn look_for_non_finite(&mut self, rows: &[T], before: usize) -> Result<(), NonFinite> {
        let (columns, isa) = (self.columns, self.rule.isa);
        let view = View { rows, d: columns, start: 0 };
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
        assert_eq!(self.rows, self.rule.n, "a pass goes over all rows");
        (self.rows, self.first_pass) = (0, false);
        let State::Counting(counting) = &mut self.state else {
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
            Finish::Between(between) => between.thresholds([0, 1, 2, 3].map(|rank| at(rank, j))),
            _ => (at(0, j), at(1, j)),
        };
        let (low, high) = (0..self.columns).map(thresholds).unzip();
        self.needs_pass = !matches!(finish, Finish::Middle);
        self.state = State::Clipped { low, high, sums: vec![0.0; self.columns] };
    }

    /// Writes the results to `out` \[columns\], and returns the columns, if any, whose result is not
    /// there: those with a value that is not finite or a sum beyond the element type. For these ask
    /// [`Columnwise::column`].
    ///
    /// # Panics
    ///
    /// If a pass is needed, or `out` has another length.
    pub fn finish(self, out: &mut [T]) -> Vec<usize> {
        assert!(!self.needs_pass && out.len() == self.columns, "all passes, one result a column");
        let (rule, n) = (self.rule, self.rule.n as f64);
        match (&self.state, &rule.method) {
            (State::Sums(sums), _) => divide(sums, rule.n, out),
            (State::Signs(balance), _) => signs(balance, out),
            (State::Groups { means, .. }, Method::MedianOfMeans(_, median)) => {
                median_of_means(rule.isa, median, means, out);
            }
            (State::Clipped { low, high, sums }, Method::Counted(Counted { finish, .. })) => {
                for (j, out) in out.iter_mut().enumerate() {
                    let (low, high) = (low[j], high[j]);
                    let mean = match *finish {
                        _ if low == high => low,
                        Finish::Middle => (low + high) / 2.0,
                        Finish::Inner { trim } => {
                            (sums[j] - trim as f64 * (low + high)) / (n - 2.0 * trim as f64)
                        }
                        Finish::Clipped | Finish::Between(_) => sums[j] / n,
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

/// The median of the rows of `means`; NaN where a mean left the range of the element type.
pub(super) fn median_of_means<T: Element>(
    isa: Isa,
    median: &Selection,
    means: &[T],
    out: &mut [T],
) {
    let d = out.len();
    select_columns(isa, median, View { rows: means, d, start: 0 }, out);
    for mean in means.chunks_exact(d) {
        for (out, x) in out.iter_mut().zip(mean) {
            if !x.is_finite() {
                *out = T::nan();
            }
        }
    }
}
