//! Means and variances of channels.

use rayon::prelude::*;

use super::rows::{Chunks, Sums};
use crate::{Element, Isa, scratch::Scratch};

/// Mean and biased variance of every channel over all rows of `x [rows, c]`, in `f64`:
/// `mean[j] = Σ_r x[r, j] / rows`, `variance[j] = Σ_r (x[r, j] − mean[j])² / rows`.
///
/// A chunk's squares are of the deviations from the chunk's own mean, and chunks are merged by the
/// formula of Chan, Golub and LeVeque (1979), so that nothing cancels. Without rows all are NaN.
///
/// # Panics
///
/// When `x` is not a whole number of rows of `mean.len()`, or `variance` has another length.
///
/// ```
/// let (mut mean, mut variance) = ([0.0; 2], [0.0; 2]);
/// use coherence_cpu::{Isa, normalize::moments};
/// moments(Isa::detect(), &[1.0f32, 5.0, 3.0, 5.0], &mut mean, &mut variance);
/// assert_eq!((mean, variance), ([2.0, 5.0], [1.0, 0.0]));
/// ```
pub fn moments<T: Element>(isa: Isa, x: &[T], mean: &mut [f64], variance: &mut [f64]) {
    let c = mean.len();
    assert_eq!(c, variance.len(), "as many variances as means");
    let chunks = Chunks::new(c, x.len());
    let parts = &mut *Scratch::<f64>::new(2 * c * chunks.count());
    x.par_chunks(chunks.len()).zip(parts.par_chunks_exact_mut(2 * c)).for_each(|(x, part)| {
        let (mean, squares) = part.split_at_mut(c);
        Sums::new(isa, c).moments(x, mean, squares);
    });
    let mut merged = Merged::new(mean, variance);
    for (x, part) in x.chunks(chunks.len()).zip(parts.chunks_exact(2 * c)) {
        merged.push(x.len() / c, &part[..c], &part[c..]);
    }
    merged.finish();
}

/// [`moments`] on the calling thread, of the same bits.
pub(super) fn moments_here<T: Element>(isa: Isa, x: &[T], mean: &mut [f64], variance: &mut [f64]) {
    let c = mean.len();
    let part = &mut *Scratch::<f64>::new(2 * c);
    let (means, squares) = part.split_at_mut(c);
    let (mut sums, mut merged) = (Sums::new(isa, c), Merged::new(mean, variance));
    for x in x.chunks(Chunks::new(c, x.len()).len()) {
        sums.moments(x, means, squares);
        merged.push(x.len() / c, means, squares);
    }
    merged.finish();
}

/// Moments of the chunks so far.
struct Merged<'a> {
    rows: usize,
    mean: &'a mut [f64],
    /// Sums of squared deviations.
    squares: &'a mut [f64],
}

impl<'a> Merged<'a> {
    fn new(mean: &'a mut [f64], squares: &'a mut [f64]) -> Self {
        mean.fill(0.0);
        squares.fill(0.0);
        Self { rows: 0, mean, squares }
    }

    fn push(&mut self, rows: usize, mean: &[f64], squares: &[f64]) {
        let (before, all) = (self.rows as f64, (self.rows + rows) as f64);
        let (share, weight) = (rows as f64 / all, before * rows as f64 / all);
        for (j, (&mean, &squares)) in mean.iter().zip(squares).enumerate() {
            let shift = mean - self.mean[j];
            self.mean[j] += shift * share;
            self.squares[j] += squares + shift * shift * weight;
        }
        self.rows += rows;
    }

    fn finish(self) {
        let rows = self.rows as f64;
        self.squares.iter_mut().for_each(|squares| *squares /= rows);
        if self.rows == 0 {
            self.mean.fill(f64::NAN);
        }
    }
}
