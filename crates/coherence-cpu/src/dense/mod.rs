//! Aggregates of the rows of a dense n × d matrix, coordinate by coordinate or by whole rows.
//!
//! - [`Columnwise`]: any coordinate-wise rule of the core, with its errors and its policy for
//!   non-finite values; [`Parts`]: the same for rows that arrive in parts, such as from a file.
//! - [`mean`], [`winsorized_mean`], [`trimmed_mean`], [`median`]: the kernels themselves, for finite
//!   values.
//! - [`aggregate_rows`]: any rule of the core over whole rows; around a centre and by norms on all threads.
//! - [`krum`], [`multi_krum`]: rules on the [`gram`] matrix.
//! - [`add_moments`], [`add_dots`]: the sums that α is computed from.
//!
//! `n`: rows, `d`: columns. `rows [n, d]` is row-major, `out [d]`. Order statistics are exact. The
//! mean of all rows is accumulated in `f64`, row by row; other means are accumulated in `f64` from
//! partial sums of eight values, with an error of at most 1e-6 Σ|v| / n for `f32`. A zero result is +0.
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

use coherence_core::aggregate::{Median, Trimmed, Winsorized};

use crate::{
    Element, Isa,
    order::rule::{OrderRule, Selection},
};

/// Mean of the rows, `out [d]`.
///
/// # Panics
///
/// When `rows` is not n × d with n > 0.
///
/// ```
/// let mut out = [0.0f32; 2];
/// coherence_cpu::dense::mean(&[1.0, 2.0, 3.0, 6.0], &mut out);
/// assert_eq!(out, [2.0, 4.0]);
/// ```
pub fn mean<T: Element>(rows: &[T], out: &mut [T]) {
    trimmed_mean(rows, 0, out);
}

/// Winsorised mean of the rows, `out [d]`: each value is clipped to the (clip + 1)-smallest and
/// (clip + 1)-largest of its column, then the mean is taken. `clip = 0` is the mean, `2 clip = n`
/// the median.
///
/// # Panics
///
/// When `rows` is not n × d with n > 0, or `2 clip > n`.
///
/// ```
/// let mut out = [0.0f32];
/// coherence_cpu::dense::winsorized_mean(&[1.0, 2.0, 3.0, 1000.0], 1, &mut out);
/// assert_eq!(out, [2.5]); // (2 + 2 + 3 + 3) / 4
/// ```
pub fn winsorized_mean<T: Element>(rows: &[T], clip: usize, out: &mut [T]) {
    winsorized_mean_on(Isa::detect(), rows, clip, out);
}

/// [`winsorized_mean`] on a given instruction set.
pub fn winsorized_mean_on<T: Element>(isa: Isa, rows: &[T], clip: usize, out: &mut [T]) {
    select(isa, rows, Winsorized { clip }, out);
}

/// Trimmed mean of the rows, `out [d]`: the mean without the `trim` smallest and largest values of
/// each column.
///
/// # Panics
///
/// When `rows` is not n × d with n > 0, or `2 trim >= n`.
///
/// ```
/// let mut out = [0.0f32];
/// coherence_cpu::dense::trimmed_mean(&[1.0, 2.0, 4.0, 1000.0], 1, &mut out);
/// assert_eq!(out, [3.0]);
/// ```
pub fn trimmed_mean<T: Element>(rows: &[T], trim: usize, out: &mut [T]) {
    trimmed_mean_on(Isa::detect(), rows, trim, out);
}

/// [`trimmed_mean`] on a given instruction set.
pub fn trimmed_mean_on<T: Element>(isa: Isa, rows: &[T], trim: usize, out: &mut [T]) {
    select(isa, rows, Trimmed { trim }, out);
}

/// Median of the rows, `out [d]`: the middle value, the mean of the two middle values for even n.
///
/// # Panics
///
/// When `rows` is not n × d with n > 0.
///
/// ```
/// let mut out = [0.0f32];
/// coherence_cpu::dense::median(&[1.0, 1000.0, 3.0], &mut out);
/// assert_eq!(out, [3.0]);
/// ```
pub fn median<T: Element>(rows: &[T], out: &mut [T]) {
    median_on(Isa::detect(), rows, out);
}

/// [`median`] on a given instruction set.
pub fn median_on<T: Element>(isa: Isa, rows: &[T], out: &mut [T]) {
    select(isa, rows, Median, out);
}

fn select<T: Element>(isa: Isa, rows: &[T], rule: impl OrderRule, out: &mut [T]) {
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
