//! Batch, group and layer normalisation, channels last.
//!
//! Every kind computes y = γ · x̂ + β with x̂ = (x − μ) / √(σ² + ε); they differ in the values that share
//! μ and σ² (a [`Standardization`]):
//!
//! - [`batch`]: one pair for each channel, over all rows of the batch (training), or the running ones
//!   (evaluation, where the layer is an affine map and no example depends on another).
//! - [`group`]: one pair for each example and group of channels. Layer normalisation is one group at
//!   one position.
//!
//! x [rows, c]: a row is one position of one example. γ (`scale`) and β (`shift`) are \[c\]. Statistics
//! and sums are in `f64`, over chunks that depend on the sizes alone, so that no bit depends on the
//! number of threads. Gradients are of the SUM loss.

pub mod batch;
pub mod group;
mod moments;
mod rows;
mod runs;

use rayon::prelude::*;

use crate::{Element, Isa, product::Output};
use rows::{Chunks, Map};

pub use moments::moments;

/// The map x ↦ x̂ = (x − mean) · inverse.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standardization {
    mean: Vec<f64>,
    inverse: Vec<f64>,
}

impl Standardization {
    /// From means and biased variances: inverse = 1 / √(variance + epsilon).
    ///
    /// # Panics
    ///
    /// When the lengths differ.
    ///
    /// ```
    /// use coherence_cpu::normalize::Standardization;
    /// let one = Standardization::from_moments(vec![2.0], &[3.0], 1.0);
    /// assert_eq!((one.mean(), one.inverse()), (&[2.0][..], &[0.5][..]));
    /// ```
    pub fn from_moments(mean: Vec<f64>, variance: &[f64], epsilon: f64) -> Self {
        assert_eq!(mean.len(), variance.len(), "as many variances as means");
        let inverse = variance.iter().map(|v| 1.0 / (v + epsilon).sqrt()).collect();
        Self { mean, inverse }
    }

    /// Replaces the map by that of `len` means and biased variances, which `moments` writes to its
    /// arguments. Allocates only if `len` exceeds all lengths before.
    ///
    /// ```
    /// let mut by = coherence_cpu::normalize::Standardization::default();
    /// by.update(1, 1.0, |mean, variance| {
    ///     mean[0] = 2.0;
    ///     variance[0] = 3.0;
    /// });
    /// assert_eq!((by.mean(), by.inverse()), (&[2.0][..], &[0.5][..]));
    /// ```
    pub fn update(
        &mut self,
        len: usize,
        epsilon: f64,
        moments: impl FnOnce(&mut [f64], &mut [f64]),
    ) {
        self.mean.resize(len, 0.0);
        self.inverse.resize(len, 0.0);
        moments(&mut self.mean, &mut self.inverse);
        self.inverse.iter_mut().for_each(|v| *v = 1.0 / (*v + epsilon).sqrt());
    }

    /// The means μ.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The inverse deviations 1 / √(σ² + ε).
    pub fn inverse(&self) -> &[f64] {
        &self.inverse
    }
}

/// `out[r, j] = scale[j] · x[r, j] + shift[j]`, for x and out [rows, c].
///
/// # Panics
///
/// When `x` and `out` are not rows of `scale.len()` values of one number, or `scale` and `shift` differ
/// in length.
///
/// ```
/// let mut out = [0.0f32; 4];
/// use coherence_cpu::{Isa, normalize::affine};
/// affine(Isa::detect(), &[1.0, 2.0, 3.0, 4.0], &[2.0, 10.0], &[1.0, 0.0], &mut out);
/// assert_eq!(out, [3.0, 20.0, 7.0, 40.0]);
/// ```
pub fn affine<T: Element>(isa: Isa, x: &[T], scale: &[T], shift: &[T], out: &mut [T]) {
    let c = scale.len();
    assert_eq!(c, shift.len(), "scale and shift of one length");
    let map = Map::new(isa, c, |j| [scale[j], shift[j]]);
    each_chunk(c, x, out, |x, out| map.affine(x, out));
}

/// `out[r, j] (+)= scale[j] · x[r, j]`, for x and out [rows, c].
///
/// # Panics
///
/// As [`affine`].
///
/// ```
/// use coherence_cpu::{Isa, normalize::multiply, product::Output};
/// let mut out = [1.0f32; 4];
/// multiply(Isa::detect(), &[1.0, 2.0, 3.0, 4.0], &[2.0, 10.0], Output::Add, &mut out);
/// assert_eq!(out, [3.0, 21.0, 7.0, 41.0]);
/// ```
pub fn multiply<T: Element>(isa: Isa, x: &[T], scale: &[T], output: Output, out: &mut [T]) {
    let c = scale.len();
    let map = Map::new(isa, c, |j| [scale[j]]);
    each_chunk(c, x, out, |x, out| map.multiply(x, output, out));
}

/// Calls `f` with corresponding chunks of rows of `c` values, on all threads.
fn each_chunk<T: Element>(c: usize, x: &[T], out: &mut [T], f: impl Fn(&[T], &mut [T]) + Sync) {
    let chunks = Chunks::new(c, x.len());
    assert_eq!(x.len(), out.len(), "as many outputs as inputs");
    x.par_chunks(chunks.len()).zip(out.par_chunks_mut(chunks.len())).for_each(|(x, out)| f(x, out));
}
