//! α of a matrix in a file on an accelerator: blocks of whole rows, in two passes.

use std::ops::Range;

use anyhow::{Result, ensure};

use coherence_core::Coherence;
use coherence_core::unbiased::jackknife;
use coherence_cpu::{Element, product::Output};
use coherence_data::matrix::{Matrix, Source, Value};
use coherence_nn::device::Device;

use super::Measured;
use super::measure::{ScaledMatrix, member, scaled};
use crate::command::matrix::blocks::parts;
use crate::command::matrix::memory::zeros;

/// Bytes of a block at least, if there are as many rows.
const BLOCK: usize = 1 << 25;

/// Measures the coherence of the rows on the device called `name`; `threads` of the processor look for the largest
/// magnitude where squares leave the range of f64.
///
/// Sums over the rows of a block are rounded to `T`, and so is S before its dots with the rows are taken.
///
/// # Errors
///
/// If a value is not finite, a row does not fit in the device's memory, or S exceeds `T`.
pub(super) fn measure<T: Value + Element, D: Device<T>>(
    device: &D,
    name: &str,
    matrix: &Matrix<impl Source>,
    threads: usize,
) -> Result<Measured> {
    scaled::<T, _>(matrix, threads, |matrix| Rows { matrix, device, name }.measure())
}

/// The rows of a matrix for a device.
struct Rows<'a, 'm, S, D> {
    matrix: &'a ScaledMatrix<'m, S>,
    device: &'a D,
    name: &'a str,
}

impl<S: Source, D> Rows<'_, '_, S, D> {
    fn measure<T: Value + Element>(&self) -> Result<Measured>
    where
        D: Device<T>,
    {
        let (device, name) = (self.device, self.name);
        let (m, d) = (self.matrix.matrix.rows(), self.matrix.matrix.cols());
        let mut sum = zeros::<f64>(d, "the sum of the rows")?;
        let mut members = zeros::<[f64; 2]>(m, "two sums a row")?;
        let mut of_block = device.zeros::<T>(d);
        let mut part = zeros::<T>(d, "the sum of the rows of a block")?;
        self.each_block(&mut members, 1, |rows, sq_norms| {
            device.rows_add_sq_norms(D::shorten(&rows), d, sq_norms);
            device.column_sums(rows, Output::Overwrite, D::view_mut(&mut of_block));
            device.download(D::view(&of_block), &mut part);
            sum.iter_mut().zip(&part).for_each(|(sum, x)| *sum += x.widen());
        })?;
        let narrow: Vec<T> = sum.iter().map(|&sum| T::narrow(sum)).collect();
        ensure!(
            narrow.iter().all(|sum| sum.is_finite()),
            "the sum of the rows exceeds the precision of {name}: take --device cpu"
        );
        device.upload(&narrow, D::view_mut(&mut of_block));
        self.each_block(&mut members, 0, |rows, dots| {
            device.rows_add_dots(rows, D::view(&of_block), dots);
        })?;
        let whole = Coherence {
            m: m as u64,
            sq_norm_of_sum: sum.iter().map(|sum| sum * sum).sum(),
            sum_sq_norms: members.iter().map(|[_, sq_norm]| sq_norm).sum(),
        };
        let estimate = jackknife(whole, members.into_iter().map(member));
        Ok(Measured::new(whole, d, estimate, self.matrix.scale))
    }

    /// Calls `visit` with blocks of whole rows [rows, d] on the device, and zeros for a number a row, which are then
    /// numbers `at` of the rows' members.
    fn each_block<T: Value + Element>(
        &self,
        members: &mut [[f64; 2]],
        at: usize,
        mut visit: impl FnMut(D::Slice<'_, T>, D::SliceMut<'_, f64>),
    ) -> Result<()>
    where
        D: Device<T>,
    {
        let (device, d) = (self.device, self.matrix.matrix.cols());
        let height = (BLOCK / size_of::<T>() / d).max(1);
        let free = device.free_bytes().unwrap_or(u64::MAX);
        // Half of the memory is left for S and for what the device allocates besides the block.
        ensure!(
            (d as u64).saturating_mul(2 * size_of::<T>() as u64) <= free,
            "a row of {d} columns is too large for {}: take --device cpu",
            self.name
        );
        let mut block = Vec::new();
        for rows in parts(0..members.len(), height) {
            let Range { start, end } = rows;
            self.matrix.read::<T>(start..end, 0..d, &mut block)?;
            let (mut rows, mut numbers) =
                (device.zeros::<T>(block.len()), device.zeros::<f64>(end - start));
            device.upload(&block, D::view_mut(&mut rows));
            visit(D::view(&rows), D::view_mut(&mut numbers));
            let mut found = vec![0.0; end - start];
            device.download(D::view(&numbers), &mut found);
            members[start..end]
                .iter_mut()
                .zip(found)
                .for_each(|(member, found)| member[at] = found);
        }
        Ok(())
    }
}
