//! The geometric median, on the Gram matrix.
//!
//! `n`: rows, `d`: columns; G = X Xᵀ [n, n].

use super::{gram_on, sum::weighted_sum};
use crate::{Element, Isa};

/// The stopping rule of [`geometric_median`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weiszfeld {
    /// Stop when an iteration reduces the sum of distances by at most this share of it.
    pub tolerance: f64,
    /// The most iterations.
    pub iterations: usize,
}

/// Geometric median, `out [d]`: the point with the least sum of distances to the rows, by
/// Weiszfeld's iteration.
///
/// The iterate is a weighted mean z = Σ w_e x_e, so that ‖x_e − z‖² = G_ee − 2 (G w)_e + wᵀ G w: the
/// rows are read only twice, whatever the number of iterations. w_e ∝ 1 / ‖x_e − z‖, where distances
/// below 1e-7 of the largest norm count as 1e-7 of it. Returns the number of iterations.
///
/// The rule of the core, [`coherence_core::aggregate::GeometricMedian`], reads the rows in each iteration and proves how
/// near its result is; [`aggregate_rows`](super::aggregate_rows) computes it on all threads. A test holds this kernel to it.
///
/// # Panics
///
/// When `rows` is not `n` rows of `out.len()` values, `n > 0`.
///
/// Source: E. Weiszfeld (1937), *Sur le point pour lequel la somme des distances de n points
/// donnés est minimum*, Tohoku Mathematical Journal 43.
///
/// ```
/// use coherence_cpu::{Isa, dense::{Weiszfeld, geometric_median}};
/// let mut out = [0.0f32; 2];
/// let square = [1.0, 1.0, -1.0, 1.0, 1.0, -1.0, -1.0, -1.0];
/// let stop = Weiszfeld { tolerance: 1e-9, iterations: 100 };
/// geometric_median(Isa::detect(), &square, 4, stop, &mut out);
/// assert_eq!(out, [0.0, 0.0]);
/// ```
pub fn geometric_median<T: Element>(
    isa: Isa,
    rows: &[T],
    n: usize,
    stop: Weiszfeld,
    out: &mut [T],
) -> usize {
    assert_eq!(rows.len(), n * out.len(), "{n} rows of {} values", out.len());
    let g = gram_on(isa, rows, n);
    let largest = (0..n).map(|e| g[e * n + e]).fold(0.0, f64::max);
    let floor = 1e-7 * largest.sqrt() + f64::MIN_POSITIVE;
    let mut weights = vec![1.0 / n as f64; n];
    let (mut last, mut iterations) = (f64::INFINITY, 0);
    while iterations < stop.iterations {
        iterations += 1;
        let distances = distances(&g, &weights);
        let total: f64 = distances.iter().sum();
        if last - total <= stop.tolerance * total {
            break;
        }
        last = total;
        let closeness = |distance: &f64| 1.0 / distance.max(floor);
        let sum: f64 = distances.iter().map(closeness).sum();
        weights = distances.iter().map(|d| closeness(d) / sum).collect();
    }
    weighted_sum(isa, rows, &weights, 1.0, out);
    iterations
}

/// ‖x_e − Σ_f w_f x_f‖ for each e, Σ w = 1.
fn distances(g: &[f64], weights: &[f64]) -> Vec<f64> {
    let dot = |row: &[f64]| row.iter().zip(weights).map(|(g, w)| g * w).sum::<f64>();
    let gw: Vec<f64> = g.chunks_exact(weights.len()).map(dot).collect();
    let square = dot(&gw);
    let n = weights.len();
    (0..n).map(|e| (g[e * n + e] - 2.0 * gw[e] + square).max(0.0).sqrt()).collect()
}
