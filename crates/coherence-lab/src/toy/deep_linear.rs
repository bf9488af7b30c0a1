//! Linear regression with depth (GM22 Example 7).

use super::{Toy, ToyLayer};

/// ŷ = (w ⊙ u) · x; θ = (u, w) \[12\], in the paper's order.
///
/// ∂ŷ/∂u⁽ʲ⁾ = w⁽ʲ⁾ x⁽ʲ⁾ and ∂ŷ/∂w⁽ʲ⁾ = u⁽ʲ⁾ x⁽ʲ⁾: each layer's gradient is proportional to the
/// other's weight, the positive feedback that amplifies the common input. θ = 0 is a stationary point.
///
/// ```
/// use coherence_lab::toy::{DeepLinear, Toy};
/// let mut theta = [2.0; 12];
/// theta[DeepLinear::W].fill(3.0);
/// assert_eq!(DeepLinear.predict(&theta, &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]), 12.0);
/// ```
///
/// Source: GM22 §10, Example 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeepLinear;

impl DeepLinear {
    /// The range of u in θ.
    pub const U: core::ops::Range<usize> = 0..6;
    /// The range of w in θ.
    pub const W: core::ops::Range<usize> = 6..12;
}

impl Toy for DeepLinear {
    fn parameters(&self) -> usize {
        12
    }

    fn layers(&self) -> Vec<ToyLayer> {
        vec![ToyLayer { name: "u", range: Self::U }, ToyLayer { name: "w", range: Self::W }]
    }

    fn predict(&self, theta: &[f64], x: &[f64; 6]) -> f64 {
        let (u, w) = theta.split_at(6);
        u.iter().zip(w).zip(x).map(|((u, w), x)| w * u * x).sum()
    }

    fn jacobian(&self, theta: &[f64], x: &[f64; 6], out: &mut [f64]) {
        let (u, w) = theta.split_at(6);
        for j in 0..6 {
            out[j] = w[j] * x[j];
            out[6 + j] = u[j] * x[j];
        }
    }
}
