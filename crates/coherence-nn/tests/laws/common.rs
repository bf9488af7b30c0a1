//! A batch, and the loop over batches of one example that serves as the reference.

use coherence_nn::{Activation, Element, Mlp, Workspace, loss::softmax_cross_entropy};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A network with a batch of m examples.
pub(crate) struct Case<T> {
    pub(crate) mlp: Mlp<T>,
    pub(crate) m: usize,
    /// [m, features]
    pub(crate) x: Vec<T>,
    pub(crate) labels: Vec<u32>,
}

impl<T: Element> Case<T> {
    /// Random weights and inputs; half of the inputs are exact zeros, as dark pixels are.
    pub(crate) fn new(widths: &[usize], m: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mlp = Mlp::xavier(widths, &mut rng).unwrap();
        let (mut x, classes) = (Vec::new(), mlp.classes() as u32);
        for _ in 0..m * widths[0] {
            x.push(T::narrow(f64::max(0.0, uniform(&mut rng))));
        }
        let labels = (0..m).map(|_| rng.random_range(0..classes)).collect();
        Self { mlp, m, x, labels }
    }

    /// Sets non-zero biases, so that their part in the passes is tested as well.
    pub(crate) fn with_biases(mut self, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let ranges: Vec<_> = self.mlp.layout().tensors().iter().map(|t| t.range.clone()).collect();
        for range in ranges.into_iter().skip(1).step_by(2) {
            for bias in &mut self.mlp.parameters_mut()[range] {
                *bias = T::narrow(0.3 * uniform(&mut rng));
            }
        }
        self
    }

    /// The same case with another activation.
    pub(crate) fn with_activation(self, activation: Activation) -> Self {
        Self { mlp: self.mlp.with_activation(activation), ..self }
    }

    /// Runs both passes; returns the workspace and the SUM of the losses.
    pub(crate) fn passes(&self) -> (Workspace<T>, f64) {
        let mut workspace = self.mlp.workspace(self.m);
        self.mlp.forward(&self.x, self.m, &mut workspace);
        let (logits, delta) = workspace.logits_and_delta();
        let loss = softmax_cross_entropy(logits, &self.labels, delta, &mut vec![0.0; self.m]);
        self.mlp.backward(&mut workspace);
        (workspace, loss)
    }

    /// A case of only example e.
    pub(crate) fn only(&self, e: usize) -> Self {
        let features = self.mlp.inputs();
        Self {
            mlp: self.mlp.clone(),
            m: 1,
            x: self.x[e * features..][..features].to_vec(),
            labels: vec![self.labels[e]],
        }
    }

    /// The gradient of the batch's SUM loss [d].
    pub(crate) fn gradient(&self) -> Vec<T> {
        let (workspace, _) = self.passes();
        let mut gradient = vec![T::zero(); self.mlp.parameters().len()];
        self.mlp.gradient(&self.x, &workspace, &mut gradient);
        gradient
    }

    /// The reference: each example's gradient [d] from a batch of one, in f64.
    pub(crate) fn per_example(&self) -> Vec<Vec<f64>> {
        let widen = |g: Vec<T>| g.into_iter().map(Element::widen).collect();
        (0..self.m).map(|e| widen(self.only(e).gradient())).collect()
    }
}

fn uniform(rng: &mut impl Rng) -> f64 {
    rng.random_range(-1.0..1.0)
}
