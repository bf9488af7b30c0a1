//! Aggregates of the rows of a dense n × d matrix, coordinate by coordinate or by whole rows.
//!
//! - [`Columnwise`]: any coordinate-wise rule of the core, with its errors and its policy for
//!   non-finite values; [`Parts`]: the same for rows that arrive in parts, such as from a file.
//! - [`robust_mean`]: the kernel of the mean, the winsorised and the trimmed mean and the median, for finite
//!   values.
//! - [`aggregate_rows`]: any rule of the core over whole rows; around a centre and by norms on all threads.
//! - [`krum`], [`multi_krum`]: rules on the [`gram`] matrix.
//! - [`add_moments`], [`add_dots`]: the sums that α is computed from.
//!
//! `n`: rows, `d`: columns. `rows [n, d]` is row-major, `out [d]`. Order statistics are exact. The
//! mean of all rows is accumulated in `f64`, row by row; other means are accumulated in `f64` from
//! partial sums of eight values, with an error of at most 1e-6 Σ|v| / n for `f32`. Rounding may put these means one
//! step beyond the values, as 0.1 added 17 times and divided by 17 is; a trimmed mean lies among the values it
//! keeps. A zero result is +0.
//! Results do not depend on the number of threads. Coordinate-wise results are the same on every
//! instruction set; dots, and results computed from them, differ between these in the last bits.
//! Functions whose names end in `_here` run on the calling thread.

mod barycentric;
mod columns;
mod count;
mod distance;
mod finite;
mod gram;
mod krum;
mod moments;
mod parts;
mod row_set;
mod rowwise;
mod select;
mod sorted;
mod sum;
mod tiles;

pub(crate) use select::{Block, select_here};
pub(crate) use sorted::SortedColumns;
pub(crate) use sum::Sum;
pub(crate) use tiles::Tiles;

pub use columns::Columnwise;
pub use distance::square_between;
pub use finite::first_non_finite;
pub use gram::{GramSum, gram, gram_on};
pub use krum::{KrumChoice, krum, multi_krum};
pub use moments::{add_dots, add_moments};
pub use parts::Parts;
pub use rowwise::aggregate_rows;

use crate::{
    Element, Isa,
    order::rule::{OrderRule, Selection},
};

/// Robust mean of the rows, `out [d]`: `rule` over the values of each column, such as
/// [`Winsorized`](coherence_core::aggregate::Winsorized).
///
/// # Panics
///
/// When `rows` is not n × d, or with the core's error when the rule is not defined for n values.
///
/// ```
/// use coherence_core::aggregate::{Mean, Median, Trimmed, Winsorized};
/// use coherence_cpu::dense::robust_mean;
/// let (rows, mut out) = ([1.0, 2.0, 4.0, 1001.0], [0.0f32]);
/// robust_mean(&rows, Mean, &mut out);
/// assert_eq!(out, [252.0]);
/// robust_mean(&rows, Winsorized { clip: 1 }, &mut out);
/// assert_eq!(out, [3.0]); // (2 + 2 + 4 + 4) / 4
/// robust_mean(&rows, Trimmed { trim: 1 }, &mut out);
/// assert_eq!(out, [3.0]); // (2 + 4) / 2
/// robust_mean(&rows, Median, &mut out);
/// assert_eq!(out, [3.0]);
/// ```
pub fn robust_mean<T: Element>(rows: &[T], rule: impl OrderRule, out: &mut [T]) {
    robust_mean_on(Isa::detect(), rows, rule, out);
}

/// [`robust_mean`] on a given instruction set.
pub fn robust_mean_on<T: Element>(isa: Isa, rows: &[T], rule: impl OrderRule, out: &mut [T]) {
    if out.is_empty() {
        return;
    }
    let d = out.len();
    assert!(rows.len().is_multiple_of(d), "{} values, rows of {d}", rows.len());
    let n = rows.len() / d;
    let selection = Selection::from_rule(rule, n);
    if selection.is_mean() {
        sum::weighted_sum(isa, rows, &vec![1.0; n], n as f64, out);
    } else {
        select::select(isa, &selection, rows, out);
    }
}
