//! The rows of a dense matrix as vectors among which a centre moves, on all threads.
//!
//! `n`: rows, `d`: columns, x_i: row i \[d\], y: a point \[d\].

#![allow(clippy::needless_range_loop)] // lanes of several arrays, side by side

use core::ops::Range;

use coherence_core::{SquareSum, aggregate::VectorSet};
use rayon::prelude::*;

use super::distance::{LANES, sum_of_squares};
use crate::{Element, Isa, isa::run_loop};

/// Columns in a thread's unit of work; sums over the units are added in order.
const COLUMNS: usize = 1 << 11;

/// Rows that are added to a sum at a time.
const BAND: usize = 4;

/// Rows [n, d] of finite values. Results depend neither on the number of threads nor on the instruction set.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowSet<'a, T> {
    pub(super) rows: &'a [T],
    pub(super) d: usize,
}

impl<T: Element> RowSet<'_, T> {
    fn row(&self, i: usize) -> &[T] {
        &self.rows[i * self.d..][..self.d]
    }

    /// `out[i]` = the sum of `part(i, columns)`, a closure that is always inlined, over blocks of columns, in order.
    fn sum_of_blocks(&self, part: impl Fn(usize, Range<usize>) -> f64 + Sync, out: &mut [f64]) {
        let starts = (0..self.d).into_par_iter().step_by(COLUMNS);
        let blocks = starts.map(|start| {
            let columns = start..self.d.min(start + COLUMNS);
            let mut sums = vec![0.0; out.len()];
            run_loop!(Isa::detect(), {
                for (i, sum) in sums.iter_mut().enumerate() {
                    *sum = part(i, columns.clone());
                }
            });
            sums
        });
        let blocks: Vec<Vec<f64>> = blocks.collect();
        out.fill(0.0);
        for block in blocks {
            out.iter_mut().zip(block).for_each(|(sum, part)| *sum += part);
        }
    }

    /// D [n, n], the squares of the distances between the rows.
    pub(super) fn squares_between(&self) -> Vec<f64> {
        let n = self.count();
        let mut squares = vec![0.0; n * n];
        let pairs: Vec<[usize; 2]> = (0..n).flat_map(|i| (0..i).map(move |j| [i, j])).collect();
        let mut sums = vec![0.0; pairs.len()];
        self.sum_of_blocks(
            #[inline(always)]
            |pair, columns| {
                let [x, y] = pairs[pair].map(|i| &self.row(i)[columns.clone()]);
                sum_of_squares(x, y)
            },
            &mut sums,
        );
        for ([i, j], square) in pairs.into_iter().zip(sums) {
            (squares[i * n + j], squares[j * n + i]) = (square, square);
        }
        squares
    }

    /// √`square`, the sum of squares of x_i − y, or the norm from its definition where squares leave `f64`.
    fn distance(&self, i: usize, y: &[f64], square: f64) -> f64 {
        if let Some(root) = SquareSum::exact_root(square) {
            return root;
        }
        let mut ranges = SquareSum::default();
        self.row(i).iter().zip(y).for_each(|(x, y)| ranges.add(x.widen() - y));
        ranges.root()
    }
}

impl<T: Element> VectorSet for RowSet<'_, T> {
    fn count(&self) -> usize {
        self.rows.len() / self.d
    }

    fn copy_vector(&self, i: usize, out: &mut [f64]) {
        out.iter_mut().zip(self.row(i)).for_each(|(slot, x)| *slot = x.widen());
    }

    fn distances(&self, y: &[f64], out: &mut [f64]) {
        self.sum_of_blocks(
            #[inline(always)]
            |i, columns| sum_of_squares(&self.row(i)[columns.clone()], &y[columns]),
            out,
        );
        out.par_iter_mut().enumerate().for_each(|(i, out)| *out = self.distance(i, y, *out));
    }

    fn projections(&self, y: &[f64], weights: &[f64], v: &[f64], out: &mut [f64]) {
        self.sum_of_blocks(
            #[inline(always)]
            |i, columns| {
                let x = &self.row(i)[columns.clone()];
                projection(x, &y[columns.clone()], weights[i], &v[columns])
            },
            out,
        );
    }

    fn weighted_sum(&self, y: &[f64], weights: &[f64], out: &mut [f64]) {
        let weighted: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] != 0.0).collect();
        out.par_chunks_mut(COLUMNS).zip(y.par_chunks(COLUMNS)).enumerate().for_each(
            |(at, (out, y))| {
                let (start, width) = (at * COLUMNS, out.len());
                run_loop!(Isa::detect(), {
                    out.fill(0.0);
                    let (bands, rest) = weighted.as_chunks::<BAND>();
                    for band in bands {
                        let rows = band.map(
                            #[inline(always)]
                            |i| (&self.row(i)[start..][..width], weights[i]),
                        );
                        add_band(rows, y, out);
                    }
                    for &i in rest {
                        add_band([(&self.row(i)[start..][..width], weights[i])], y, out);
                    }
                });
            },
        );
    }
}

/// Adds w (x − y) of some rows to `sums`, row after row.
#[inline(always)]
fn add_band<T: Element, const N: usize>(rows: [(&[T], f64); N], y: &[f64], sums: &mut [f64]) {
    let rows = rows.map(|(x, w)| (&x[..sums.len()], w));
    let y = &y[..sums.len()];
    for j in 0..sums.len() {
        let mut sum = sums[j];
        for (x, w) in &rows {
            sum += w * (x[j].widen() - y[j]);
        }
        sums[j] = sum;
    }
}

/// Σ (x − y) w v.
#[inline(always)]
fn projection<T: Element>(x: &[T], y: &[f64], w: f64, v: &[f64]) -> f64 {
    let (xs, x_rest) = x.as_chunks::<LANES>();
    let (ys, y_rest) = y.as_chunks::<LANES>();
    let (vs, v_rest) = v.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for ((x, y), v) in xs.iter().zip(ys).zip(vs) {
        for l in 0..LANES {
            sums[l] += (x[l].widen() - y[l]) * w * v[l];
        }
    }
    let rest = x_rest.iter().zip(y_rest).zip(v_rest).map(|((x, y), v)| (x.widen() - y) * w * v);
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}
