//! Linear regression without a bias (GM22 Example 1).

use super::{Toy, ToyLayer};

/// ŷ = w · x; θ = w \[6\].
///
/// ```
/// use coherence_lab::toy::{Linear, Toy};
/// assert_eq!(Linear.predict(&[2.0; 6], &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]), 4.0);
/// ```
///
/// Source: GM22 §3, Example 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linear;

impl Toy for Linear {
    fn parameters(&self) -> usize {
        6
    }

    fn layers(&self) -> Vec<ToyLayer> {
        vec![ToyLayer { name: "w", range: 0..6 }]
    }

    fn predict(&self, theta: &[f64], x: &[f64; 6]) -> f64 {
        theta.iter().zip(x).map(|(w, x)| w * x).sum()
    }

    fn jacobian(&self, _: &[f64], x: &[f64; 6], out: &mut [f64]) {
        out.copy_from_slice(x);
    }
}
