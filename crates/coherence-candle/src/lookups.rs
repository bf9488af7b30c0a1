//! Per-example gradients of an embedding: a table of vectors that are looked up by index.
//!
//! Legend: m: examples, t: positions, w: width of a vector, v: index of a row of the table [rows, w].
//!
//! Row v of `g_e` is the sum of the deltas at the positions where example e has index v; all other rows are
//! zero. The squared norm is therefore over the distinct indices of the example: repeated ones are
//! summed before they are squared.

use crate::storage;
use candle_core::{DType, Result, Tensor};
use core::ops::Range;

/// The lookups of one forward pass with their deltas.
#[derive(Debug)]
pub(crate) struct Lookups {
    /// The row looked up at each position [m · t]; `None` where candle returns zeros.
    rows: Vec<Option<usize>>,
    /// The positions [m · t], sorted by row within each example.
    order: Vec<usize>,
    /// δ [m, t, w], contiguous.
    delta: Tensor,
    positions: usize,
    width: usize,
}

impl Lookups {
    /// From the indices [m, …] and δ [m, …, w].
    pub(crate) fn new(indices: &Tensor, delta: Tensor) -> Result<Self> {
        let (m, rows) = (indices.dim(0)?, rows(indices)?);
        let (positions, width) = (rows.len() / m.max(1), delta.dims()[delta.rank() - 1]);
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.chunks_mut(positions.max(1)).for_each(|example| example.sort_by_key(|&p| rows[p]));
        Ok(Self { rows, order, delta, positions, width })
    }

    /// Adds the gradient of example `e` to `gradient` [rows, w].
    pub(crate) fn add_example(&self, e: usize, gradient: &mut [f32]) -> Result<()> {
        let mut sum = vec![0.0; self.width];
        storage::read(&self.delta, |delta| {
            self.each_row(e, delta, &mut sum, |row, sum| {
                let gradient = &mut gradient[row * sum.len()..][..sum.len()];
                gradient.iter_mut().zip(sum).for_each(|(g, s)| *g += *s as f32);
            });
        })
    }

    /// Writes S to `sum` [rows, w] and ‖g_e‖² to `sq_norms` \[m\].
    pub(crate) fn sum_and_sq_norms(&self, sum: &mut [f32], sq_norms: &mut [f64]) -> Result<()> {
        let (mut total, mut part) = (vec![0.0; sum.len()], vec![0.0; self.width]);
        storage::read(&self.delta, |delta| {
            for (e, sq_norm) in sq_norms.iter_mut().enumerate() {
                self.each_row(e, delta, &mut part, |row, part| {
                    *sq_norm += part.iter().map(|x| x * x).sum::<f64>();
                    let total = &mut total[row * part.len()..][..part.len()];
                    total.iter_mut().zip(part).for_each(|(total, x)| *total += x);
                });
            }
        })?;
        sum.iter_mut().zip(&total).for_each(|(sum, total)| *sum = *total as f32);
        Ok(())
    }

    /// Calls `visit` with each row that example `e` looks up and that row of its gradient, which is
    /// formed in `sum` \[w\].
    fn each_row(
        &self,
        e: usize,
        delta: &[f32],
        sum: &mut [f64],
        mut visit: impl FnMut(usize, &[f64]),
    ) {
        let example: Range<usize> = e * self.positions..(e + 1) * self.positions;
        for repeated in self.order[example].chunk_by(|&p, &q| self.rows[p] == self.rows[q]) {
            let Some(row) = self.rows[repeated[0]] else { continue };
            sum.fill(0.0);
            for &p in repeated {
                let delta = &delta[p * self.width..][..self.width];
                sum.iter_mut().zip(delta).for_each(|(sum, &d)| *sum += f64::from(d));
            }
            visit(row, sum);
        }
    }
}

/// The rows of integer indices. For candle the largest number of the type is no row: its vector is zero
/// and has no gradient.
fn rows(indices: &Tensor) -> Result<Vec<Option<usize>>> {
    let flat = indices.flatten_all()?;
    let row = |index: u64, none: u64| (index != none).then_some(index as usize);
    Ok(match flat.dtype() {
        DType::U8 => flat.to_vec1::<u8>()?.into_iter().map(|v| row(v.into(), 255)).collect(),
        DType::U32 => {
            flat.to_vec1::<u32>()?.into_iter().map(|v| row(v.into(), u32::MAX.into())).collect()
        }
        _ => {
            let wide = flat.to_dtype(DType::I64)?.to_vec1::<i64>()?;
            wide.into_iter().map(|v| row(v as u64, i64::MAX as u64)).collect()
        }
    })
}
