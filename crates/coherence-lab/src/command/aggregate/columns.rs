//! Coordinate-wise rules: blocks of columns with all rows at once or, if there are many rows, in parts.

use std::ops::Range;

use anyhow::{Result, bail};

use coherence_core::aggregate::AnyCoordinateRule;
use coherence_core::finite::Policy;
use coherence_cpu::Element;
use coherence_cpu::dense::Columnwise;
use coherence_data::matrix::{Matrix, Order, Source, Value};

use super::located;
use crate::command::matrix::blocks::{BlockShape, parts};
use crate::command::matrix::memory::zeros;
use crate::command::matrix::workers::each;

/// With more rows than this, rules that support it take the rows in parts.
const MANY_ROWS: usize = 512;
/// Rules that keep no more bytes than this for a column always take the rows in parts: their blocks are
/// wider, so that the file is read in fewer and longer runs.
const SMALL_STATE: usize = size_of::<f64>();
/// Bytes of state that a thread keeps for a block of columns between parts.
const STATE: usize = 1 << 22;
/// The most columns of a block.
const WIDEST: usize = 1 << 14;

/// Applies the rule to all columns on `threads` threads.
pub(super) fn aggregate<T: Value + Element>(
    matrix: &Matrix<impl Source>,
    rule: AnyCoordinateRule,
    policy: Policy,
    threads: usize,
) -> Result<Vec<T>> {
    let rule = Columnwise::new(rule, matrix.rows())?;
    let mut out = zeros::<T>(matrix.cols(), "the result")?;
    let blocks = BlockwiseColumns::new::<T>(matrix, &rule, policy, threads)?;
    let mut first = 0;
    let jobs = out.chunks_mut(blocks.shape.columns).map(move |out| {
        let columns = first..first + out.len();
        first = columns.end;
        (columns, out)
    });
    each(threads, jobs, Vec::new, |block, (columns, out)| blocks.aggregate(block, columns, out))?;
    Ok(out)
}

/// A rule with the division of its matrix into blocks.
struct BlockwiseColumns<'a, S> {
    matrix: &'a Matrix<S>,
    rule: &'a Columnwise,
    policy: Policy,
    shape: BlockShape,
    in_parts: bool,
}

impl<'a, S: Source> BlockwiseColumns<'a, S> {
    fn new<T: Value + Element>(
        matrix: &'a Matrix<S>,
        rule: &'a Columnwise,
        policy: Policy,
        threads: usize,
    ) -> Result<Self> {
        let (n, d) = (matrix.rows(), matrix.cols());
        let is_row_major = matrix.order() == Order::RowMajor;
        if let Some(state) = rule.part_state::<T>()
            && (n > MANY_ROWS || is_row_major && state <= SMALL_STATE)
        {
            let most = (STATE / state).clamp(16, WIDEST);
            let widest = most.min(d.div_ceil(threads).max(256));
            let shape = BlockShape::with_some_rows::<T>(matrix, widest);
            return Ok(Self { matrix, rule, policy, shape, in_parts: true });
        }
        let Some(shape) = BlockShape::with_all_rows::<T>(matrix) else {
            bail!(
                "{n} rows are too many for this rule, which sorts whole columns (up to {} rows in C \
                 order, more in Fortran order: numpy.asfortranarray)",
                BlockShape::most_rows::<T>()
            );
        };
        Ok(Self { matrix, rule, policy, shape, in_parts: false })
    }

    fn aggregate<T: Value + Element>(
        &self,
        block: &mut Vec<T>,
        columns: Range<usize>,
        out: &mut [T],
    ) -> Result<()> {
        if self.in_parts {
            return self.aggregate_in_parts(block, columns, out);
        }
        let (n, width) = (self.matrix.rows(), columns.len());
        block.resize(n * width, T::default());
        self.matrix.read(0..n, columns.clone(), block)?;
        self.rule
            .aggregate_here(block, self.policy, out)
            .map_err(|error| located(error, 0, columns.start, width))
    }

    fn aggregate_in_parts<T: Value + Element>(
        &self,
        block: &mut Vec<T>,
        columns: Range<usize>,
        out: &mut [T],
    ) -> Result<()> {
        let (n, width) = (self.matrix.rows(), columns.len());
        let Some(mut state) = self.rule.parts::<T>(width, self.policy) else {
            unreachable!("`new` chose parts because the rule supports them");
        };
        while state.needs_pass() {
            for rows in parts(0..n, self.shape.rows) {
                block.resize(rows.len() * width, T::default());
                self.matrix.read(rows, columns.clone(), block)?;
                let added = state.add(block);
                added.map_err(|error| located(error.into(), 0, columns.start, width))?;
            }
            state.end_pass();
        }
        for absent in state.finish(out) {
            out[absent] = self.whole_column(columns.start + absent)?;
        }
        Ok(())
    }

    /// Applies the rule to one column with all its rows in memory.
    fn whole_column<T: Value + Element>(&self, column: usize) -> Result<T> {
        let n = self.matrix.rows();
        let mut values = zeros::<f64>(n, "a column with non-finite values")?;
        self.matrix.read(0..n, column..column + 1, &mut values)?;
        Ok(self.rule.column(&mut values, self.policy)?)
    }
}
