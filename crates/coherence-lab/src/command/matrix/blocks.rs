//! The division of a matrix into blocks, each of which is read at once.
//!
//! n: rows, d: columns. Results do not depend on the division.

use std::ops::Range;

use coherence_data::matrix::{Matrix, Order, Source, Value};

/// Bytes of a block: it stays in a core's caches while it is processed.
const BLOCK: usize = 1 << 20;
/// The most bytes of a block of many rows, which must be larger so that its runs are not too short.
const LARGEST: usize = 1 << 23;
/// Values of a contiguous run that is long enough to be read at full speed.
const RUN: usize = 1 << 10;
/// The most columns of a block.
const WIDEST: usize = 1 << 14;

/// The shape of the blocks [rows, columns].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BlockShape {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl BlockShape {
    /// Blocks with all n rows; `None` if a single column is too large.
    pub(crate) fn with_all_rows<T: Value>(matrix: &Matrix<impl Source>) -> Option<Self> {
        let (n, d) = (matrix.rows(), matrix.cols());
        let column = n.checked_mul(size_of::<T>())?;
        let (least, fits) = match matrix.order() {
            // With runs shorter than a cache line, reading would take hours.
            Order::RowMajor => (RUN.min(LARGEST / column), n <= Self::most_rows::<T>()),
            Order::ColumnMajor => (1, column <= 4 * LARGEST),
        };
        let columns = (BLOCK / column).max(least).min(WIDEST);
        // A multiple of a cache line, if there are several.
        let columns = if columns > 64 { columns / 64 * 64 } else { columns }.min(d);
        fits.then_some(Self { rows: n, columns })
    }

    /// The most rows of a matrix in C order for which blocks with all rows are possible.
    pub(crate) fn most_rows<T: Value>() -> usize {
        LARGEST / 16 / size_of::<T>()
    }

    /// Blocks with some of the rows and at most `widest` columns.
    pub(crate) fn with_some_rows<T: Value>(matrix: &Matrix<impl Source>, widest: usize) -> Self {
        let (n, d) = (matrix.rows(), matrix.cols());
        let columns = match matrix.order() {
            Order::RowMajor => widest.min(d),
            Order::ColumnMajor => (widest / 16).clamp(1, 64).min(d),
        };
        Self { rows: (BLOCK / size_of::<T>() / columns).clamp(1, n), columns }
    }
}

/// `range` in parts of `step`; the last may be shorter.
pub(crate) fn parts(range: Range<usize>, step: usize) -> impl Iterator<Item = Range<usize>> + Send {
    let Range { start, end } = range;
    (start..end).step_by(step).map(move |first| first..end.min(first.saturating_add(step)))
}
