//! The Gram matrix of the rows of a dense matrix, from which distances between rows follow.
//!
//! `n`: rows, `d`: columns.

use rayon::prelude::*;

use crate::{
    Element, Isa,
    norms::Dot,
    product::{Dims, Output, matmul_nt},
};

/// Columns of one product: short sums in the element type, so that its rounding stays small.
const COLUMNS: usize = 1 << 10;

/// Products that one thread adds up in turn.
const GROUP: usize = 16;

/// Up to this many rows each pair is a dot product in `f64`, at the speed of memory.
const FEW: usize = 4;

/// Rows of a block: blocks above the diagonal are left out.
const ROWS: usize = 32;

/// G [n, n], `G[e, f] = x_e · x_f`, for `rows [n, d]`.
///
/// Sums over 1024 columns run in the element type, sums of these in `f64`: within 1e-6 ‖x_e‖ ‖x_f‖
/// for `f32`. The result is symmetric to the bit.
///
/// # Panics
///
/// When `rows` is not `n` rows of one width, `n > 0`.
///
/// ```
/// assert_eq!(coherence_cpu::dense::gram(&[1.0f32, 0.0, 1.0, 2.0], 2), [1.0, 1.0, 1.0, 5.0]);
/// ```
pub fn gram<T: Element>(rows: &[T], n: usize) -> Vec<f64> {
    assert!(n > 0 && rows.len().is_multiple_of(n), "{} values in {n} rows", rows.len());
    let d = rows.len() / n;
    let groups: Vec<Vec<f64>> = (0..d.div_ceil(COLUMNS * GROUP))
        .into_par_iter()
        .map(|group| {
            let start = group * COLUMNS * GROUP;
            lower_gram(rows, n, d, start..d.min(start + COLUMNS * GROUP))
        })
        .collect();
    let mut sum = vec![0.0; n * n];
    for group in groups {
        sum.iter_mut().zip(group).for_each(|(s, g)| *s += g);
    }
    for e in 0..n {
        for f in 0..e {
            sum[f * n + e] = sum[e * n + f];
        }
    }
    sum
}

/// The Gram matrix of some columns, right on and below its diagonal.
fn lower_gram<T: Element>(
    rows: &[T],
    n: usize,
    d: usize,
    columns: core::ops::Range<usize>,
) -> Vec<f64> {
    let mut sum = vec![0.0; n * n];
    let mut block = vec![T::zero(); n * COLUMNS];
    let mut product = vec![T::zero(); n * n];
    for start in columns.clone().step_by(COLUMNS) {
        let width = COLUMNS.min(columns.end - start);
        let row = |e: usize| &rows[e * d + start..][..width];
        if n <= FEW {
            for e in 0..n {
                for f in 0..=e {
                    sum[e * n + f] += T::run(Isa::detect(), Dot { x: row(e), y: row(f) });
                }
            }
            continue;
        }
        for e in 0..n {
            block[e * width..][..width].copy_from_slice(row(e));
        }
        for first in (0..n).step_by(ROWS) {
            let end = n.min(first + ROWS);
            let dims = Dims { m: end - first, i: width, o: end };
            let product = &mut product[..dims.m * end];
            let left = &block[first * width..end * width];
            matmul_nt(dims, left, &block[..end * width], Output::Overwrite, product);
            for (e, product) in product.chunks_exact(end).enumerate() {
                let sum = &mut sum[(first + e) * n..][..end];
                sum.iter_mut().zip(product).for_each(|(s, p)| *s += p.widen());
            }
        }
    }
    sum
}
