//! The common interface of the tiny models: prediction, gradient, square loss, one step.

use super::Example;
use core::ops::Range;

/// A layer, that is a named range of a model's parameters, whose coherence can be measured separately.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToyLayer {
    /// The paper's name of these parameters, such as `w`.
    pub name: &'static str,
    /// Their range in θ.
    pub range: Range<usize>,
}

/// A model ŷ(θ, x) that predicts one number, with the square loss.
///
/// Only [`predict`](Toy::predict) and [`jacobian`](Toy::jacobian) differ between the models.
pub trait Toy {
    /// The number of parameters d.
    fn parameters(&self) -> usize;

    /// The layers, in the order of θ; together they cover it.
    fn layers(&self) -> Vec<ToyLayer>;

    /// The prediction ŷ(θ, x); `theta` \[d\].
    fn predict(&self, theta: &[f64], x: &[f64; 6]) -> f64;

    /// Writes J = ∂ŷ/∂θ at (θ, x) to `out` \[d\].
    fn jacobian(&self, theta: &[f64], x: &[f64; 6], out: &mut [f64]);

    /// The loss ℓ = ½ (y − ŷ)² of one example.
    fn loss(&self, theta: &[f64], example: &Example) -> f64 {
        0.5 * (example.y - self.predict(theta, &example.x)).powi(2)
    }

    /// Writes the per-example gradient g = ∇ℓ = (ŷ − y) J to `out` \[d\].
    ///
    /// GM22 writes it with the residual `r = y − ŷ`, which gives the direction of descent, −g.
    fn gradient(&self, theta: &[f64], example: &Example, out: &mut [f64]) {
        self.jacobian(theta, &example.x, out);
        let error = self.predict(theta, &example.x) - example.y;
        out.iter_mut().for_each(|j| *j *= error);
    }
}

/// The per-example gradients of `examples`, row by row: [m, d].
///
/// ```
/// use coherence_lab::toy::{gradients, Linear, M};
/// let g = gradients(&Linear, &[0.0; 6], M.train());
/// assert_eq!(g[..6], [-1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
/// ```
pub fn gradients(model: &impl Toy, theta: &[f64], examples: &[Example]) -> Vec<f64> {
    let mut rows = vec![0.0; examples.len() * model.parameters()];
    for (example, row) in examples.iter().zip(rows.chunks_exact_mut(model.parameters())) {
        model.gradient(theta, example, row);
    }
    rows
}

/// The MEAN loss over `examples`; NaN if there are none.
pub fn mean_loss(model: &impl Toy, theta: &[f64], examples: &[Example]) -> f64 {
    examples.iter().map(|e| model.loss(theta, e)).sum::<f64>() / examples.len() as f64
}

/// One step of descent, θ ← θ − η rule(g_1⁽ʲ⁾ … g_m⁽ʲ⁾) for every coordinate j.
///
/// `rule` gets the m values of one coordinate and may reorder them: the mean is gradient descent
/// (Example 1), the median is Example 5, the median of three drawn examples is Example 6.
///
/// ```
/// use coherence_lab::toy::{step, Linear, L};
/// let mut w = [0.0; 6];
/// step(&Linear, &mut w, L.train(), 0.1, |g| g.iter().sum::<f64>() / g.len() as f64);
/// assert_eq!(w[5], 4.0 * w[0]); // the common weight grows four times as fast
/// ```
pub fn step(
    model: &impl Toy,
    theta: &mut [f64],
    examples: &[Example],
    rate: f64,
    mut rule: impl FnMut(&mut [f64]) -> f64,
) {
    let rows = gradients(model, theta, examples);
    let mut column = vec![0.0; examples.len()];
    for (j, parameter) in theta.iter_mut().enumerate() {
        for (value, row) in column.iter_mut().zip(rows.chunks_exact(model.parameters())) {
            *value = row[j];
        }
        *parameter -= rate * rule(&mut column);
    }
}
