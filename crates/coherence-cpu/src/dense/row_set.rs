//! The rows of a dense matrix as vectors among which a centre moves, on all threads.
//!
//! `n`: rows, `d`: columns, x_i: row i \[d\], y: a point \[d\].

#![allow(clippy::needless_range_loop)] // lanes of several arrays, side by side

use coherence_core::{SquareSum, aggregate::VectorSet};
use rayon::prelude::*;

use crate::{Element, Isa, elementwise::Loop};

/// Columns in a thread's unit of work; sums over the units are added in order.
const COLUMNS: usize = 1 << 11;

/// Rows that are added to a sum at a time.
const BAND: usize = 4;

/// Running sums of a row, which hide the latency of an addition.
const LANES: usize = 16;

/// The sum of squares under which its terms may have lost bits to underflow.
const LEAST_EXACT: f64 = 1e-290;

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

    /// `out[i]` = the sum of `part(i, columns of x_i, first column)` over blocks of columns, in order.
    fn sum_of_blocks(&self, part: impl Fn(usize, &[T], usize) -> f64 + Sync, out: &mut [f64]) {
        let starts = (0..self.d).into_par_iter().step_by(COLUMNS);
        let blocks = starts.map(|start| {
            let width = COLUMNS.min(self.d - start);
            let mut sums = vec![0.0; out.len()];
            let add = Loop(|| {
                for (i, sum) in sums.iter_mut().enumerate() {
                    *sum = part(i, &self.row(i)[start..][..width], start);
                }
            });
            T::run(Isa::detect(), add);
            sums
        });
        let blocks: Vec<Vec<f64>> = blocks.collect();
        out.fill(0.0);
        for block in blocks {
            out.iter_mut().zip(block).for_each(|(sum, part)| *sum += part);
        }
    }

    /// √`square`, the sum of squares of x_i − y, or the norm from its definition where squares leave `f64`.
    fn distance(&self, i: usize, y: &[f64], square: f64) -> f64 {
        if (LEAST_EXACT..=f64::MAX).contains(&square) {
            return square.sqrt();
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
        self.sum_of_blocks(|_, x, start| square_between(x, &y[start..]), out);
        out.par_iter_mut().enumerate().for_each(|(i, out)| *out = self.distance(i, y, *out));
    }

    fn projections(&self, y: &[f64], weights: &[f64], v: &[f64], out: &mut [f64]) {
        let part = |i, x: &[T], start: usize| projection(x, &y[start..], weights[i], &v[start..]);
        self.sum_of_blocks(part, out);
    }

    fn weighted_sum(&self, y: &[f64], weights: &[f64], out: &mut [f64]) {
        let weighted: Vec<usize> = (0..weights.len()).filter(|&i| weights[i] != 0.0).collect();
        out.par_chunks_mut(COLUMNS).zip(y.par_chunks(COLUMNS)).enumerate().for_each(
            |(at, (out, y))| {
                let (start, width) = (at * COLUMNS, out.len());
                let row = |i: usize| (&self.row(i)[start..][..width], weights[i]);
                let add = Loop(|| {
                    out.fill(0.0);
                    let (bands, rest) = weighted.as_chunks::<BAND>();
                    bands.iter().for_each(|band| add_band(band.map(row), y, out));
                    rest.iter().for_each(|&i| add_band([row(i)], y, out));
                });
                T::run(Isa::detect(), add);
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

/// ‖x − y‖² for the first columns of y.
#[inline(always)]
fn square_between<T: Element>(x: &[T], y: &[f64]) -> f64 {
    let (xs, x_rest) = x.as_chunks::<LANES>();
    let (ys, y_rest) = y[..x.len()].as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (x, y) in xs.iter().zip(ys) {
        for l in 0..LANES {
            let difference = x[l].widen() - y[l];
            sums[l] += difference * difference;
        }
    }
    let rest = x_rest.iter().zip(y_rest).map(|(x, y)| (x.widen() - y) * (x.widen() - y));
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}

/// Σ (x − y) w v for the first columns of y and v.
#[inline(always)]
fn projection<T: Element>(x: &[T], y: &[f64], w: f64, v: &[f64]) -> f64 {
    let (xs, x_rest) = x.as_chunks::<LANES>();
    let (ys, y_rest) = y[..x.len()].as_chunks::<LANES>();
    let (vs, v_rest) = v[..x.len()].as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for ((x, y), v) in xs.iter().zip(ys).zip(vs) {
        for l in 0..LANES {
            sums[l] += (x[l].widen() - y[l]) * w * v[l];
        }
    }
    let rest = x_rest.iter().zip(y_rest).zip(v_rest).map(|((x, y), v)| (x.widen() - y) * w * v);
    sums.iter().sum::<f64>() + rest.sum::<f64>()
}
