//! Passes over a batch without a trainer, as references for times and for results.

use coherence_cpu::product::Output;
use coherence_data::Dataset;
use coherence_nn::{
    Factors, Keep, Model, Workspace,
    loss::{Loss, Targets},
    model::mlp,
};

use crate::{digits, initialized};

/// A network, some digits, and the buffers for their passes.
#[derive(Debug)]
pub struct Passes {
    /// Xavier weights from a fixed seed.
    pub model: Model<f32>,
    /// Pixels [m, 784] in [0, 1].
    pub x: Vec<f32>,
    /// Labels `[m]`.
    pub labels: Vec<u32>,
    workspace: Workspace<f32>,
    losses: Vec<f64>,
}

impl Passes {
    /// The first `m` digits and a network of `widths`, for batches of up to `capacity`.
    ///
    /// # Panics
    ///
    /// If `widths` are not those of a network.
    pub fn new(widths: &[usize], m: usize, capacity: usize) -> Self {
        let (data, features) = (digits(m), widths[0]);
        let mut x = vec![0.0; m * features];
        let inputs = x.chunks_exact_mut(features).enumerate();
        let labels =
            inputs.map(|(e, x)| data.get(e, x).expect("digits are in memory").label).collect();
        let network = mlp(widths).expect("widths of a network");
        let model = initialized(network);
        let workspace = model.workspace(capacity, Keep::Activations);
        Self { model, x, labels, workspace, losses: vec![0.0; capacity] }
    }

    /// Forward pass, SUM loss and backward pass for `m` examples from `start` on; `visit` receives the
    /// factors of each tensor.
    pub fn run(&mut self, start: usize, m: usize, visit: impl FnMut(&Factors<'_, f32>)) {
        let (model, losses) = (&self.model, &mut self.losses[..m]);
        let x = &self.x[start * model.inputs()..(start + m) * model.inputs()];
        model.forward(x, m, &mut self.workspace);
        let labels = Targets::Labels(&self.labels[start..][..m]);
        self.workspace.loss(Loss::default(), labels, losses);
        model.backward(x, &mut self.workspace, visit);
    }

    /// [`run`](Self::run) that writes the gradient of the SUM loss to `gradient` `[d]`.
    pub fn gradient(&mut self, start: usize, m: usize, gradient: &mut [f32]) {
        self.run(start, m, |factors| {
            factors.sum(Output::Overwrite, &mut gradient[factors.range.clone()]);
        });
    }
}
