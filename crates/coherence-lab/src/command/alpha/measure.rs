//! α of a matrix in a file, in two passes.
//!
//! m: rows, d: columns; S = Σ g_i, Q = Σ ‖g_i‖². The first pass computes S and Q, the second S ·
//! g_i and ‖g_i‖² of each row, which the jackknife needs.

use std::ops::Range;

use anyhow::{Result, bail};

use coherence_core::unbiased::{Estimate, jackknife};
use coherence_core::{Coherence, Member};
use coherence_cpu::dense::{add_dots, add_moments, first_non_finite};
use coherence_cpu::{Element, Isa};
use coherence_data::matrix::{Matrix, Order, Source, Value};

use super::Measured;
use crate::command::matrix::blocks::parts;
use crate::command::matrix::memory::zeros;
use crate::command::matrix::scale::{PowerOfTwo, largest};
use crate::command::matrix::workers::each;

/// The most columns whose sum and squares are held at once: 16 MiB.
const MOST_COLUMNS: usize = 1 << 20;
/// Columns whose squares, and products of a row, are summed before they are added to the total.
const COLUMNS: usize = 1 << 10;
/// Values of a block.
const BLOCK: usize = 1 << 18;
/// The most rows whose members are held at once: 4 MiB.
const MEMBERS: usize = 1 << 18;

/// Measures the coherence of the rows on `threads` threads; the result does not depend on their number.
pub(super) fn measure<T: Value + Element>(
    matrix: &Matrix<impl Source>,
    threads: usize,
) -> Result<Measured> {
    scaled::<T, _>(matrix, threads, |matrix| matrix.measure::<T>())
}

/// What `measure` finds of the rows, or of the rows times a power of two if their squares are too large or too small.
pub(super) fn scaled<'a, T: Value + Element, S: Source>(
    matrix: &'a Matrix<S>,
    threads: usize,
    measure: impl Fn(&ScaledMatrix<'a, S>) -> Result<Measured>,
) -> Result<Measured> {
    let unscaled = ScaledMatrix { matrix, threads, scale: PowerOfTwo::ONE };
    let measured = measure(&unscaled)?;
    if measured.sum_sq_norms.is_exact() {
        return Ok(measured);
    }
    match unscaled.largest::<T>()? {
        0.0 => Ok(measured),
        largest => {
            let scale = PowerOfTwo::from_largest(largest);
            let mut scaled = measure(&ScaledMatrix { scale, ..unscaled })?;
            // Of large rows that cancel, the sum may be small: then it is exact as it is.
            if measured.sq_norm_of_sum.is_exact() {
                scaled.sq_norm_of_sum = measured.sq_norm_of_sum;
            }
            Ok(scaled)
        }
    }
}

pub(super) struct ScaledMatrix<'a, S> {
    pub(super) matrix: &'a Matrix<S>,
    threads: usize,
    pub(super) scale: PowerOfTwo,
}

