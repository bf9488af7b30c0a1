//! The Gram matrix of the rows of a dense matrix. Distances between rows follow from it.
//!
//! `n`: rows, `d`: columns.

use rayon::prelude::*;

use super::tiles::{COLUMNS, SIDE, Tiles, tile};
use crate::{Element, Isa, scratch::Scratch};

/// The most pieces that the columns are divided into for threads; each has its own sums.
const PIECES: usize = 32;

/// G [n, n], `G[e, f] = x_e · x_f`, for `rows [n, d]`.
///
/// A vector lane sums at most 48 products in the element type (with AVX-512 24, after which the lanes
/// are added in four rounds); the sums of lanes are accumulated in `f64`. For `f32` the error is at
/// most 3e-6 ‖x_e‖ ‖x_f‖ for any values. The result is exactly symmetric.
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
            T::gram_tiles(isa, Tiles { rows, n, d, columns: columns(piece), packed })
        })
        .collect();
    let mut whole = GramSum::new(isa, n);
    for piece in sums {
        whole.sums.iter_mut().zip(piece).for_each(|(s, g)| *s += g);
    }
    whole.gram()
}

/// The Gram matrix of rows whose columns arrive in parts.
///
/// ```
/// use coherence_cpu::{Isa, dense::GramSum};
/// let mut sum = GramSum::new(Isa::detect(), 2);
/// sum.add(&[1.0f32, 1.0]); // the first column of two rows
/// sum.add(&[0.0f32, 2.0]);
/// assert_eq!(sum.gram(), [1.0, 1.0, 1.0, 5.0]);
/// ```
#[derive(Clone, Debug)]
pub struct GramSum {
    isa: Isa,
    n: usize,
    /// Tile by tile, as in [`Tiles`].
    sums: Vec<f64>,
}

impl GramSum {
    /// The sum for n rows and no columns yet.
    pub fn new(isa: Isa, n: usize) -> Self {
        Self { isa, n, sums: vec![0.0; tile(n.div_ceil(SIDE), 0)] }
    }

    /// Adds some columns of all rows, `rows` [n, columns], on the calling thread.
    ///
    /// # Panics
    ///
    /// When `rows` is not `n` rows of one width.
    pub fn add<T: Element>(&mut self, rows: &[T]) {
        let n = self.n;
        assert!(n > 0 && rows.len().is_multiple_of(n), "{} values in {n} rows", rows.len());
        let d = rows.len() / n;
        let packed = &mut Scratch::new(n.div_ceil(SIDE) * SIDE * COLUMNS);
        let piece = T::gram_tiles(self.isa, Tiles { rows, n, d, columns: 0..d, packed });
        self.sums.iter_mut().zip(piece).for_each(|(s, g)| *s += g);
    }

    /// Adds the sums over other columns of the same rows.
    ///
    /// # Panics
    ///
    /// When the number of rows differs.
    pub fn merge(&mut self, other: &Self) {
        assert_eq!(self.n, other.n, "the numbers of rows differ");
        self.sums.iter_mut().zip(&other.sums).for_each(|(s, g)| *s += g);
    }

    /// G [n, n].
    pub fn gram(&self) -> Vec<f64> {
        let n = self.n;
        let mut gram = vec![0.0; n * n];
        for e in 0..n {
            for f in 0..=e {
                let dot = self.sums[tile(e / SIDE, f / SIDE)..][e % SIDE * SIDE + f % SIDE];
                gram[e * n + f] = dot;
                gram[f * n + e] = dot;
            }
        }
        gram
    }
}
