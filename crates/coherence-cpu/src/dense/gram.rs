//! The Gram matrix of the rows of a dense matrix, from which distances between rows follow.
//!
//! `n`: rows, `d`: columns.

use rayon::prelude::*;

use super::tiles::{COLUMNS, SIDE, Tiles, tile};
use crate::{Element, Isa, scratch::Scratch};

/// Pieces of the columns for threads, at most: the dots of each are added up on their own.
const PIECES: usize = 32;

/// G [n, n], `G[e, f] = x_e · x_f`, for `rows [n, d]`.
///
/// A lane sums at most 48 products in the element type (of AVX-512 24, whose lanes are then added
/// in four rounds), sums of these run in `f64`: within 3e-6 ‖x_e‖ ‖x_f‖ for `f32` whatever the
/// values. The result is symmetric to the bit.
///
/// # Panics
///
/// When `rows` is not `n` rows of one width, `n > 0`.
///
/// ```
/// assert_eq!(coherence_cpu::dense::gram(&[1.0f32, 0.0, 1.0, 2.0], 2), [1.0, 1.0, 1.0, 5.0]);
/// ```
pub fn gram<T: Element>(rows: &[T], n: usize) -> Vec<f64> {
    gram_on(Isa::detect(), rows, n)
}

/// [`gram`] on a given instruction set.
pub fn gram_on<T: Element>(isa: Isa, rows: &[T], n: usize) -> Vec<f64> {
    assert!(n > 0 && rows.len().is_multiple_of(n), "{} values in {n} rows", rows.len());
    let d = rows.len() / n;
    let passes = d.div_ceil(COLUMNS);
    let pieces = passes.min(PIECES);
    let side = n.div_ceil(SIDE);
    let columns = |piece: usize| {
        let start = |piece| d.min(piece * passes / pieces * COLUMNS);
        start(piece)..start(piece + 1)
    };
    let sums: Vec<Vec<f64>> = (0..pieces)
        .into_par_iter()
        .map(|piece| {
            let packed = &mut Scratch::new(side * SIDE * COLUMNS);
            T::run(isa, Tiles { rows, n, d, columns: columns(piece), packed })
        })
        .collect();
    let mut sum = vec![0.0; tile(side, 0)];
    for piece in sums {
        sum.iter_mut().zip(piece).for_each(|(s, g)| *s += g);
    }
    let mut gram = vec![0.0; n * n];
    for e in 0..n {
        for f in 0..=e {
            let dot = sum[tile(e / SIDE, f / SIDE)..][e % SIDE * SIDE + f % SIDE];
            gram[e * n + f] = dot;
            gram[f * n + e] = dot;
        }
    }
    gram
}