impl<S: Source> ScaledMatrix<'_, S> {
    fn measure<T: Value + Element>(&self) -> Result<Measured> {
        let (m, d) = (self.matrix.rows(), self.matrix.cols());
        let mut whole = Coherence { m: m as u64, sq_norm_of_sum: 0.0, sum_sq_norms: 0.0 };
        let estimate = if d <= MOST_COLUMNS {
            let sum = self.sums::<T>(0..d, &mut whole)?;
            self.streamed::<T>(whole, &sum)?
        } else {
            let mut members = zeros::<[f64; 2]>(m, "two sums a row")?;
            for columns in parts(0..d, MOST_COLUMNS) {
                let sum = self.sums::<T>(columns.clone(), &mut whole)?;
                self.members::<T>(0..m, columns, &sum, &mut members)?;
            }
            jackknife(whole, members.into_iter().map(member))
        };
        Ok(Measured::new(whole, d, estimate, self.scale))
    }

    /// S of the given columns; adds their part of Q and ‖S‖² to `whole`.
    fn sums<T: Value + Element>(
        &self,
        columns: Range<usize>,
        whole: &mut Coherence,
    ) -> Result<Vec<f64>> {
        let mut sum = zeros::<f64>(columns.len(), "the sum of the rows")?;
        let first = columns.start;
        let jobs = sum.chunks_mut(self.width()).enumerate();
        let squares = each(self.threads, jobs, Vec::new, |block, (at, sum)| {
            let start = first + at * self.width();
            self.column_sums::<T>(start..start + sum.len(), block, sum)
        })?;
        let mut squares = squares.into_iter().flatten();
        let energies = parts(0..columns.len(), COLUMNS);
        let energy = |part: Range<usize>| squares.by_ref().take(part.len()).sum::<f64>();
        whole.sum_sq_norms += energies.map(energy).sum::<f64>();
        whole.sq_norm_of_sum += sum.iter().map(|s| s * s).sum::<f64>();
        Ok(sum)
    }

    /// Columns of a block in the first pass.
    fn width(&self) -> usize {
        match self.matrix.order() {
            Order::RowMajor => 4 * COLUMNS,
            Order::ColumnMajor => COLUMNS / 16,
        }
    }

    /// Writes the sums of the given columns to `sums` and returns the sums of their squares.
    fn column_sums<T: Value + Element>(
        &self,
        columns: Range<usize>,
        block: &mut Vec<T>,
        sums: &mut [f64],
    ) -> Result<Vec<f64>> {
        let width = columns.len();
        let mut squares = vec![0.0; width];
        for rows in parts(0..self.matrix.rows(), (BLOCK / width).max(1)) {
            self.read(rows, columns.clone(), block)?;
            add_moments(Isa::detect(), block, sums, &mut squares);
        }
        Ok(squares)
    }

    /// The jackknife, with members that are read as they are needed.
    fn streamed<T: Value + Element>(&self, whole: Coherence, sum: &[f64]) -> Result<Estimate> {
        let (m, d) = (self.matrix.rows(), self.matrix.cols());
        let mut failed = None;
        let members = parts(0..m, MEMBERS).map_while(|rows| {
            let mut members = vec![[0.0; 2]; rows.len()];
            failed = self.members::<T>(rows, 0..d, sum, &mut members).err();
            failed.is_none().then_some(members)
        });
        let estimate = jackknife(whole, members.flatten().map(member));
        failed.map_or(Ok(estimate), Err)
    }

    /// Adds S · g_i and ‖g_i‖² over the given columns for each of the given rows.
    fn members<T: Value + Element>(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        sum: &[f64],
        members: &mut [[f64; 2]],
    ) -> Result<()> {
        // A contiguous run of a column-major file is as long as the block is high.
        let (width, values) = match self.matrix.order() {
            Order::RowMajor => (16 * COLUMNS, BLOCK),
            Order::ColumnMajor => (COLUMNS, 4 * BLOCK),
        };
        let height = (values / width.min(columns.len())).max(1);
        let first = rows.start;
        let jobs = members.chunks_mut(height).enumerate();
        each(self.threads, jobs, Vec::new, |block: &mut Vec<T>, (at, members)| {
            let rows = first + at * height..first + at * height + members.len();
            for part in parts(columns.clone(), width) {
                self.read(rows.clone(), part.clone(), block)?;
                let within = part.start - columns.start..part.end - columns.start;
                add_dots(Isa::detect(), block, &sum[within], members);
            }
            Ok(())
        })?;
        Ok(())
    }

    /// The greatest magnitude.
    fn largest<T: Value + Element>(&self) -> Result<f64> {
        let blocks = parts(0..self.matrix.cols(), self.width());
        let found = each(self.threads, blocks, Vec::new, |block: &mut Vec<T>, columns| {
            let mut found = 0.0_f64;
            for rows in parts(0..self.matrix.rows(), (BLOCK / columns.len()).max(1)) {
                self.read(rows, columns.clone(), block)?;
                found = found.max(largest(block));
            }
            Ok(found)
        })?;
        Ok(found.into_iter().fold(0.0, f64::max))
    }

    /// Reads and scales a block; refuses non-finite values.
    pub(super) fn read<T: Value + Element>(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        block: &mut Vec<T>,
    ) -> Result<()> {
        block.resize(rows.len() * columns.len(), T::default());
        self.matrix.read(rows.clone(), columns.clone(), block)?;
        if let Some(index) = first_non_finite(block) {
            let (row, column) = (index / columns.len(), index % columns.len());
            bail!(
                "the value in row {}, column {} is not finite",
                rows.start + row,
                columns.start + column
            );
        }
        self.scale.apply(block);
        Ok(())
    }
}

pub(super) fn member([dot_with_sum, sq_norm]: [f64; 2]) -> Member {
    Member { dot_with_sum, sq_norm }
}
