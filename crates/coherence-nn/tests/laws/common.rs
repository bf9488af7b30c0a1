//! A batch, and the loop over batches of one example that serves as the reference.

use coherence_cpu::product::Output;
use coherence_nn::{
    Activation, Element, Factors, Keep, Model, Workspace,
    loss::{Loss, Targets},
    model::{mlp, mlp_with_activation},
};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A network with a batch of m examples.
pub(crate) struct Case<T: Element> {
    pub(crate) model: Model<T>,
    widths: Vec<usize>,
    pub(crate) m: usize,
    /// [m, features]
    pub(crate) x: Vec<T>,
    pub(crate) labels: Vec<u32>,
}

impl<T: Element> Case<T> {
    /// Random weights and inputs; half of the inputs are exact zeros, as dark pixels are.
    pub(crate) fn new(widths: &[usize], m: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let model = Model::initialized(mlp(widths).unwrap(), &mut rng);
        let (mut x, classes) = (Vec::new(), model.classes() as u32);
        for _ in 0..m * widths[0] {
            x.push(T::narrow(f64::max(0.0, uniform(&mut rng))));
        }
        let labels = (0..m).map(|_| rng.random_range(0..classes)).collect();
        Self { model, widths: widths.to_vec(), m, x, labels }
    }

    /// Sets non-zero biases, so that their part in the passes is tested as well.
    pub(crate) fn with_biases(mut self, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let ranges: Vec<_> =
            self.model.layout().tensors().iter().map(|t| t.range.clone()).collect();
        for range in ranges.into_iter().skip(1).step_by(2) {
            for bias in &mut self.model.parameters_mut()[range] {
                *bias = T::narrow(0.3 * uniform(&mut rng));
            }
        }
        self
    }

    /// The same case with another activation.
    pub(crate) fn with_activation(self, activation: Activation) -> Self {
        let mut model = Model::zeros(mlp_with_activation(&self.widths, activation).unwrap());
        model.parameters_mut().copy_from_slice(self.model.parameters());
        Self { model, ..self }
    }

    /// Runs both passes; returns the workspace and the SUM of the losses.
    pub(crate) fn passes(&self) -> (Workspace<T>, f64) {
        let mut workspace = self.model.workspace(self.m, Keep::Deltas);
        self.model.forward(&self.x, self.m, &mut workspace);
        let labels = Targets::Labels(&self.labels[..]);
        let loss = workspace.loss(Loss::default(), labels, &mut vec![0.0; self.m]);
        self.model.backward(&self.x, &mut workspace, |_| {});
        (workspace, loss)
    }

    /// Calls `visit` with the factors of each tensor.
    pub(crate) fn factors(&self, visit: impl FnMut(&Factors<'_, T>)) {
        self.model.factors(&self.x, &self.passes().0, visit);
    }

    /// A case of only example e.
    pub(crate) fn only(&self, e: usize) -> Self {
        let features = self.model.inputs();
        Self {
            model: self.model.clone(),
            widths: self.widths.clone(),
            m: 1,
            x: self.x[e * features..][..features].to_vec(),
            labels: vec![self.labels[e]],
        }
    }

    /// The gradient of the batch's SUM loss [d].
    pub(crate) fn gradient(&self) -> Vec<T> {
        let mut gradient = vec![T::zero(); self.model.parameters().len()];
        self.factors(|factors| {
            factors.sum(Output::Overwrite, &mut gradient[factors.range.clone()]);
        });
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
