//! Layers: α of a network from α of its blocks of parameters.

use crate::{Coherence, Part};

/// α of a network from α_l and the energy of each layer.
///
/// # Definition
///
/// ```text
/// α = Σ_l α_l E‖g_l‖² / Σ_l E‖g_l‖²
/// ```
///
/// A convex combination: no network is more coherent than its most coherent layer. "Layer" is any
/// partition of the parameters; with one parameter each, the parts are the coordinates.
///
/// # Edge cases
///
/// No layers: NaN. None with energy: 0.
///
/// # Example
///
/// ```
/// # use coherence_core::{Part, layers::network_alpha};
/// let layers = [Part { alpha: 1.0, energy: 1.0 }, Part { alpha: 0.2, energy: 3.0 }];
/// assert!((network_alpha(&layers) - 0.4).abs() < 1e-15);
/// ```
///
/// # Source
///
/// GM22 Theorem 7.
///
/// Law: A10
pub fn network_alpha(layers: &[Part]) -> f64 {
    if layers.is_empty() {
        return f64::NAN;
    }
    let energy: f64 = layers.iter().map(|layer| layer.energy).sum();
    if energy == 0.0 {
        return 0.0;
    }
    layers.iter().map(|layer| layer.alpha * (layer.energy / energy)).sum()
}

/// The statistics of a network from those of its layers, measured on the same m examples: the
/// fields ‖S‖² and Q add up.
///
/// # Edge cases
///
/// No layers: the empty statistics. `None` if the layers differ in m.
///
/// # Example
///
/// ```
/// # use coherence_core::{Coherence, layers::network};
/// let layers = [
///     Coherence { m: 2, sq_norm_of_sum: 4.0, sum_sq_norms: 2.0 },
///     Coherence { m: 2, sq_norm_of_sum: 0.0, sum_sq_norms: 2.0 },
/// ];
/// assert_eq!(network(&layers).unwrap().alpha(), 0.5);
/// ```
///
/// # Source
///
/// GM22 Theorem 7, before the division.
///
/// Law: A10
pub fn network(layers: &[Coherence]) -> Option<Coherence> {
    let mut whole =
        Coherence { m: layers.first().map_or(0, |layer| layer.m), ..Default::default() };
    for layer in layers {
        if layer.m != whole.m {
            return None;
        }
        whole.sq_norm_of_sum += layer.sq_norm_of_sum;
        whole.sum_sq_norms += layer.sum_sq_norms;
    }
    Some(whole)
}
