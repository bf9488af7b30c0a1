//! Per-example gradients of an embedding: a table of vectors that are looked up by index.
//!
//! Legend: m: examples, t: positions, w: width of a vector, v: index of a row of the table [rows, w],
//! p: distinct pairs of an example and a row that it looks up.
//!
//! Row v of `g_e` is the sum of the deltas at the positions where example e has index v; all other rows are
//! zero. The squared norm is therefore over the distinct indices of the example: repeated ones are
//! summed before they are squared.

use candle_core::{DType, Result, Tensor};
use std::collections::HashMap;

/// What candle takes for no row of a table: its vector is zero, and nothing is added to it.
const NONE: u32 = u32::MAX;

/// The lookups of one forward pass with their deltas. Sums are in f64.
#[derive(Debug)]
pub(crate) struct Lookups {
    /// Rows of the table.
    table: usize,
    /// Positions of an example t.
    positions: usize,
    /// The row looked up at each position [m · t].
    rows: Tensor,
    /// The index of the pair at each position [m · t].
    pairs: Tensor,
    /// The example of each pair \[p\].
    examples: Vec<usize>,
    /// δ [m · t, w], f64.
    delta: Tensor,
}

impl Lookups {
    /// From the indices [m, …] into a table of so many rows, and δ [m, …, w].
    pub(crate) fn new(table: usize, indices: &Tensor, delta: &Tensor) -> Result<Self> {
        let (m, rows) = (indices.dim(0)?, rows(indices)?);
        let positions = rows.len() / m;
        let (mut pairs, mut examples) = (Vec::with_capacity(rows.len()), Vec::new());
        for (e, rows) in rows.chunks(positions).enumerate() {
            let mut known = HashMap::new();
            pairs.extend(rows.iter().map(|&row| match row {
                NONE => NONE,
                row => *known.entry(row).or_insert_with(|| {
                    examples.push(e);
                    examples.len() as u32 - 1
                }),
            }));
        }
        let tensor = |values: Vec<u32>| Tensor::from_vec(values, m * positions, delta.device());
        let width = delta.dim(delta.rank() - 1)?;
        let delta = delta.reshape(((), width))?.to_dtype(DType::F64)?;
        let (rows, pairs) = (tensor(rows)?, tensor(pairs)?);
        Ok(Self { table, positions, rows, pairs, examples, delta })
    }

    /// The gradient of example `e` [rows, w].
    pub(crate) fn example(&self, e: usize) -> Result<Tensor> {
        let of_example = |all: &Tensor| all.narrow(0, e * self.positions, self.positions);
        sums(self.table, &of_example(&self.rows)?, &of_example(&self.delta)?)?.to_dtype(DType::F32)
    }

    /// S [rows, w].
    pub(crate) fn sum(&self) -> Result<Tensor> {
        sums(self.table, &self.rows, &self.delta)?.to_dtype(DType::F32)
    }

    /// ‖g_e‖² \[m\].
    pub(crate) fn sq_norms(&self, m: usize) -> Result<Vec<f64>> {
        let mut sq_norms = vec![0.0; m];
        if !self.examples.is_empty() {
            let of_pairs = sums(self.examples.len(), &self.pairs, &self.delta)?;
            let of_pairs = of_pairs.sqr()?.sum(1)?.to_vec1::<f64>()?;
            self.examples.iter().zip(of_pairs).for_each(|(&e, sq_norm)| sq_norms[e] += sq_norm);
        }
        Ok(sq_norms)
    }
}

/// The sums [count, w] of the rows of `x` [n, w] that have the same place \[n\].
fn sums(count: usize, places: &Tensor, x: &Tensor) -> Result<Tensor> {
    let zeros = Tensor::zeros((count, x.dim(1)?), x.dtype(), x.device())?;
    zeros.index_add(places, x, 0)
}

/// The rows of integer indices. For candle the largest number of the type is no row.
fn rows(indices: &Tensor) -> Result<Vec<u32>> {
    let flat = indices.flatten_all()?;
    Ok(match flat.dtype() {
        DType::U8 => {
            let row = |v: u8| if v == u8::MAX { NONE } else { v.into() };
            flat.to_vec1::<u8>()?.into_iter().map(row).collect()
        }
        DType::U32 => flat.to_vec1::<u32>()?,
        // The forward pass has found all indices in a table of fewer than 2³² rows.
        _ => {
            let row = |v: i64| u32::try_from(v).unwrap_or(NONE);
            flat.to_dtype(DType::I64)?.to_vec1::<i64>()?.into_iter().map(row).collect()
        }
    })
}
