//! A memorising and a learning neuron side by side (GM22 Example 8).

use super::{Toy, ToyLayer};
use core::ops::Range;

/// ŷ = w⁽¹⁾ h⁽¹⁾ + w⁽²⁾ h⁽²⁾ with h⁽¹⁾ = Σ_{j≤5} u⁽ʲ⁾ x⁽ʲ⁾ and h⁽²⁾ = Σ_{j≤6} v⁽ʲ⁾ x⁽ʲ⁾;
/// θ = (u \[5\], v \[6\], w \[2\]), d = 13.
///
/// The "bad" neuron h⁽¹⁾ does not see the common input x⁽⁶⁾ and can only memorise.
///
/// ```
/// use coherence_lab::toy::{Toy, TwoNeurons};
/// let mut theta = [1.0; 13];
/// theta[TwoNeurons::W].copy_from_slice(&[10.0, 100.0]);
/// assert_eq!(TwoNeurons.predict(&theta, &[1.0, 0.0, 0.0, 0.0, 0.0, 1.0]), 210.0);
/// ```
///
/// Source: GM22 §10, Example 8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TwoNeurons;

impl TwoNeurons {
    /// The range of the bad neuron's input weights u in θ.
    pub const U: Range<usize> = 0..5;
    /// The range of the good neuron's input weights v in θ.
    pub const V: Range<usize> = 5..11;
    /// The range of the output weights (w⁽¹⁾, w⁽²⁾) in θ.
    pub const W: Range<usize> = 11..13;

    /// (h⁽¹⁾, h⁽²⁾) at x.
    fn hidden(theta: &[f64], x: &[f64; 6]) -> [f64; 2] {
        [Self::U, Self::V].map(|range| theta[range].iter().zip(x).map(|(w, x)| w * x).sum())
    }
}

impl Toy for TwoNeurons {
    fn parameters(&self) -> usize {
        13
    }

    fn layers(&self) -> Vec<ToyLayer> {
        vec![
            ToyLayer { name: "u", range: Self::U },
            ToyLayer { name: "v", range: Self::V },
            ToyLayer { name: "w", range: Self::W },
        ]
    }

    fn predict(&self, theta: &[f64], x: &[f64; 6]) -> f64 {
        let [h1, h2] = Self::hidden(theta, x);
        theta[11] * h1 + theta[12] * h2
    }

    fn jacobian(&self, theta: &[f64], x: &[f64; 6], out: &mut [f64]) {
        let (w1, w2) = (theta[11], theta[12]);
        out[Self::U].iter_mut().zip(x).for_each(|(out, x)| *out = w1 * x);
        out[Self::V].iter_mut().zip(x).for_each(|(out, x)| *out = w2 * x);
        out[Self::W].copy_from_slice(&Self::hidden(theta, x));
    }
}
